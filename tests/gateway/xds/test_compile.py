"""What each kind of client is sent for each policy."""

from typing import Any

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse
from hypothesis import given
from hypothesis import strategies as st

from gateway.xds.compile import Compiler
from gateway.xds.fleet import Fleet, Governed
from gateway.xds.names import CLUSTER, ENDPOINT, LISTENER, ROUTE
from gateway.xds.node import Group
from gateway.xds.trust import NOTHING, Trust
from governance.registry.values import Endpoint
from governance.traffic.shares import PPM, intended
from governance.traffic.values import Balancing
from tests.gateway.xds.fleets import FOUR, endpoint, fleet, governed

ENVOY, GRPC = Group(plane="envoy", zone="z1", listen="127.0.0.1:10000"), Group(plane="grpc", zone="z1")
MESSAGES = {CLUSTER: Cluster, ENDPOINT: ClusterLoadAssignment, LISTENER: Listener, ROUTE: RouteConfiguration}


def compiled(kind: str, group: Group, *services: Governed, name: str = "checkout", trust: Trust = NOTHING) -> Any:
    made = Compiler().compile(fleet(1, *services, trust=trust), group)[kind][name]
    message = MESSAGES[kind]()
    assert DiscoveryResponse.FromString(made.sotw).resources[0].Unpack(message)
    return message


def shares_of(assignment: Any) -> dict[str, float]:
    first = [each for each in assignment.endpoints if each.priority == 0]
    total = sum(each.load_balancing_weight.value for each in first)
    return {each.locality.sub_zone: each.load_balancing_weight.value / total for each in first}


@pytest.mark.parametrize("zone", ["z1", "z2", "elsewhere"])
@pytest.mark.parametrize("group", [ENVOY, GRPC], ids=["envoy", "grpc"])
@pytest.mark.parametrize(
    "balancing",
    [
        Balancing(policy="round_robin"),
        Balancing(policy="weighted_round_robin", weights={"c0": 3}),
        Balancing(policy="weighted_round_robin", weights={"v1": 9, "v2": 1}, weigh_by="version"),
        Balancing(policy="pick_first", order=("c2",)),
        Balancing(policy="zone_aware"),
        Balancing(policy="zone_aware", spill_pct=40),
        Balancing(policy="zone_aware", spill_pct=100),
    ],
    ids=lambda value: f"{value.policy}-{value.spill_pct}",
)
def test_the_weights_sent_are_exactly_the_shares_intended(balancing: Balancing, group: Group, zone: str) -> None:
    group = Group(plane=group.plane, zone=zone, listen=group.listen)
    found = shares_of(compiled(ENDPOINT, group, governed(balancing=balancing)))
    wanted = intended(balancing, FOUR, client_zone=zone) or {}
    assert {name: pytest.approx(ppm / PPM, abs=1e-6) for name, ppm in wanted.items() if ppm} == found


def test_a_zone_falls_back_on_the_others() -> None:
    sent = compiled(ENDPOINT, GRPC, governed(balancing=Balancing(policy="zone_aware")))
    assert [(each.locality.zone, each.priority) for each in sent.endpoints] == [
        ("z1", 0),
        ("z1", 0),
        ("z2", 1),
        ("z2", 1),
    ]


def test_pick_first_is_a_chain_of_priorities() -> None:
    sent = compiled(ENDPOINT, ENVOY, governed(balancing=Balancing(policy="pick_first", order=("c3", "c1"))))
    assert [(each.locality.sub_zone, each.priority) for each in sent.endpoints] == [
        ("c3", 0),
        ("c1", 1),
        ("c0", 2),
        ("c2", 3),
    ]


def policies_of(cluster: Any) -> list[str]:
    return [each.typed_extension_config.name for each in cluster.load_balancing_policy.policies]


def test_a_grpc_client_without_least_request_is_offered_what_comes_closest() -> None:
    sent = compiled(CLUSTER, GRPC, governed(balancing=Balancing(policy="least_request")))
    assert policies_of(sent) == ["LeastRequest", "ClientSideWeightedRoundRobin", "RoundRobin"]


