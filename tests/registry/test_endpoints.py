"""Registering, changing and removing instances, and what is known of their health."""

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.registry.commands import (
    DeregisterEndpoint,
    EndpointChange,
    RegisterEndpoint,
    ReportHealth,
    UpdateEndpoints,
)
from governance.registry.values import EndpointSpec
from tests.fixtures.people import ChangesOnce
from tests.registry.conftest import endpoints, register


def _update(*changes: EndpointChange) -> UpdateEndpoints:
    return UpdateEndpoints(namespace="shop", service="checkout", changes=changes)


def _health(health: str, *names: str, detail: str = "") -> ReportHealth:
    return ReportHealth(flips={f"shop/checkout/{name}": (health, detail) for name in names})  # type: ignore[misc]


def test_an_instance_registers_itself_with_one_fact(checkout: str, changes_once: ChangesOnce, alice: Actor) -> None:
    spec = EndpointSpec(name="c1", host="10.0.0.7", port=443, zone="z1", metadata={"rack": "7"}, version="v2", weight=3)
    fact = changes_once(RegisterEndpoint(namespace="shop", service="checkout", spec=spec), by=alice)
    assert (fact.action, fact.thing, fact.before) == (
        "registry.endpoint.register",
        "endpoint/shop/checkout/c1",
        None,
    )
    there = endpoints()["c1"]
    assert (there.address, there.zone, there.weight, there.version) == ("10.0.0.7:443", "z1", 3, "v2")
    assert (there.metadata, there.health, there.serving) == ({"rack": "7"}, "unknown", True)
    assert there.revision == fact.revision


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"host": "not a host"}, "host"),
        ({"host": "169.254.169.254"}, "host"),
        ({"host": "0.0.0.0"}, "host"),
        ({"host": "224.0.0.1"}, "host"),
        ({"host": "1.2.3"}, "host"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"zone": ""}, "zone"),
        ({"sub_zone": "A"}, "sub_zone"),
        ({"weight": 0}, "weight"),
        ({"weight": 1001}, "weight"),
        ({"version": "v 1"}, "version"),
        ({"metadata": {"bad key": "x"}}, "metadata"),
        ({"metadata": {"key": "x" * 257}}, "metadata"),
        ({"metadata": {"key": "a\x00"}}, "metadata"),
        ({"metadata": {f"k{n}": "x" for n in range(33)}}, "metadata"),
        ({"ttl_s": 4}, "ttl_s"),
        ({"ttl_s": 3601}, "ttl_s"),
        ({"ttl_s": -1}, "ttl_s"),
    ],
)
def test_a_bad_instance_is_refused_with_its_field(checkout: str, values: dict[str, object], field: str) -> None:
    before = ledger.head_revision()
    with pytest.raises(Invalid) as refusal:
        register("c1", **values)  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert ledger.head_revision() == before


def test_registering_the_same_again_leaves_no_fact(checkout: str) -> None:
    first = register("c1", ttl_s=30)
    again = register("c1", ttl_s=30)
    assert not again.changed
    assert again.revision == first.revision


def test_registering_anew_moves_an_instance_and_keeps_what_operators_set(checkout: str, alice: Actor) -> None:
    register("c1", weight=2)
    execute(_update(EndpointChange(name="c1", weight=9, isolated=True, draining=True)), by=alice)
    execute(_health("healthy", "c1"), by=SYSTEM)
    register("c1", weight=5, port=7100, version="v2")
    there = endpoints()["c1"]
    assert (there.port, there.version) == (7100, "v2")
    assert (there.weight, there.isolated, there.draining) == (9, True, True)
    assert there.health == "unknown", "what was known of the old address says nothing of the new one"


def test_an_address_belongs_to_one_instance(checkout: str) -> None:
    register("c1")
    with pytest.raises(Conflict) as refusal:
        register("c2", port=7001)
    assert refusal.value.field == "host"


def test_an_instance_of_no_service_is_refused(checkout: str) -> None:
    with pytest.raises(NotFound) as refusal:
        register("c1", service="nothing")
    assert refusal.value.field == "service"


