"""Switching and restoring a service's balancing."""

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Forbidden, GovernanceError, Invalid, StaleRevision
from governance.ledger import queries
from governance.ledger.execute import execute
from governance.registry import queries as registry
from governance.registry.commands import CreateService, DeleteService, DeregisterEndpoint, RegisterEndpoint
from governance.registry.values import EndpointSpec, ServiceSpec
from governance.traffic.commands import RestoreBalancing, SwitchBalancing
from governance.traffic.queries import in_force
from governance.traffic.values import Balancing
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce


@pytest.fixture
def checkout(ledger: House) -> str:
    """A service with four instances c0..c3, the first two of version v1."""
    execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="checkout")), by=SYSTEM)
    for n in range(4):
        spec = EndpointSpec(
            name=f"c{n}", host="127.0.0.1", port=7000 + n, zone=f"z{n % 2 + 1}", version="v1" if n < 2 else "v2"
        )
        execute(RegisterEndpoint(namespace="shop", service="checkout", spec=spec), by=SYSTEM)
    return "checkout"


def _switch(**values: object) -> SwitchBalancing:
    return SwitchBalancing(namespace="shop", service="checkout", balancing=Balancing(**values))  # type: ignore[arg-type]


def test_a_switch_leaves_one_fact_with_before_and_after(checkout: str, changes_once: ChangesOnce, alice: Actor) -> None:
    fact = changes_once(_switch(policy="weighted_round_robin", weights={"c0": 3}), by=alice)
    assert (fact.action, fact.actor, fact.before) == ("traffic.balancing.switch", "alice", None)
    assert fact.after == {
        "policy": "weighted_round_robin",
        "timeout_ms": 1000,
        "weights": {"c0": 3},
        "weigh_by": "instance",
    }


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"policy": "fastest"}, "policy"),
        ({"policy": "weighted_round_robin", "weights": {"c0": 0, "c1": 0, "c2": 0, "c3": 0}}, "weights"),
        ({"policy": "weighted_round_robin", "weights": {"c0": 0, "c1": 1}}, "weights[c0]"),
        ({"policy": "weighted_round_robin", "weights": {"nobody": 1}}, "weights[nobody]"),
        ({"policy": "weighted_round_robin", "weights": {"c0": -1}}, "weights[c0]"),
        ({"policy": "weighted_round_robin", "weigh_by": "version", "weights": {"v9": 1}}, "weights[v9]"),
        ({"policy": "weighted_round_robin", "weigh_by": "version", "weights": {"v1": 0}}, "weights"),
        ({"policy": "weighted_round_robin", "weigh_by": "colour", "weights": {"c0": 1}}, "weigh_by"),
        ({"policy": "round_robin", "timeout_ms": -5}, "timeout_ms"),
        ({"policy": "round_robin", "weights": {"c0": 1}}, "weights"),
        ({"policy": "least_request", "choice_count": 1}, "choice_count"),
        ({"policy": "ring_hash", "hash_function": "md5"}, "hash_function"),
        ({"policy": "ring_hash", "min_ring_size": 0}, "min_ring_size"),
        ({"policy": "ring_hash", "hash_header": "Not A Header"}, "hash_header"),
        ({"policy": "pick_first", "order": ("c0", "c0")}, "order"),
        ({"policy": "pick_first", "order": ("c9",)}, "order"),
        ({"policy": "zone_aware", "spill_pct": 101}, "spill_pct"),
    ],
)
def test_a_bad_policy_is_refused_with_its_field_and_leaves_no_fact(
    checkout: str, alice: Actor, values: dict[str, object], field: str
) -> None:
    before = queries.head_revision()
    with pytest.raises(Invalid) as refusal:
        execute(_switch(**values), by=alice)
    assert refusal.value.field == field
    assert queries.head_revision() == before


def test_a_stale_revision_is_refused(checkout: str, alice: Actor) -> None:
    first = execute(_switch(policy="least_request"), by=alice)
    execute(_switch(policy="ring_hash"), by=alice, if_revision=first.revision)
    with pytest.raises(StaleRevision):
        execute(_switch(policy="round_robin"), by=alice, if_revision=first.revision)


def test_a_request_id_with_other_content_is_refused(checkout: str, alice: Actor) -> None:
    execute(_switch(policy="least_request"), by=alice, request_id="r1")
    with pytest.raises(GovernanceError) as refusal:
        execute(_switch(policy="ring_hash"), by=alice, request_id="r1")
    assert refusal.value.reason == "CONFLICT"


def test_whoever_lacks_the_permission_is_refused(checkout: str, carol: Actor, mallory: Actor) -> None:
    for actor in (carol, mallory):
        with pytest.raises(Forbidden):
            execute(_switch(policy="least_request"), by=actor)


def test_restoring_puts_an_earlier_revision_in_force_as_a_new_one(
    checkout: str, changes_once: ChangesOnce, alice: Actor
) -> None:
    first = execute(_switch(policy="least_request"), by=alice)
    execute(_switch(policy="ring_hash"), by=alice)
    fact = changes_once(RestoreBalancing(namespace="shop", service="checkout", to_revision=first.revision), by=alice)
    assert fact.after == {"policy": "least_request", "timeout_ms": 1000, "choice_count": 2, "strict": False}


def test_validating_only_says_what_would_change_and_changes_nothing(checkout: str, alice: Actor) -> None:
    before = queries.head_revision()
    receipt = execute(_switch(policy="least_request"), by=alice, validate_only=True)
    assert receipt.changed
    assert receipt.after is not None
    assert queries.head_revision() == before


def test_a_service_made_anew_is_switched_from_what_its_readers_see(checkout: str, alice: Actor) -> None:
    execute(_switch(policy="pick_first"), by=alice)
    for n in range(4):
        execute(DeregisterEndpoint(namespace="shop", service="checkout", name=f"c{n}"), by=SYSTEM)
    execute(DeleteService(namespace="shop", service="checkout"), by=SYSTEM)
    execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="checkout")), by=SYSTEM)
    service = registry.service("shop", "checkout")
    assert service is not None
    shown = in_force([service])[service.uid].revision
    switched = execute(_switch(policy="ring_hash"), by=alice, if_revision=shown)
    with pytest.raises(StaleRevision):
        execute(_switch(policy="round_robin"), by=alice, if_revision=shown)
    assert execute(_switch(policy="round_robin"), by=alice, if_revision=switched.revision).changed