def test_a_strict_least_request_offers_nothing_else() -> None:
    sent = compiled(CLUSTER, GRPC, governed(balancing=Balancing(policy="least_request", strict=True)))
    assert policies_of(sent) == ["LeastRequest"]


def test_even_shares_go_round_all_endpoints_and_uneven_ones_are_drawn_by_locality() -> None:
    even = compiled(CLUSTER, GRPC, governed())
    uneven = compiled(CLUSTER, GRPC, governed(balancing=Balancing(policy="weighted_round_robin", weights={"c0": 3})))
    assert policies_of(even) == ["RoundRobin"]
    assert (policies_of(uneven), uneven.lb_policy) == ([], Cluster.ROUND_ROBIN)


def test_envoy_least_request_sees_all_endpoints_as_one_set() -> None:
    sent = compiled(CLUSTER, ENVOY, governed(balancing=Balancing(policy="least_request", choice_count=4)))
    assert (sent.lb_policy, sent.least_request_lb_config.choice_count.value) == (Cluster.LEAST_REQUEST, 4)
    assert not sent.common_lb_config.HasField("locality_weighted_lb_config")


@pytest.mark.parametrize("group", [ENVOY, GRPC], ids=["envoy", "grpc"])
def test_a_ring_is_the_same_for_both_kinds_of_clients(group: Group) -> None:
    weighty = (endpoint("c0", port=1, weight=5), endpoint("c1", port=2))
    ring = governed(balancing=Balancing(policy="ring_hash", hash_header="x-user"), endpoints=weighty)
    cluster, members = compiled(CLUSTER, group, ring), compiled(ENDPOINT, group, ring)
    assert (cluster.lb_policy, cluster.ring_hash_lb_config.minimum_ring_size.value) == (Cluster.RING_HASH, 1024)
    assert not cluster.common_lb_config.HasField("locality_weighted_lb_config")
    weights = [
        (e.load_balancing_weight.value, e.lb_endpoints[0].load_balancing_weight.value) for e in members.endpoints
    ]
    assert weights == [(1, 5), (1, 1)]
    routes = compiled(ROUTE, group, ring, name="ingress" if group.plane == "envoy" else "checkout")
    assert routes.virtual_hosts[0].routes[0].route.hash_policy[0].header.header_name == "x-user"


def test_calls_keep_away_from_what_is_isolated_draining_or_unhealthy() -> None:
    endpoints = (
        endpoint("away", port=1, isolated=True),
        endpoint("leaving", port=2, draining=True),
        endpoint("sick", port=3, health="unhealthy"),
        endpoint("new", port=4, health="unknown"),
        endpoint("well", port=5),
    )
    assert shares_of(compiled(ENDPOINT, GRPC, governed(endpoints=endpoints))) == {"new": 0.5, "well": 0.5}


def test_when_every_health_check_fails_the_calls_are_still_tried() -> None:
    endpoints = (endpoint("a", port=1, health="unhealthy"), endpoint("b", port=2, isolated=True))
    assert shares_of(compiled(ENDPOINT, GRPC, governed(endpoints=endpoints))) == {"a": 1.0}


def test_a_service_without_endpoints_is_sent_as_that() -> None:
    assert list(compiled(ENDPOINT, ENVOY, governed(endpoints=())).endpoints) == []


def test_no_route_of_an_envoy_ends_a_long_stream() -> None:
    routes = compiled(ROUTE, ENVOY, governed(grpc_services=("shop.v1.Checkout",)), name="ingress")
    for host in routes.virtual_hosts:
        for route in host.routes:
            assert route.route.timeout.ToTimedelta().total_seconds() == 0


