"""Creating, changing and deleting services."""

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.registry import queries
from governance.registry.commands import CreateService, DeleteService, UpdateService
from governance.registry.values import ServiceSpec
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.registry.conftest import register


def _create(**values: object) -> CreateService:
    spec = ServiceSpec(**({"namespace": "shop", "name": "checkout"} | values))  # type: ignore[arg-type]
    return CreateService(namespace=spec.namespace, spec=spec)


def test_a_new_service_is_one_fact_and_is_found(changes_once: ChangesOnce, alice: Actor) -> None:
    fact = changes_once(_create(owner="team-a", grpc_services=("shop.v1.Checkout",)), by=alice)
    assert (fact.action, fact.thing, fact.before) == ("registry.service.create", "service/shop/checkout", None)
    assert fact.after == {
        "namespace": "shop",
        "name": "checkout",
        "owner": "team-a",
        "protocol": "grpc",
        "description": "",
        "grpc_services": ["shop.v1.Checkout"],
    }
    found = queries.service("shop", "checkout")
    assert found is not None
    assert (found.owner, found.revision, found.endpoints) == ("team-a", fact.revision, ())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Check Out"}, "name"),
        ({"namespace": ""}, "namespace"),
        ({"owner": "x" * 101}, "owner"),
        ({"owner": "a\x00b"}, "owner"),
        ({"owner": "\ud800"}, "owner"),
        ({"description": "x" * 1001}, "description"),
        ({"description": "a\x1b[31m"}, "description"),
        ({"protocol": "thrift"}, "protocol"),
        ({"grpc_services": ("not a name",)}, "grpc_services"),
        ({"grpc_services": tuple(f"a.B{n}" for n in range(101))}, "grpc_services"),
    ],
)
def test_a_bad_service_is_refused_with_its_field(house: House, values: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        _create(**values)
    assert refusal.value.field == field


def test_a_description_may_have_lines(house: House, alice: Actor) -> None:
    assert execute(_create(description="first\n\tsecond"), by=alice).changed


def test_the_namespace_of_the_command_must_be_the_services(house: House) -> None:
    with pytest.raises(Invalid) as refusal:
        CreateService(namespace="bank", spec=ServiceSpec(namespace="shop", name="checkout"))
    assert refusal.value.field == "namespace"


def test_a_name_is_taken_only_once_in_a_namespace(checkout: str, alice: Actor) -> None:
    with pytest.raises(Conflict) as refusal:
        execute(_create(), by=alice)
    assert refusal.value.field == "name"
    assert execute(_create(namespace="bank"), by=alice).changed


def test_an_update_changes_what_is_given_and_nothing_else(
    checkout: str, changes_once: ChangesOnce, alice: Actor
) -> None:
    execute(UpdateService(namespace="shop", service="checkout", description="till"), by=alice)
    fact = changes_once(UpdateService(namespace="shop", service="checkout", owner="team-b"), by=alice)
    assert fact.before is not None
    assert fact.after == {**fact.before, "owner": "team-b"}
    assert fact.after["description"] == "till"


def test_an_update_is_checked_like_a_new_service(checkout: str, alice: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        execute(UpdateService(namespace="shop", service="checkout", grpc_services=("?",)), by=alice)
    assert refusal.value.field == "grpc_services"


def test_a_deleted_service_is_gone_and_its_name_is_free(checkout: str, changes_once: ChangesOnce, alice: Actor) -> None:
    old = queries.service("shop", "checkout")
    fact = changes_once(DeleteService(namespace="shop", service="checkout"), by=alice)
    assert (fact.action, fact.after) == ("registry.service.delete", None)
    assert queries.service("shop", "checkout") is None
    execute(_create(), by=alice)
    new = queries.service("shop", "checkout")
    assert old is not None
    assert new is not None
    assert old.uid != new.uid


def test_a_service_with_endpoints_is_not_deleted(checkout: str, alice: Actor) -> None:
    register("c1")
    with pytest.raises(Conflict) as refusal:
        execute(DeleteService(namespace="shop", service="checkout"), by=alice)
    assert refusal.value.field == "service"


@pytest.mark.parametrize(
    "command",
    [UpdateService(namespace="shop", service="none", owner="x"), DeleteService(namespace="shop", service="none")],
)
def test_what_is_not_there_is_not_found(checkout: str, command: UpdateService | DeleteService) -> None:
    with pytest.raises(NotFound) as refusal:
        execute(command, by=SYSTEM)
    assert refusal.value.field == "service"


def test_without_the_permission_nothing_changes(checkout: str, carol: Actor, mallory: Actor) -> None:
    before = ledger.head_revision()
    for actor in (carol, mallory):
        for command in (_create(name="other"), DeleteService(namespace="shop", service="checkout")):
            with pytest.raises(Forbidden):
                execute(command, by=actor)
    assert ledger.head_revision() == before


def test_services_are_listed_by_name_and_only_of_the_namespaces_asked_for(house: House, alice: Actor) -> None:
    for space, name in (("shop", "b"), ("shop", "a"), ("bank", "z"), ("zoo", "a")):
        execute(_create(namespace=space, name=name), by=alice)
    names = [(service.namespace, service.name) for service in queries.services()]
    assert names == [("bank", "z"), ("shop", "a"), ("shop", "b"), ("zoo", "a")]
    assert [service.name for service in queries.services(namespaces={"shop"})] == ["a", "b"]
    after = queries.services(after=("shop", "a"), limit=1)
    assert [(service.namespace, service.name) for service in after] == [("shop", "b")]
