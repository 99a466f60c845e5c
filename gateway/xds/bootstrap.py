"""Bootstrap files that point an unmodified gRPC client or an Envoy at this control plane; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from gateway.xds.files import Certificates, control_plane_socket, file_watcher
from gateway.xds.names import SERVER, WORKLOAD
from gateway.xds.node import Tls
from governance.environment import split_address
from governance.kernel.errors import Invalid

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What an Envoy's ingress demands of callers.

    With `tls` "require" they speak TLS, with "mutual" they show a certificate of the trust domain as well; without a
    server certificate of its own the ingress then stays closed. With `alpn` they speak one of these protocols.
    """

    tls: Tls = "off"
    alpn: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.tls not in get_args(Tls):
            raise Invalid(f"{self.tls!r} is not one of {', '.join(get_args(Tls))}", field="tls")
        if self.tls == "off" and self.alpn:
            raise Invalid("is chosen while TLS begins: it needs tls to be require or mutual", field="alpn")


NONE = Demands()


def grpc_bootstrap(
    server: str, *, node_id: str, zone: str = "", language: str = "", certificates: Certificates | None = None
) -> dict[str, Any]:
    """The file that GRPC_XDS_BOOTSTRAP names; `language` is for lists of clients, where C-core does not tell it.

    With `certificates`, read again every second, it proves its identity to us, to servers, and to clients.
    """
    content: dict[str, Any] = {
        "xds_servers": [
            {"server_uri": server, "channel_creds": [_credentials(certificates)], "server_features": ["xds_v3"]},
        ],
        "node": {
            "id": node_id,
            "cluster": "governor",
            "locality": {"zone": zone},
            "metadata": {"governor": {"language": language}} if language else {},
        },
        "server_listener_resource_name_template": f"{SERVER}%s",
    }
    if certificates:
        content["certificate_providers"] = {
            WORKLOAD: {"plugin_name": "file_watcher", "config": file_watcher(certificates)}
        }
    return content


def _credentials(certificates: Certificates | None) -> dict[str, Any]:
    return {"type": "tls", "config": file_watcher(certificates)} if certificates else {"type": "insecure"}


def envoy_bootstrap(
    server: str,
    *,
    node_id: str,
    zone: str = "",
    listen: str = "",
    origins: Sequence[str] = (),
    delta: bool = True,
    admin: str = "127.0.0.1:0",
    demands: Demands = NONE,
    certificates: Certificates | None = None,
) -> dict[str, Any]:
    """The file that `envoy -c` takes, as JSON (which is YAML too).

    With `listen` (host:port) the control plane gives it an ingress for all services there, which browsers of
    `origins` may call. `admin` with port 0 is on a free port: see `envoy --admin-address-path`.
    With `certificates` it proves its identity to us; the files of `envoy_files` lie beside them then.
    """
    governor = _wishes(listen, origins, demands)
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
        "static_resources": {"clusters": [_control_plane(server, certificates)]},
    }


def _wishes(listen: str, origins: Sequence[str], demands: Demands) -> dict[str, Any]:
    """What its node says of the ingress that it wants."""
    said: dict[str, Any] = {
        "listen": listen,
        "origins": list(origins),
        "tls": demands.tls if demands.tls != "off" else "",
        "alpn": list(demands.alpn),
    }
    return {name: value for name, value in said.items() if value}


def _control_plane(server: str, certificates: Certificates | None) -> dict[str, Any]:
    members = [{"endpoint": {"address": _address(server)}}]
    cluster: dict[str, Any] = {
        "name": _ADS_CLUSTER,
        "type": "STRICT_DNS",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": _ADS_CLUSTER, "endpoints": [{"lb_endpoints": members}]},
        "typed_extension_protocol_options": _HTTP2,
    }
    if certificates is not None:
        cluster["transport_socket"] = control_plane_socket(certificates)
    return cluster


def _address(text: str) -> dict[str, Any]:
    host, port = split_address(text)
    return {"socket_address": {"address": host, "port_value": port}}
