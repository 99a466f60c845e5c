"""How the calls to a service travel."""

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, StaleRevision
from governance.ledger.execute import execute
from governance.pki.commands import SetTransport
from governance.pki.queries.workloads import transport, transports
from governance.registry.commands import CreateService
from governance.registry.values import ServiceSpec
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import DOMAIN, head, of_namespace

SERVER = f"spiffe://{DOMAIN}/ns/shop/sa/checkout"


@pytest.fixture
def checkout(ledger: House) -> House:
    """A service in each of two namespaces; for transports no authority needs to be there."""
    for namespace in ("shop", "bank"):
        spec = ServiceSpec(namespace=namespace, name="checkout")
        execute(CreateService(namespace=namespace, spec=spec), by=SYSTEM)
    return ledger


def _setting(mode: str = "mutual", *uris: str, namespace: str = "shop", service: str = "checkout") -> SetTransport:
    uris = uris or ((SERVER,) if mode == "mutual" else ())
    return SetTransport(namespace=namespace, service=service, mode=mode, server_uris=uris)


def test_mutual_tls_is_set_for_a_service_with_who_must_answer(
    checkout: House, changes_once: ChangesOnce, alice: Actor
) -> None:
    assert transport("shop", "checkout") is None, "plain text unless somebody decides otherwise"
    fact = changes_once(_setting(), by=alice)
    assert (fact.action, fact.thing, fact.before) == ("pki.transport.set", "transport/shop/checkout", None)
    there = transport("shop", "checkout")
    assert there is not None
    assert (there.mode, there.server_uris, there.revision) == ("mutual", (SERVER,), fact.revision)


def test_going_back_to_plain_text_is_a_fact_as_well(checkout: House, changes_once: ChangesOnce, alice: Actor) -> None:
    execute(_setting(), by=alice)
    fact = changes_once(_setting("plaintext"), by=alice)
    assert fact.before is not None
    assert fact.after is not None
    assert (fact.before["mode"], fact.after["mode"], fact.after["server_uris"]) == ("mutual", "plaintext", [])


def test_setting_the_same_twice_changes_nothing(checkout: House, alice: Actor) -> None:
    execute(_setting(), by=alice)
    before = head()
    assert not execute(_setting(), by=alice).changed
    assert head() == before


@pytest.mark.parametrize(
    ("mode", "uris", "field"),
    [
        ("tls", (), "mode"),
        ("mutual", (), "server_uris"),
        ("plaintext", (SERVER,), "server_uris"),
        ("mutual", ("spiffe://elsewhere.org/ns/shop/sa/checkout",), "server_uris"),
        ("mutual", ("checkout",), "server_uris"),
        ("mutual", tuple(f"{SERVER}-{n}" for n in range(21)), "server_uris"),
    ],
)
def test_nonsense_is_refused_with_its_field(house: House, mode: str, uris: tuple[str, ...], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        SetTransport(namespace="shop", service="checkout", mode=mode, server_uris=uris)
    assert refusal.value.field == field


def test_a_service_that_is_not_there_has_no_transport(checkout: House, alice: Actor) -> None:
    with pytest.raises(NotFound) as refusal:
        execute(_setting(service="till"), by=alice)
    assert refusal.value.field == "service"


def test_operators_set_it_in_their_namespace_and_nobody_else_does(
    checkout: House, carol: Actor, mallory: Actor
) -> None:
    dave = of_namespace("dave", "operator")
    assert execute(_setting(), by=dave).changed
    before = head()
    for actor, command in (
        (dave, _setting(namespace="bank")),
        (carol, _setting("plaintext")),
        (mallory, _setting("plaintext")),
    ):
        with pytest.raises(Forbidden):
            execute(command, by=actor)
    assert head() == before


def test_what_was_read_before_another_change_is_stale(checkout: House, alice: Actor) -> None:
    first = execute(_setting(), by=alice)
    execute(_setting("plaintext"), by=alice, if_revision=first.revision)
    with pytest.raises(StaleRevision):
        execute(_setting(), by=alice, if_revision=first.revision)


def test_a_request_id_with_other_content_is_refused(checkout: House, alice: Actor) -> None:
    execute(_setting(), by=alice, request_id="r1")
    with pytest.raises(Conflict):
        execute(_setting("plaintext"), by=alice, request_id="r1")


def test_trying_out_changes_nothing(checkout: House, alice: Actor) -> None:
    before = head()
    assert execute(_setting(), by=alice, validate_only=True).changed
    assert (head(), transport("shop", "checkout")) == (before, None)


def test_they_are_listed_only_of_the_namespaces_asked_for(checkout: House, alice: Actor) -> None:
    execute(_setting(), by=alice)
    execute(_setting("plaintext", namespace="bank"), by=alice)
    assert [(each.namespace, each.mode) for each in transports()] == [("bank", "plaintext"), ("shop", "mutual")]
    assert [each.namespace for each in transports(namespaces={"shop"})] == ["shop"]
