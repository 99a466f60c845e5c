"""What must hold after every switch of the journey through all policies."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from governance.dataplane import queries as dataplane
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.registry import queries as registry
from governance.traffic.commands import SwitchBalancing
from governance.traffic.progress import delivery_of
from governance.traffic.shares import PPM, intended
from governance.traffic.values import Balancing
from tests.interop.fleet import Caller, shares, until

TOLERANCE = 0.03
CALLS = 500
# Where calls are drawn by weight, follow keys and load, or differ by zone, shares come out of many calls only: of so
# many, a share of one half strays by three points once in a thousand times.
MANY_CALLS = 3000
STEPS: Sequence[Mapping[str, object]] = (
    {"policy": "weighted_round_robin", "weights": {"c0": 3}},
    {"policy": "least_request"},
    {"policy": "ring_hash"},
    {"policy": "pick_first", "order": ("c2",)},
    {"policy": "zone_aware"},
    {"policy": "zone_aware", "spill_pct": 40},
    {"policy": "weighted_round_robin", "weights": {"v1": 9, "v2": 1}, "weigh_by": "version"},
    {"policy": "round_robin"},
)
Scene = Mapping[str, tuple[Caller, str]]  # by node id: who calls, and the zone of the node that balances for it


def switch(scene: Scene, step: Mapping[str, object]) -> Balancing:
    """Put the policy of `step` in force and wait until every data plane has acknowledged it."""
    balancing = Balancing(**step)  # type: ignore[arg-type]
    command = SwitchBalancing(namespace="default", service="checkout", balancing=balancing)
    receipt = execute(command, by=SYSTEM)
    until(_all_acked(receipt.revision, len(scene)), what=f"ACKs for {step}")
    return balancing


def agrees(scene: Scene, balancing: Balancing) -> None:
    """Every caller's calls go where the policy says, as the callers count them and as load reports do."""
    service = registry.service("default", "checkout")
    assert service is not None
    # A ring sends calls meant for instances that it still connects to the next one that answers: let it connect first.
    shares([calling for calling, _ in scene.values()], calls=CALLS)
    since = now()
    exact = balancing.policy in ("round_robin", "pick_first")
    seen = shares([calling for calling, _ in scene.values()], calls=CALLS if exact else MANY_CALLS)
    reported = {load.endpoint: load.issued for load in dataplane.loads("default", "checkout", since=since)}
    assert sum(reported.values()) > CALLS
    for (node, (_, zone)), found in zip(scene.items(), seen, strict=True):
        for endpoint, ppm in (intended(balancing, service.endpoints, client_zone=zone) or {}).items():
            assert found.get(endpoint, 0) == pytest.approx(ppm / PPM, abs=TOLERANCE), (node, balancing, found)
    for endpoint in (each.name for each in service.endpoints):
        counted = sum(found.get(endpoint, 0) for found in seen) / len(seen)
        share = reported.get(endpoint, 0) / sum(reported.values())
        assert share == pytest.approx(counted, abs=TOLERANCE), (reported, seen)


def lost_nothing(scene: Scene) -> None:
    """No call failed and no stream broke."""
    assert {node: calling.errors for node, (calling, _) in scene.items() if calling.errors} == {}
    assert {node: calling.broken for node, (calling, _) in scene.items() if calling.broken} == {}


def _all_acked(revision: int, count: int) -> Callable[[], bool]:
    def check() -> bool:
        clients = dataplane.clients(connected_only=True)
        return len(clients) >= count and all(delivery_of(client, revision) == "acked" for client in clients)

    return check
