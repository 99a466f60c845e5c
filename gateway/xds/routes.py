"""Listeners and routes: one per service for gRPC clients, one ingress for all services for Envoy; pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from envoy.config.listener.v3.api_listener_pb2 import ApiListener
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import RetryPolicy, Route, RouteAction, RouteMatch, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors, CorsPolicy
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import UInt32Value

from gateway.xds.clusters import ads
from gateway.xds.fleet import Governed
from gateway.xds.names import DEFAULT_NAMESPACE, INGRESS, resource_name
from governance.environment import split_address
from governance.traffic.values import Balancing

_CORS = "envoy.filters.http.cors"
_ALLOWED_HEADERS = (
    "authorization,cache-control,content-type,grpc-timeout,keep-alive,user-agent,x-grpc-web,x-user-agent,x-hash-key"
)
_EXPOSED_HEADERS = "grpc-status,grpc-message,grpc-status-details-bin"
_NEVER = Duration(seconds=0)  # 0 turns a timeout off


def grpc_listener(name: str) -> Any:
    """What `xds:///name` asks for first."""
    manager = HttpConnectionManager(
        rds=Rds(config_source=ads(), route_config_name=name),
        http_filters=[_filter("envoy.filters.http.router", Router())],
    )
    return Listener(name=name, api_listener=ApiListener(api_listener=_packed(manager)))


def grpc_routes(name: str, balancing: Balancing) -> Any:
    """Every call of a service goes to its cluster."""
    route = Route(match=RouteMatch(prefix=""), route=_to(name, balancing))
    return RouteConfiguration(name=name, virtual_hosts=[VirtualHost(name=name, domains=["*"], routes=[route])])


def envoy_listener(listen: str) -> Any:
    """The ingress: HTTP/1 and HTTP/2 on one port, gRPC and gRPC-Web; a stream may idle as long as it likes."""
    host, port = split_address(listen)
    manager = HttpConnectionManager(
        stat_prefix=INGRESS,
        codec_type=HttpConnectionManager.AUTO,
        rds=Rds(config_source=ads(), route_config_name=INGRESS),
        http_filters=[
            _filter("envoy.filters.http.grpc_web", GrpcWeb()),
            _filter(_CORS, Cors()),
            _filter("envoy.filters.http.router", Router()),
        ],
        stream_idle_timeout=_NEVER,
        strip_any_host_port=True,
    )
    message = Listener(name=INGRESS)
    message.address.socket_address.address, message.address.socket_address.port_value = host, port
    name = "envoy.filters.network.http_connection_manager"
    message.filter_chains.append(FilterChain(filters=[Filter(name=name, typed_config=_packed(manager))]))
    return message


def envoy_routes(services: Iterable[Governed], *, origins: Sequence[str]) -> Any:
    """A virtual host per service, then one for callers that name no service: there the method's path decides."""
    hosts: list[Any] = []
    by_path: list[Any] = []
    for governed in services:
        service, name = governed.service, resource_name(governed.service.namespace, governed.service.name)
        domains = [f"{service.name}.{service.namespace}"]
        if service.namespace == DEFAULT_NAMESPACE:
            domains.append(service.name)
        routes = [Route(match=RouteMatch(prefix="/"), route=_through(name, governed.balancing))]
        hosts.append(VirtualHost(name=name, domains=domains, routes=routes))
        for full_name in service.grpc_services:
            match = RouteMatch(prefix=f"/{full_name}/")
            by_path.append(Route(match=match, route=_through(name, governed.balancing)))
    hosts.append(VirtualHost(name="by-path", domains=["*"], routes=by_path))
    if origins:
        for host in hosts:
            host.typed_per_filter_config[_CORS].CopyFrom(_packed(_cors(origins)))
    return RouteConfiguration(name=INGRESS, virtual_hosts=hosts)


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
        name="envoy.retry_host_predicates.previous_hosts", typed_config=_packed(PreviousHostsPredicate())
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


def _filter(name: str, config: Any) -> Any:
    return HttpFilter(name=name, typed_config=_packed(config))


def _packed(message: Any) -> Any:
    packed = AnyMessage()
    packed.Pack(message, deterministic=True)
    return packed
