"""What must hold after every switch of the journey through all policies."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

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
PATIENT_MS = 10_000  # a machine that stalls for seconds must not make a health check call a server dead
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
    balancing = Balancing(timeout_ms=PATIENT_MS, **step)  # type: ignore[arg-type]
    command = SwitchBalancing(namespace="default", service="checkout", balancing=balancing)
    receipt = execute(command, by=SYSTEM)
    until(_all_acked(receipt.revision, len(scene)), what=f"ACKs for {step}")
    return balancing


def agrees(scene: Scene, balancing: Balancing) -> None:
    """Every caller's calls go where the policy says, as the callers count them and as load reports do.

    Counted from here on until both hold: where calls are drawn by weight, a share of one half needs a thousand calls or
    more to be within three points of it.
    """
    callings = [calling for calling, _ in scene.values()]
    # A ring sends calls meant for instances that it still connects to the next one that answers: let it connect first.
    shares(callings, calls=CALLS)
    since, before = now(), [calling.calls for calling in callings]
    difference = partial(_difference, scene, balancing, before, since)
    until(lambda: not difference(), what=difference)


def _difference(scene: Scene, balancing: Balancing, before: Sequence[Counter[str]], since: datetime) -> str:
    """What does not agree in the calls since then; nothing once all does."""
    service = registry.service("default", "checkout")
    assert service is not None
    callings = [calling for calling, _ in scene.values()]
    made = [calling.calls - start for calling, start in zip(callings, before, strict=True)]
    if any(calls.total() < CALLS for calls in made):
        return f"only {made}"
    found = [{name: count / calls.total() for name, count in calls.items()} for calls in made]
    for (node, (_, zone)), share in zip(scene.items(), found, strict=True):
        meant = intended(balancing, service.endpoints, client_zone=zone) or {}
        if any(abs(share.get(endpoint, 0) - ppm / PPM) > TOLERANCE for endpoint, ppm in meant.items()):
            return f"{node} sees {share}, meant are {meant}"
    reported = {load.endpoint: load.issued for load in dataplane.loads("default", "checkout", since=since)}
    if (total := sum(reported.values())) < CALLS:
        return f"only {reported} reported"
    for endpoint in (each.name for each in service.endpoints):
        counted = sum(share.get(endpoint, 0) for share in found) / len(found)
        if abs(reported.get(endpoint, 0) / total - counted) > TOLERANCE:
            return f"{reported} reported, {found} counted"
    return ""


def lost_nothing(scene: Scene) -> None:
    """No call failed and no stream broke."""
    assert {node: calling.errors for node, (calling, _) in scene.items() if calling.errors} == {}
    assert {node: calling.broken for node, (calling, _) in scene.items() if calling.broken} == {}


def _all_acked(revision: int, count: int) -> Callable[[], bool]:
    def check() -> bool:
        clients = dataplane.clients(connected_only=True)
        return len(clients) >= count and all(delivery_of(client, revision) == "acked" for client in clients)

    return check
