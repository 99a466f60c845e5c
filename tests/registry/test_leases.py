"""An instance stays for as long as it keeps its lease alive."""

from datetime import timedelta

import pytest

from governance.kernel import clock
from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Forbidden, NotFound
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.registry import queries
from governance.registry.commands import ExpireEndpoints, keep_alive
from tests.registry.conftest import endpoints, register


def _lease(name: str) -> str:
    return queries.lease_of("shop", "checkout", name)


def _expire(after_s: float) -> bool:
    return execute(ExpireEndpoints(at=clock.now() + timedelta(seconds=after_s)), by=SYSTEM).changed


def test_a_lease_lasts_as_long_as_was_asked_for(checkout: str) -> None:
    begun = clock.now()
    register("c1", ttl_s=30)
    there = endpoints()["c1"]
    assert there.ttl_s == 30
    assert there.lease_expires_at is not None
    assert timedelta(seconds=29) < there.lease_expires_at - begun < timedelta(seconds=35)
    kept = queries.endpoint_of_lease(_lease("c1"))
    assert kept is not None
    assert kept.name == "c1"


def test_an_instance_without_a_lease_stays(checkout: str) -> None:
    register("c1")
    assert _lease("c1") == ""
    assert not _expire(10_000)
    assert "c1" in endpoints()


def test_keeping_alive_moves_the_deadline_and_leaves_no_fact(checkout: str) -> None:
    register("c1", ttl_s=30)
    before = ledger.head_revision()
    later = clock.now() + timedelta(seconds=20)
    with clock.moved(lambda: later):
        assert keep_alive(_lease("c1")) == later + timedelta(seconds=30)
    assert ledger.head_revision() == before
    assert not _expire(40)
    assert _expire(60)


def test_what_expired_cannot_be_kept_alive(checkout: str) -> None:
    register("c1", ttl_s=5)
    lease = _lease("c1")
    assert _expire(6)
    for gone in (lease, "never"):
        with pytest.raises(NotFound) as refusal:
            keep_alive(gone)
        assert refusal.value.field == "lease_id"


def test_all_that_expired_leave_in_one_fact(checkout: str) -> None:
    for n in range(20):
        register(f"c{n}", ttl_s=5 if n % 2 else 3600)
    before = ledger.head_revision()
    assert _expire(10)
    assert ledger.head_revision() == before + 1
    entry = ledger.get(before + 1)
    assert entry is not None
    assert entry.action == "registry.endpoint.expire"
    assert entry.before is not None
    assert sorted(entry.before) == sorted(f"shop/checkout/c{n}" for n in range(1, 20, 2))
    assert sorted(endpoints()) == sorted(f"c{n}" for n in range(0, 20, 2))
    assert not _expire(10), "nothing is left to expire"


def test_registering_anew_without_a_lease_ends_the_old_one(checkout: str) -> None:
    register("c1", ttl_s=5)
    assert register("c1").changed
    assert not _expire(10)


def test_registering_anew_with_another_length_changes_the_lease(checkout: str) -> None:
    register("c1", ttl_s=5)
    lease = _lease("c1")
    receipt = register("c1", ttl_s=60)
    assert receipt.before is not None
    assert receipt.after is not None
    assert (receipt.before["ttl_s"], receipt.after["ttl_s"]) == (5, 60)
    assert _lease("c1") == lease
    assert not _expire(10)


def test_only_the_system_expires(checkout: str, alice: Actor) -> None:
    with pytest.raises(Forbidden):
        execute(ExpireEndpoints(at=clock.now()), by=alice)
