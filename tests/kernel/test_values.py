"""Identifiers, times and actors."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from governance.kernel import clock
from governance.kernel.actor import EVERYWHERE, SYSTEM, Actor, Origin
from governance.kernel.errors import Invalid, Violation, raise_all
from governance.kernel.ids import check_label, check_request_id, uuid7


def test_identifiers_are_version_7_and_sort_by_time() -> None:
    made = [uuid7() for _ in range(100)]
    assert {uuid.UUID(value).version for value in made} == {7}
    assert {uuid.UUID(value).variant for value in made} == {uuid.RFC_4122}
    assert [value[:8] for value in made] == sorted(value[:8] for value in made)
    assert len(set(made)) == 100


@pytest.mark.parametrize("name", ["a", "a-b", "a1", "a" * 63])
def test_names_are_dns_labels(name: str) -> None:
    check_label(name, field="name")


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a-", "a_b", "a" * 64, "a.b", "ä", "a\n"])
def test_other_names_are_refused_with_their_field(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_label(name, field="name")
    assert refusal.value.field == "name"


def test_a_request_id_is_printable() -> None:
    check_request_id("0198f2b4-7c1a")
    with pytest.raises(Invalid):
        check_request_id("")


def test_times_are_recorded_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 11, 23, 9, 0, 0, 123999, timezone(timedelta(hours=1)))
    assert clock.stamp(at) == "2026-11-23T08:00:00.123Z"


def test_the_clock_can_be_moved_and_comes_back() -> None:
    then = datetime(2030, 1, 1, tzinfo=UTC)
    with clock.moved(lambda: then):
        assert clock.now() == then
    assert clock.now() != then


def test_a_permission_counts_in_its_namespace_and_everywhere_counts_in_all() -> None:
    dave = Actor(name="dave", kind="person", grants={"shop": frozenset({"traffic.write"})})
    assert dave.may("traffic.write", "shop")
    assert not dave.may("traffic.write", "bank")
    assert not dave.may("traffic.write")
    assert dave.namespaces("traffic.write") == {"shop"}
    assert dave.namespaces("traffic.read") == frozenset()
    assert SYSTEM.may("anything", "bank")
    assert SYSTEM.namespaces("anything") == {EVERYWHERE}
    assert dave.via(Origin(door="rest")).origin.door == "rest"


def test_all_violations_are_named_at_once() -> None:
    raise_all([])
    with pytest.raises(Invalid) as refusal:
        raise_all([Violation("a", "is bad"), Violation("b", "is worse")])
    assert [violation.field for violation in refusal.value.violations] == ["a", "b"]
    assert str(refusal.value) == "a: is bad"
