"""Unmodified grpcio clients and real Envoys keep calling while their balancing is switched under them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures.house import House
from tests.interop.fleet import backends, caller, control_plane, envoy, proxyless
from tests.interop.switching import STEPS, Scene, agrees, lost_nothing, switch


@pytest.fixture
def scene(house: House, tmp_path: Path) -> Iterator[Scene]:
    """Two proxyless clients in two zones, and two Envoys (delta and state of the world), each with its caller."""
    with ExitStack() as stack:
        stack.enter_context(backends()).register()
        control = stack.enter_context(control_plane()).address
        callers = {
            node: (stack.enter_context(proxyless(tmp_path, control, node_id=node, zone=zone)), zone)
            for node, zone in (("grpc-z1", "z1"), ("grpc-z2", "z2"))
        }
        for node, zone, delta in (("envoy-delta", "z1", True), ("envoy-sotw", "z2", False)):
            front = stack.enter_context(envoy(tmp_path, control, node_id=node, zone=zone, delta=delta))
            callers[node] = (stack.enter_context(caller(front, node_id=node, rate=150, streams=2)), zone)
        yield callers


def test_no_call_is_lost_while_every_policy_is_put_in_force_in_turn(scene: Scene) -> None:
    for step in STEPS:
        balancing = switch(scene, step)
        agrees(scene, balancing)
        if balancing.policy == "ring_hash":
            assert scene["grpc-z1"][0].keys == scene["envoy-delta"][0].keys
    lost_nothing(scene)
    assert sum(calling.total for calling, _ in scene.values()) >= 20_000