def test_an_envoy_routes_by_name_and_by_the_path_of_the_method() -> None:
    routes = compiled(
        ROUTE,
        ENVOY,
        governed("checkout", grpc_services=("shop.v1.Checkout",)),
        governed("pay", namespace="shop"),
        name="ingress",
    )
    domains = {host.name: list(host.domains) for host in routes.virtual_hosts}
    assert domains == {"checkout": ["checkout.default", "checkout"], "pay.shop": ["pay.shop"], "by-path": ["*"]}
    assert routes.virtual_hosts[-1].routes[0].match.prefix == "/shop.v1.Checkout/"


def test_an_envoy_that_names_no_address_gets_no_listener() -> None:
    made = Compiler().compile(fleet(1, governed()), Group(plane="envoy"))
    assert made[LISTENER] == {}


def test_what_did_not_change_stays_the_same_object() -> None:
    compiler = Compiler()
    first = compiler.compile(fleet(1, governed(), governed("pay")), GRPC)
    second = compiler.compile(
        fleet(2, governed(balancing=Balancing(policy="ring_hash"), revision=2), governed("pay")), GRPC
    )
    assert second[CLUSTER]["pay"] is first[CLUSTER]["pay"]
    assert second[LISTENER]["checkout"] is first[LISTENER]["checkout"]
    assert second[CLUSTER]["checkout"].hash != first[CLUSTER]["checkout"].hash


_ENDPOINTS = st.lists(
    st.builds(
        endpoint,
        st.integers(0, 300).map(lambda n: f"e{n}"),
        port=st.integers(1, 200),
        zone=st.sampled_from(["z1", "z2", "z3"]),
        version=st.sampled_from(["", "v1", "v2"]),
        weight=st.integers(1, 1000),
        isolated=st.booleans(),
        draining=st.booleans(),
        health=st.sampled_from(["healthy", "unhealthy", "unknown"]),
    ),
    max_size=40,
    unique_by=lambda each: each.name,
)
_BALANCING = st.one_of(
    st.builds(Balancing, policy=st.sampled_from(["round_robin", "least_request", "ring_hash", "pick_first"])),
    st.builds(Balancing, policy=st.just("zone_aware"), spill_pct=st.integers(0, 100)),
    st.builds(
        Balancing,
        policy=st.just("weighted_round_robin"),
        weigh_by=st.just("version"),
        weights=st.fixed_dictionaries({"v1": st.integers(1, 1000), "v2": st.integers(0, 1000)}),
    ),
)


@given(endpoints=_ENDPOINTS, balancing=_BALANCING, plane=st.sampled_from(["envoy", "grpc"]))
def test_no_data_plane_finds_a_reason_to_reject_it(endpoints: list[Endpoint], balancing: Balancing, plane: str) -> None:
    sent = compiled(ENDPOINT, Group(plane=plane, zone="z1"), governed(balancing=balancing, endpoints=endpoints))
    weights = [each.load_balancing_weight.value for each in sent.endpoints]
    addresses = [member.endpoint.address.socket_address.port_value for e in sent.endpoints for member in e.lb_endpoints]
    priorities = {each.priority for each in sent.endpoints}
    assert all(weight > 0 for weight in weights)
    assert sum(weights) < 2**32
    assert len(set(addresses)) == len(addresses)
    assert priorities == set(range(len(priorities)))
    assert max(priorities, default=0) < 128


def test_a_service_that_went_takes_its_resources_along() -> None:
    compiler = Compiler()
    compiler.compile(fleet(1, governed()), GRPC)
    assert compiler.compile(Fleet(revision=2), GRPC)[CLUSTER] == {}


def test_a_grpc_locality_is_of_a_new_generation_after_each_switch_and_an_envoys_stays() -> None:
    def regions(group: Group, revision: int) -> set[str]:
        sent = compiled(ENDPOINT, group, governed(revision=revision, endpoints=[endpoint("c0", port=1, revision=3)]))
        return {each.locality.region for each in sent.endpoints}

    assert [regions(GRPC, 2), regions(GRPC, 3), regions(GRPC, 7)] == [{"r3"}, {"r3"}, {"r7"}]
    assert regions(ENVOY, 2) == regions(ENVOY, 7) == {""}
