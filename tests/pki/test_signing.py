"""Requests over keys that their owners keep: signed for stated names, recorded, revocable."""

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from governance.ledger.execute import execute
from governance.pki.commands import RevokeCertificate, SignRequest
from governance.pki.keys import key_id, make_key
from governance.pki.models import Issued
from governance.pki.names import Names
from governance.pki.queries.certificates import issued, issued_of, sealed_key_of
from governance.pki.requests import make_request
from governance.pki.setup import ensure_pki
from governance.pki.signing import signed
from governance.pki.values import CertificateSpec
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce

KEY = make_key("ECDSA", 256)
CSR = make_request(KEY, Names(dns=("printer.shop.svc",)))


@pytest.fixture(autouse=True)
def pki(ledger: House) -> None:
    """An issuer."""
    ensure_pki()


def wanted(namespace: str = "shop", **values: object) -> SignRequest:
    spec: dict[str, object] = {"secret_name": "printer", "issuer": "internal", "dns_names": ("printer.shop.svc",)}
    return signed(CSR, namespace=namespace, name="printer", spec=CertificateSpec(**{**spec, **values}))  # type: ignore[arg-type]


def test_what_is_signed_leaves_one_fact_and_no_key(changes_once: ChangesOnce, alice: Actor) -> None:
    command = wanted()
    assert isinstance(command, SignRequest)
    entry = changes_once(command, by=alice)
    assert (entry.action, entry.thing) == ("pki.request.sign", "request/shop/printer")
    assert entry.after is not None
    assert (entry.after["serial"], entry.after["dns_names"]) == (command.serial, ["printer.shop.svc"])
    (found,) = issued_of("request/shop/printer")
    assert (found.serial, sealed_key_of(found.serial)) == (command.serial, None)
    assert Issued.objects.get(pk=command.serial).key_id == key_id(KEY.public_key())


def test_it_is_for_who_may_write_in_that_namespace(carol: Actor, alice: Actor) -> None:
    with pytest.raises(Forbidden):
        execute(wanted(), by=carol)
    tenant = Actor(name="tim", kind="person", grants={"bank": alice.grants["*"]})
    with pytest.raises(Forbidden):
        execute(wanted(), by=tenant)
    assert issued_of("request/shop/printer") == []


def test_it_is_taken_back_by_who_may_revoke_in_its_namespace(bob: Actor) -> None:
    command = wanted()
    execute(command, by=SYSTEM)
    with pytest.raises(NotFound):
        execute(RevokeCertificate(namespace="bank", serial=command.serial), by=bob)
    execute(RevokeCertificate(namespace="shop", serial=command.serial, cause="superseded"), by=bob)
    found = issued(command.serial)
    assert found is not None
    assert found.revoked_reason == "superseded"


@pytest.mark.parametrize("uri", ["spiffe://governor.internal/ns/shop/sa/till", "spiffe://elsewhere.org/x"])
def test_no_identity_is_signed_whoever_asks(uri: str) -> None:
    """It would last for as long as was asked, and disabling the workload would not end it elsewhere."""
    with pytest.raises(Invalid, match="by joining") as refused:
        wanted(uris=(uri,))
    assert refused.value.field == "uris"
    assert "govctl cert join" in refused.value.message


def test_names_of_others_and_lives_too_long_are_refused(alice: Actor) -> None:
    with pytest.raises(Invalid, match="not of the form"):
        wanted(namespace="bank")
    with pytest.raises(Invalid, match="signs for at most"):
        execute(wanted(duration_s=360 * 86_400), by=alice)


def test_a_name_is_free_again_once_what_was_signed_for_it_is_taken_back() -> None:
    csr = make_request(KEY, Names(dns=("printer.example",)))
    spec = CertificateSpec(secret_name="printer", issuer="internal", dns_names=("printer.example",))
    first = signed(csr, namespace="shop", name="printer", spec=spec)
    execute(first, by=SYSTEM)
    other = signed(csr, namespace="bank", name="printer", spec=spec)
    with pytest.raises(Conflict):
        execute(other, by=SYSTEM)
    execute(RevokeCertificate(namespace="shop", serial=first.serial), by=SYSTEM)
    assert execute(other, by=SYSTEM).changed
