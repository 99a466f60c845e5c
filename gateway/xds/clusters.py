"""Clusters: how each kind of data plane is told a policy. docs/decisions/0004 has the table and why; pure."""

from collections.abc import Sequence
from typing import Any

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster, LoadBalancingPolicy
from envoy.config.cluster.v3.outlier_detection_pb2 import OutlierDetection
from envoy.config.core.v3.config_source_pb2 import SelfConfigSource
from envoy.config.core.v3.protocol_pb2 import Http2ProtocolOptions
from envoy.config.endpoint.v3.endpoint_components_pb2 import LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.client_side_weighted_round_robin_pb2 import (  # noqa: E501  (the name is Envoy's)
    ClientSideWeightedRoundRobin,
)
from envoy.extensions.load_balancing_policies.least_request.v3.least_request_pb2 import LeastRequest
from envoy.extensions.load_balancing_policies.round_robin.v3.round_robin_pb2 import RoundRobin
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from envoy.type.v3.percent_pb2 import Percent
from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import UInt32Value, UInt64Value

from gateway.xds.fleet import Governed
from gateway.xds.names import generation_name
from gateway.xds.placement import Place, even
from gateway.xds.tls import ads, packed, to_server
from governance.traffic.values import Balancing

# Both planes refuse more than 1,024 calls at a time unless told otherwise; limits are decided, not met by accident.
_UNLIMITED = 1_000_000
# With the default of 140 per cent Envoy moves calls to the next priority while most of the first one works.
_OVERPROVISIONING = 1_000_000
# A certificate that lives an hour is renewed 20 minutes before it ends; by then every connection must show the new one.
_CONNECTION = Duration(seconds=300)
_HTTP2_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster(name: str, governed: Governed, chosen: Sequence[Place], *, plane: str) -> Any:
    """The cluster of a service for clients of `plane`."""
    balancing = governed.balancing
    message = Cluster(
        name=name,
        type=Cluster.EDS,
        eds_cluster_config=Cluster.EdsClusterConfig(eds_config=ads(), service_name=name),
        connect_timeout=Duration(seconds=balancing.timeout_ms // 1000, nanos=balancing.timeout_ms % 1000 * 1_000_000),
        circuit_breakers=_no_limits(),
    )
    if governed.transport is not None and governed.mutual:
        message.transport_socket.CopyFrom(to_server(governed.transport, plane=plane))
    if plane == "envoy":
        _for_envoy(message, balancing)
        message.typed_extension_protocol_options[_HTTP2_OPTIONS].CopyFrom(packed(_http2(mutual=governed.mutual)))
    else:
        _for_grpc(message, balancing, chosen)
    return message


def _for_envoy(message: Any, balancing: Balancing) -> None:
    """Envoy: policy enums; never a panic in which it sends calls to hosts that are known to be broken."""
    common = Cluster.CommonLbConfig(healthy_panic_threshold=Percent(value=0))
    if balancing.policy == "ring_hash":
        # Without locality weights: with them Envoy's ring differs from gRPC's, and a key would land elsewhere.
        _ring(message, balancing)
    elif balancing.policy == "least_request":
        message.lb_policy = Cluster.LEAST_REQUEST
        message.least_request_lb_config.choice_count.value = balancing.choice_count or 2
    else:
        common.locality_weighted_lb_config.SetInParent()
    message.common_lb_config.CopyFrom(common)
    message.outlier_detection.CopyFrom(_outliers())


def _http2(*, mutual: bool) -> Any:
    """With mutual TLS a connection takes new calls for a while only: it shows the certificate with which it began.

    It ends once the streams on it have ended; nothing is cut off.
    """
    options = HttpProtocolOptions(
        explicit_http_config=HttpProtocolOptions.ExplicitHttpConfig(http2_protocol_options=Http2ProtocolOptions())
    )
    if mutual:
        options.common_http_protocol_options.max_connection_duration.CopyFrom(_CONNECTION)
    return options


def _for_grpc(message: Any, balancing: Balancing, chosen: Sequence[Place]) -> None:
    """gRPC: the enum ROUND_ROBIN draws localities by weight; a listed policy looks at all endpoints as one set."""
    message.lrs_server.self.CopyFrom(SelfConfigSource())
    if balancing.policy == "ring_hash":
        _ring(message, balancing)
        return
    if balancing.policy == "least_request":
        fallbacks = () if balancing.strict else (ClientSideWeightedRoundRobin(), RoundRobin())
        _list(message, LeastRequest(choice_count=UInt32Value(value=balancing.choice_count or 2)), *fallbacks)
    elif even(chosen):
        _list(message, RoundRobin())


def _list(message: Any, *policies: Any) -> None:
    """The first policy of the list that a client knows is the one it runs."""
    for policy in policies:
        config = LoadBalancingPolicy.Policy()
        config.typed_extension_config.name = type(policy).__name__
        config.typed_extension_config.typed_config.CopyFrom(packed(policy))
        message.load_balancing_policy.policies.append(config)


def _ring(message: Any, balancing: Balancing) -> None:
    hashes = Cluster.RingHashLbConfig
    message.lb_policy = Cluster.RING_HASH
    message.ring_hash_lb_config.CopyFrom(
        Cluster.RingHashLbConfig(
            hash_function=hashes.MURMUR_HASH_2 if balancing.hash_function == "murmur_hash_2" else hashes.XX_HASH,
            minimum_ring_size=UInt64Value(value=balancing.min_ring_size or 1024),
        )
    )


def _outliers() -> Any:
    """A host that fails to answer three times in a row rests for 5 s: health checks and leases take longer to notice.

    Errors that a service answers itself do not count: they say nothing about the host.
    """
    return OutlierDetection(
        consecutive_gateway_failure=UInt32Value(value=3),
        enforcing_consecutive_gateway_failure=UInt32Value(value=100),
        enforcing_consecutive_5xx=UInt32Value(value=0),
        enforcing_success_rate=UInt32Value(value=0),
        interval=Duration(seconds=1),
        base_ejection_time=Duration(seconds=5),
        max_ejection_percent=UInt32Value(value=50),
    )


def _no_limits() -> Any:
    many = UInt32Value(value=_UNLIMITED)
    limits = CircuitBreakers.Thresholds(
        max_connections=many, max_pending_requests=many, max_requests=many, max_retries=many
    )
    return CircuitBreakers(thresholds=[limits])


def assignment(name: str, governed: Governed, chosen: Sequence[Place], *, plane: str) -> Any:
    """The endpoints of a service, each a locality of its own: sub_zone is the endpoint's name.

    gRPC weighs localities and not endpoints, and reports load per locality; this form gives it weights per endpoint
    and reports per endpoint, and Envoy reads it alike. In a ring the endpoint carries the weight: there gRPC
    multiplies it with the locality's, Envoy does not. For gRPC the region is a generation, new with each switch and
    each change of the endpoint: C-core (1.85, lrs_client.cc) repeats the last counts of a locality that it dropped and
    took up again in every report from then on.
    """
    ring = governed.balancing.policy == "ring_hash"
    message = ClusterLoadAssignment(cluster_name=name)
    message.policy.overprovisioning_factor.value = _OVERPROVISIONING
    for place in chosen:
        group = LocalityLbEndpoints(priority=place.priority)
        group.load_balancing_weight.value = 1 if ring else place.weight
        if plane == "grpc":
            group.locality.region = generation_name(max(governed.balancing_revision, place.endpoint.revision))
        group.locality.zone, group.locality.sub_zone = place.endpoint.zone, place.endpoint.name
        member = LbEndpoint(load_balancing_weight=UInt32Value(value=place.weight if ring else 1))
        address = member.endpoint.address.socket_address
        address.address, address.port_value = place.endpoint.host, place.endpoint.port
        group.lb_endpoints.append(member)
        message.endpoints.append(group)
    return message
