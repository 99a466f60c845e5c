"""The ingress of an Envoy: one port for all services, in plain text or with a certificate per tenant; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from envoy.config.core.v3.base_pb2 import DataSource
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain, FilterChainMatch, ListenerFilter
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import DirectResponseAction, Route, RouteMatch, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.listener.tls_inspector.v3.tls_inspector_pb2 import TlsInspector
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)
from google.protobuf.duration_pb2 import Duration

from gateway.xds.names import INGRESS, NOBODY, resource_name, tenant_routes
from gateway.xds.node import Group
from gateway.xds.tls import ads, of_ingress, packed
from gateway.xds.trust import Secret, Trust
from governance.environment import split_address

CORS = "envoy.filters.http.cors"
MANAGER = "envoy.filters.network.http_connection_manager"
_EVERY_PROTOCOL = ("h2", "http/1.1")
_NEVER = Duration(seconds=0)  # 0 turns a timeout off
_MISDIRECTED = 421


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A server certificate of an ingress, and the names for which it is shown."""

    secret: Secret
    names: tuple[str, ...]

    @property
    def routes(self) -> str:
        """The name of the routes that its callers take: to services of its own namespace, whatever host they name."""
        return tenant_routes(self.secret.namespace)


def tenants_of(group: Group, trust: Trust) -> tuple[Tenant, ...]:
    """The certificates that the ingress of `group` shows; each name is that of the first certificate that has it."""
    taken: set[str] = set()
    found = []
    for secret in trust.servers(group.identity) if group.tls != "off" else ():
        names = tuple(name for name in dict.fromkeys(secret.dns_names) if name not in taken)
        taken.update(names)
        if names:
            found.append(Tenant(secret=secret, names=names))
    return tuple(found)


def plain_listener(group: Group) -> Any:
    """HTTP/1 and HTTP/2 on one port, gRPC and gRPC-Web; a stream may idle as long as it likes."""
    message = _listener(group.listen)
    message.filter_chains.append(FilterChain(filters=[_manager(_routed(INGRESS))]))
    return message


def tls_listener(group: Group, tenants: Iterable[Tenant], *, nobody: bool) -> Any:
    """The same behind TLS: the server name decides which certificate is shown and whose services can be reached.

    With `nobody` a caller that names no one we know is shown a certificate of nobody, which no client accepts that
    checks names, and every request is answered 421: RFC 9110 (15.5.20) makes that the sign to try a connection of
    its own, and a client that checks nothing learns why it gets no further. Without it such callers are cut off.
    """
    message = _listener(group.listen)
    inspector = ListenerFilter(name="envoy.filters.listener.tls_inspector", typed_config=packed(TlsInspector()))
    message.listener_filters.append(inspector)
    alpn, demand = group.alpn or _EVERY_PROTOCOL, group.tls == "mutual"
    for tenant in tenants:
        secret = resource_name(tenant.secret.namespace, tenant.secret.name)
        message.filter_chains.append(
            FilterChain(
                name=secret,
                # Offering protocols does not demand them: a caller that offers none gets in. Matching on them does.
                filter_chain_match=FilterChainMatch(server_names=tenant.names, application_protocols=group.alpn),
                filters=[_manager(_routed(tenant.routes))],
                transport_socket=of_ingress(secret, alpn=alpn, demand=demand),
            )
        )
    if nobody:
        chain = FilterChain(
            name=NOBODY,
            filters=[_manager(_misdirected())],
            transport_socket=of_ingress(NOBODY, alpn=alpn, demand=False),
        )
        message.default_filter_chain.CopyFrom(chain)
    return message


def _listener(listen: str) -> Any:
    message = Listener(name=INGRESS)
    host, port = split_address(listen)
    message.address.socket_address.address, message.address.socket_address.port_value = host, port
    return message


def _routed(routes: str) -> Any:
    return HttpConnectionManager(
        rds=Rds(config_source=ads(), route_config_name=routes),
        http_filters=[
            http_filter("envoy.filters.http.grpc_web", GrpcWeb()),
            http_filter(CORS, Cors()),
            http_filter("envoy.filters.http.router", Router()),
        ],
    )


def _misdirected() -> Any:
    answer = DirectResponseAction(
        status=_MISDIRECTED, body=DataSource(inline_string="no service here has the server name that was asked for\n")
    )
    route = Route(match=RouteMatch(prefix="/"), direct_response=answer)
    host = VirtualHost(name=NOBODY, domains=["*"], routes=[route])
    return HttpConnectionManager(
        route_config=RouteConfiguration(name=NOBODY, virtual_hosts=[host]),
        http_filters=[http_filter("envoy.filters.http.router", Router())],
    )


def _manager(config: Any) -> Any:
    config.stat_prefix = INGRESS
    config.codec_type = HttpConnectionManager.AUTO
    config.stream_idle_timeout.CopyFrom(_NEVER)
    config.strip_any_host_port = True
    return Filter(name=MANAGER, typed_config=packed(config))


def http_filter(name: str, config: Any) -> Any:
    """One HTTP filter of a connection manager."""
    return HttpFilter(name=name, typed_config=packed(config))
