"""Sonora's gRPC-Web server, repaired by overriding: what a browser can reach is as strict as native gRPC."""

from gateway.rpc.sonora.admission import Origins
from gateway.rpc.sonora.limits import Limits
from gateway.rpc.sonora.web import EdgeRefusal, Web

__all__ = ["EdgeRefusal", "Limits", "Origins", "Web"]
