"""Bootstrap files that point an unmodified gRPC client or an Envoy at this control plane; pure."""

from collections.abc import Sequence
from typing import Any

from governance.environment import split_address

_ADS_CLUSTER = "governor"
_HTTP2 = {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {
            # A control plane that is gone without a word is noticed within 40 s.
            "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "10s"}}
        },
    }
}


def grpc_bootstrap(server: str, *, node_id: str, zone: str = "", language: str = "") -> dict[str, Any]:
    """The file that GRPC_XDS_BOOTSTRAP names; `language` is for lists of clients, where C-core does not tell it."""
    return {
        "xds_servers": [
            {"server_uri": server, "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]},
        ],
        "node": {
            "id": node_id,
            "cluster": "governor",
            "locality": {"zone": zone},
            "metadata": {"governor": {"language": language}} if language else {},
        },
    }


def envoy_bootstrap(
    server: str,
    *,
    node_id: str,
    zone: str = "",
    listen: str = "",
    origins: Sequence[str] = (),
    delta: bool = True,
    admin: str = "127.0.0.1:0",
) -> dict[str, Any]:
    """The file that `envoy -c` takes, as JSON (which is YAML too).

    With `listen` (host:port) the control plane gives it an ingress for all services there, which browsers of
    `origins` may call. `admin` with port 0 is on a free port: see `envoy --admin-address-path`.
    """
    governor: dict[str, Any] = {"listen": listen} if listen else {}
    if origins:
        governor["origins"] = list(origins)
    here = {"envoy_grpc": {"cluster_name": _ADS_CLUSTER}}
    return {
        "node": {
            "id": node_id,
            "cluster": "governor",
            "locality": {"zone": zone},
            "metadata": {"governor": governor} if governor else {},
        },
        "admin": {"address": _address(admin)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC" if delta else "GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [here],
            },
            "cds_config": {"resource_api_version": "V3", "ads": {}},
            "lds_config": {"resource_api_version": "V3", "ads": {}},
        },
        "cluster_manager": {
            "load_stats_config": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [here]}
        },
        "static_resources": {"clusters": [_control_plane(server)]},
    }


def _control_plane(server: str) -> dict[str, Any]:
    members = [{"endpoint": {"address": _address(server)}}]
    return {
        "name": _ADS_CLUSTER,
        "type": "STRICT_DNS",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": _ADS_CLUSTER, "endpoints": [{"lb_endpoints": members}]},
        "typed_extension_protocol_options": _HTTP2,
    }


def _address(text: str) -> dict[str, Any]:
    host, port = split_address(text)
    return {"socket_address": {"address": host, "port_value": port}}