def test_an_instance_leaves(checkout: str, changes_once: ChangesOnce, alice: Actor) -> None:
    register("c1", ttl_s=30)
    fact = changes_once(DeregisterEndpoint(namespace="shop", service="checkout", name="c1"), by=alice)
    assert (fact.action, fact.after) == ("registry.endpoint.deregister", None)
    assert endpoints() == {}
    with pytest.raises(NotFound) as refusal:
        execute(DeregisterEndpoint(namespace="shop", service="checkout", name="c1"), by=alice)
    assert refusal.value.field == "name"


def test_several_instances_change_in_one_fact(checkout: str, changes_once: ChangesOnce, alice: Actor) -> None:
    for name in ("c1", "c2", "c3"):
        register(name, metadata={"rack": "7", "row": "1"})
    third = endpoints()["c3"].revision
    changes = (
        EndpointChange(name="c1", weight=7),
        EndpointChange(name="c2", isolated=True, metadata={"row": "", "lamp": "on"}),
        EndpointChange(name="c3", weight=1),
    )
    fact = changes_once(_update(*changes), by=alice)
    assert fact.thing == "endpoints/shop/checkout"
    there = endpoints()
    assert (there["c1"].weight, there["c1"].revision) == (7, fact.revision)
    assert (there["c2"].serving, there["c2"].metadata) == (False, {"rack": "7", "lamp": "on"})
    assert there["c3"].revision == third, "what stands already is not touched"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ((), "changes"),
        ((EndpointChange(name="c1"), EndpointChange(name="c1")), "changes"),
        ((EndpointChange(name="c1", weight=0),), "weight"),
        (tuple(EndpointChange(name=f"c{n}") for n in range(1001)), "changes"),
    ],
)
def test_bad_changes_are_refused_with_their_field(
    checkout: str, changes: tuple[EndpointChange, ...], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        _update(*changes)
    assert refusal.value.field == field


def test_one_bad_change_refuses_them_all(checkout: str, alice: Actor) -> None:
    register("c1")
    for bad in (EndpointChange(name="c9", weight=2), EndpointChange(name="c1", metadata={"a b": "x"})):
        first = EndpointChange(name="c1", weight=5) if bad.name != "c1" else bad
        changes = (first, bad) if first is not bad else (bad,)
        with pytest.raises((NotFound, Invalid)) as refusal:
            execute(_update(*changes), by=alice)
        assert refusal.value.field in ("changes", "metadata")
    assert endpoints()["c1"].weight == 1


def test_health_flips_are_one_fact_however_many(checkout: str, changes_once: ChangesOnce) -> None:
    for name in ("c1", "c2", "c3"):
        register(name)
    execute(_health("healthy", "c1"), by=SYSTEM)
    fact = changes_once(_health("healthy", "c1", "c2", "gone"), by=SYSTEM)
    assert fact.before == {"shop/checkout/c2": "unknown"}
    assert fact.after == {"shop/checkout/c2": "healthy"}


def test_an_unhealthy_instance_gets_no_calls_and_says_why(checkout: str) -> None:
    register("c1")
    execute(_health("unhealthy", "c1", detail="connection refused\x00" + "x" * 500), by=SYSTEM)
    there = endpoints()["c1"]
    assert not there.serving
    assert there.health_detail.startswith("connection refusedx")
    assert len(there.health_detail) == 200


def test_health_that_stays_leaves_no_fact(checkout: str) -> None:
    register("c1")
    execute(_health("healthy", "c1"), by=SYSTEM)
    assert not execute(_health("healthy", "c1"), by=SYSTEM).changed


@pytest.mark.parametrize(("path", "health"), [("c1", "healthy"), ("shop/checkout/c1", "fine")])
def test_a_bad_report_is_refused(checkout: str, path: str, health: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ReportHealth(flips={path: (health, "")})  # type: ignore[dict-item]
    assert refusal.value.field == "flips"


def test_operators_may_not_report_health(checkout: str, alice: Actor) -> None:
    register("c1")
    with pytest.raises(Forbidden):
        execute(_health("healthy", "c1"), by=alice)
