"""One switch after the other through the gRPC-Web API moves real callers, and no call is lost."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from gateway.proto import common_pb2, dataplane_pb2, traffic_pb2
from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.product import Product, eventually, running
from tests.interop.fleet import Caller, backends, caller, envoy, proxyless

TRAFFIC = "/governor.admin.v1.TrafficService/"
CLIENTS = "/governor.admin.v1.DataPlaneService/ListClients"
# One standard deviation of a 50 % share is then 0.8 points, so that 3 points are not chance.
OBSERVED_CALLS = 4_000
POINTS = 0.03
PATIENT_MS = 10_000  # a machine that stalls for seconds must not make a health check call a server dead
STEPS: Sequence[Mapping[str, object]] = (
    {"policy": "round_robin"},
    {"policy": "weighted_round_robin", "weights": {"c0": 3, "c1": 1, "c2": 1, "c3": 1}},
    {"policy": "least_request"},
    {"policy": "ring_hash"},
    {"policy": "pick_first", "order": ["c2"]},
    {"policy": "zone_aware"},
    {"policy": "round_robin"},
)
EFFECTIVE = {"least_request": "client_side_weighted_round_robin"}  # what a C-core client makes of it


@dataclass(frozen=True)
class Scene:
    """A product that governs real servers, and callers under constant load."""

    product: Product
    web: GrpcWeb
    callers: Mapping[str, Caller]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The product, four servers, two proxyless clients in two zones and one Envoy with a caller."""
    directory = tmp_path_factory.mktemp("switch")
    with ExitStack() as stack:
        product = stack.enter_context(running(directory / "data"))
        web = GrpcWeb(product.url, product.token("operator"))
        stack.enter_context(backends()).register_over(web)
        front = stack.enter_context(envoy(directory, product.grpc, node_id="envoy-z1", zone="z1"))
        callers = {
            node: stack.enter_context(proxyless(directory, product.grpc, node_id=node, zone=zone, rate=200))
            for node, zone in (("grpc-z1", "z1"), ("grpc-z2", "z2"))
        }
        callers["envoy-z1"] = stack.enter_context(caller(front, node_id="envoy-z1", rate=150, streams=2))
        yield Scene(product, web, callers)


def _switch(scene: Scene, step: Mapping[str, object]) -> int:
    request = traffic_pb2.SwitchBalancingRequest(
        namespace="default",
        service="checkout",
        balancing=traffic_pb2.Balancing(**{"timeout_ms": PATIENT_MS, **step}),  # type: ignore[arg-type]
        mutation=common_pb2.Mutation(reason=f"try {step['policy']}"),
    )
    receipt: common_pb2.Receipt = scene.web.unary(TRAFFIC + "SwitchBalancing", request, common_pb2.Receipt)
    return receipt.revision


def _watch_until_settled(scene: Scene, revision: int) -> traffic_pb2.SwitchProgress:
    """The first state in which everyone answered and enough calls went where they are meant to go, or else the last."""
    request = traffic_pb2.WatchSwitchRequest(namespace="default", service="checkout", revision=revision, max_s=120)
    progress = traffic_pb2.SwitchProgress()
    for progress in scene.web.stream(TRAFFIC + "WatchSwitch", request, traffic_pb2.SwitchProgress):
        enough = progress.acked == len(scene.callers) and progress.calls >= OBSERVED_CALLS
        if enough and not _astray(progress):
            break
    return progress


def _astray(progress: traffic_pb2.SwitchProgress) -> Mapping[str, tuple[float, float]]:
    """Observed and intended share of each endpoint where they differ by more than POINTS."""
    meant = [share for share in progress.shares if share.HasField("intended_ppm")]
    pairs = {share.endpoint: (share.observed_ppm / 1e6, share.intended_ppm / 1e6) for share in meant}
    return {name: pair for name, pair in pairs.items() if abs(pair[0] - pair[1]) > POINTS}


@pytest.mark.timeout(600)
def test_every_policy_in_turn_moves_the_calls_and_loses_none(scene: Scene) -> None:
    for step in STEPS:
        policy = str(step["policy"])
        progress = _watch_until_settled(scene, _switch(scene, step))
        assert (progress.acked, progress.nacked, progress.waiting) == (len(scene.callers), 0, 0)
        assert progress.calls >= OBSERVED_CALLS
        assert _astray(progress) == {}, (step, progress)
        for client in progress.clients:
            expected = EFFECTIVE.get(policy, policy) if client.kind == "grpc-python" else policy
            assert client.effective_policy == expected
    for node, calling in scene.callers.items():
        assert (calling.errors, calling.broken) == ({}, 0), node
        assert calling.messages > 0
    assert sum(calling.total for calling in scene.callers.values()) >= 20_000


def _clients(scene: Scene) -> Mapping[str, dataplane_pb2.Client]:
    request = dataplane_pb2.ListClientsRequest(namespace="default", service="checkout")
    answer = scene.web.unary(CLIENTS, request, dataplane_pb2.ListClientsResponse)
    return {client.node_id: client for client in answer.clients}


def test_a_policy_that_a_client_rejects_is_said_before_and_its_own_words_after(scene: Scene) -> None:
    murmur = traffic_pb2.Balancing(policy="ring_hash", hash_function="murmur_hash_2")
    request = traffic_pb2.SwitchBalancingRequest(namespace="default", service="checkout", balancing=murmur)
    preview = scene.web.unary(TRAFFIC + "ValidateBalancing", request, traffic_pb2.ValidateBalancingResponse)
    verdicts = {client.node_id: client.verdict for client in preview.clients}
    assert verdicts["grpc-z1"] == verdicts["grpc-z2"] == traffic_pb2.VERDICT_WOULD_REJECT
    assert verdicts["envoy-z1"] == traffic_pb2.VERDICT_OK

    request.force = True
    receipt = scene.web.unary(TRAFFIC + "SwitchBalancing", request, common_pb2.Receipt)
    watch = traffic_pb2.WatchSwitchRequest(namespace="default", service="checkout", revision=receipt.revision, max_s=20)
    refused = next(
        progress
        for progress in scene.web.stream(TRAFFIC + "WatchSwitch", watch, traffic_pb2.SwitchProgress)
        if progress.nacked == 2
    )
    texts = [client.nack_text for client in refused.clients if client.delivery == traffic_pb2.DELIVERY_NACKED]
    assert all("invalid hash function" in text for text in texts), texts
    assert (refused.at.ToDatetime() - receipt.at.ToDatetime()).total_seconds() < 1.0

    nacks = {node: sum(each.nacks for each in client.types) for node, client in _clients(scene).items()}
    back = _switch(scene, {"policy": "round_robin", "timeout_ms": 900})
    eventually(lambda: all(client.revision >= back for client in _clients(scene).values()), what="the next policy")
    assert {node: sum(each.nacks for each in client.types) for node, client in _clients(scene).items()} == nacks
    assert {node: calling.errors for node, calling in scene.callers.items() if calling.errors} == {}
