"""Routes of every service for both kinds of clients, and the listeners of gRPC clients and servers; pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from envoy.config.listener.v3.api_listener_pb2 import ApiListener
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import (
    NonForwardingAction,
    RetryPolicy,
    Route,
    RouteAction,
    RouteMatch,
    VirtualHost,
)
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    Rds,
)
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import UInt32Value

from gateway.xds.fleet import Governed
from gateway.xds.ingress import CORS, MANAGER, http_filter
from gateway.xds.names import DEFAULT_NAMESPACE, resource_name, server_name
from gateway.xds.tls import ads, of_server, packed
from governance.registry.values import Endpoint
from governance.traffic.values import Balancing

_ROUTER = "envoy.filters.http.router"
_ALLOWED_HEADERS = (
    "authorization,cache-control,content-type,grpc-timeout,keep-alive,user-agent,x-grpc-web,x-user-agent,x-hash-key"
)
_EXPOSED_HEADERS = "grpc-status,grpc-message,grpc-status-details-bin"
_NEVER = Duration(seconds=0)  # 0 turns a timeout off


def grpc_listener(name: str) -> Any:
    """What `xds:///name` asks for first."""
    manager = HttpConnectionManager(
        rds=Rds(config_source=ads(), route_config_name=name),
        http_filters=[http_filter(_ROUTER, Router())],
    )
    return Listener(name=name, api_listener=ApiListener(api_listener=packed(manager)))


def grpc_server_listener(endpoint: Endpoint, *, mutual: bool) -> Any:
    """What an xDS-enabled gRPC server at the endpoint's address asks for: it serves all methods it has."""
    everything = Route(match=RouteMatch(prefix=""), non_forwarding_action=NonForwardingAction())
    host = VirtualHost(name=endpoint.service, domains=["*"], routes=[everything])
    manager = HttpConnectionManager(
        route_config=RouteConfiguration(name=endpoint.service, virtual_hosts=[host]),
        http_filters=[http_filter(_ROUTER, Router())],
    )
    chain = FilterChain(name=endpoint.service, filters=[Filter(name=MANAGER, typed_config=packed(manager))])
    if mutual:
        chain.transport_socket.CopyFrom(of_server())
    message = Listener(name=server_name(endpoint.address), default_filter_chain=chain)
    address = message.address.socket_address
    address.address, address.port_value = endpoint.host, endpoint.port
    return message


def grpc_routes(name: str, balancing: Balancing) -> Any:
    """Every call of a service goes to its cluster."""
    route = Route(match=RouteMatch(prefix=""), route=_to(name, balancing))
    return RouteConfiguration(name=name, virtual_hosts=[VirtualHost(name=name, domains=["*"], routes=[route])])


def envoy_routes(name: str, services: Iterable[Governed], *, origins: Sequence[str]) -> Any:
    """Of an ingress: a host per service, then one for callers that name none: there the method's path decides."""
    hosts: list[Any] = []
    by_path: list[Any] = []
    for governed in services:
        service, target = governed.service, resource_name(governed.service.namespace, governed.service.name)
        domains = [f"{service.name}.{service.namespace}"]
        if service.namespace == DEFAULT_NAMESPACE:
            domains.append(service.name)
        routes = [Route(match=RouteMatch(prefix="/"), route=_through(target, governed.balancing))]
        hosts.append(VirtualHost(name=target, domains=domains, routes=routes))
        for full_name in service.grpc_services:
            match = RouteMatch(prefix=f"/{full_name}/")
            by_path.append(Route(match=match, route=_through(target, governed.balancing)))
    hosts.append(VirtualHost(name="by-path", domains=["*"], routes=by_path))
    if origins:
        for host in hosts:
            host.typed_per_filter_config[CORS].CopyFrom(packed(_cors(origins)))
    return RouteConfiguration(name=name, virtual_hosts=hosts)


def _to(name: str, balancing: Balancing) -> Any:
    action = RouteAction(cluster=name)
    if balancing.policy == "ring_hash":
        header = RouteAction.HashPolicy.Header(header_name=balancing.hash_header)
        action.hash_policy.append(RouteAction.HashPolicy(header=header))
    return action


def _through(name: str, balancing: Balancing) -> Any:
    """As `_to`, for Envoy: no timeout but the caller's own, and a retry where the call never reached the service."""
    action = _to(name, balancing)
    action.timeout.CopyFrom(_NEVER)
    action.max_stream_duration.grpc_timeout_header_max.CopyFrom(_NEVER)
    elsewhere = RetryPolicy.RetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts", typed_config=packed(PreviousHostsPredicate())
    )
    action.retry_policy.CopyFrom(
        RetryPolicy(
            retry_on="connect-failure,refused-stream,reset-before-request",
            num_retries=UInt32Value(value=2),
            retry_host_predicate=[elsewhere],
            host_selection_retry_max_attempts=3,
        )
    )
    return action


def _cors(origins: Sequence[str]) -> Any:
    return CorsPolicy(
        allow_origin_string_match=[StringMatcher(exact=origin) for origin in origins],
        allow_methods="POST, OPTIONS",
        allow_headers=_ALLOWED_HEADERS,
        expose_headers=_EXPOSED_HEADERS,
        max_age="600",
    )
