"""Taking a certificate back: published in the same moment, replaced at once, and only by those who may."""

import pytest
from cryptography import x509

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, StaleRevision
from governance.ledger.execute import execute
from governance.pki.commands import IssueNow, RevokeCertificate
from governance.pki.queries.authorities import authorities, revocation_list, signer_of
from governance.pki.queries.certificates import alarming, history, issued, issued_of, revoked
from governance.pki.values import KeySpec
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import (
    DAY,
    HOUR,
    clock_at,
    delivered,
    end_of,
    find_key,
    head,
    leaf_of,
    lose_key,
    nothing_secret_is_recorded,
    of_namespace,
    renewal_of,
    seen,
    want,
)
from tests.pki.openssl import run, written
from tests.pki.spoiling import spoil_authority


@pytest.fixture
def web(pki: House) -> House:
    """A house with the certificate shop/web in force."""
    want()
    assert issue_due() == 1
    return pki


def _revoking(serial: str = "", namespace: str = "shop", **values: object) -> RevokeCertificate:
    return RevokeCertificate(namespace=namespace, serial=serial or seen().serial, **values)  # type: ignore[arg-type]


def _list_of(serial: str) -> x509.CertificateRevocationList:
    """The newest list of whoever signed it."""
    there = issued(serial)
    assert there is not None
    der = revocation_list(there.authority)
    assert der is not None
    return x509.load_der_x509_crl(der)


def _number(listed: x509.CertificateRevocationList) -> int:
    return listed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_revoking_is_one_fact_and_is_published_in_the_same_commit(
    web: House, changes_once: ChangesOnce, bob: Actor
) -> None:
    serial, leaf = seen().serial, leaf_of()
    before = _number(_list_of(serial))
    fact = changes_once(_revoking(cause="keyCompromise"), by=bob)
    assert (fact.action, fact.thing, fact.actor) == ("pki.certificate.revoke", f"issued/{serial}", "bob")
    assert fact.after is not None
    assert fact.after["revoked_reason"] == "keyCompromise"
    listed = _list_of(serial)
    assert _number(listed) == before + 1
    entry = listed.get_revoked_certificate_by_serial_number(leaf.serial_number)
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
    assert revoked(now()) == {serial}
    assert nothing_secret_is_recorded()


def test_openssl_finds_the_serial_in_the_list(web: House, bob: Actor) -> None:
    serial = seen().serial
    execute(_revoking(cause="superseded"), by=bob)
    there = issued(serial)
    assert there is not None
    der = revocation_list(there.authority)
    assert der is not None
    said = run("crl", "-inform", "DER", "-noout", "-text", "-in", written(web.data_dir / "list.crl", der))
    assert f"Serial Number: {serial.upper().zfill(len(serial) + len(serial) % 2)}" in said.text
    assert "Superseded" in said.text


def test_a_revoked_certificate_is_replaced_at_once_with_a_new_key(pki: House, bob: Actor) -> None:
    want(private_key=KeySpec(rotation_policy="Never"), revision_history_limit=5)
    assert issue_due() == 1
    old = leaf_of()
    execute(_revoking(cause="keyCompromise"), by=bob)
    assert delivered() is None, "what is revoked is not handed out any more"
    there = seen()
    assert (there.reason, there.ready(now()).reason, there.ready(now()).holds) == ("Revoked", "Revoked", False)
    assert [each.name for each in alarming(now())] == ["web"]
    assert issue_due() == 1
    assert leaf_of().public_key() != old.public_key(), "not even a key that is to be kept"
    assert seen().ready(now()).holds
    assert alarming(now()) == []


def test_without_a_replacement_it_stays_revoked(web: House, bob: Actor) -> None:
    execute(_revoking(replace=False), by=bob)
    assert issue_due() == 0
    assert (seen().ready(now()).reason, delivered()) == ("Revoked", None)


def test_revoking_an_earlier_issue_leaves_the_newest_alone(web: House, bob: Actor) -> None:
    earlier = seen().serial
    execute(IssueNow(namespace="shop", name="web"), by=SYSTEM)
    assert issue_due() == 1
    newest = seen().serial
    execute(_revoking(earlier), by=bob)
    assert (issue_due(), seen().serial, seen().revoked_reason) == (0, newest, "")
    assert [bool(each.revoked_at) for each in history("shop", "web")] == [False, True]


def test_revoking_twice_changes_nothing_and_another_cause_is_refused(web: House, bob: Actor) -> None:
    serial = seen().serial
    execute(_revoking(serial, cause="superseded"), by=bob)
    before, number = head(), _number(_list_of(serial))
    assert not execute(_revoking(serial, cause="superseded"), by=bob).changed
    with pytest.raises(Conflict) as refusal:
        execute(_revoking(serial, cause="keyCompromise"), by=bob)
    assert (refusal.value.field, "superseded" in refusal.value.message) == ("serial", True)
    assert (head(), _number(_list_of(serial))) == (before, number)


def test_in_another_namespace_it_is_not_found(web: House, bob: Actor) -> None:
    serial = seen().serial
    eve = of_namespace("eve", "security", namespace="bank")
    with pytest.raises(NotFound) as refusal:
        execute(_revoking(serial, namespace="bank"), by=eve)
    unknown = refusal.value.message.replace(serial, "7f3a")
    with pytest.raises(NotFound) as refusal:
        execute(_revoking("7f3a", namespace="bank"), by=eve)
    assert refusal.value.message == unknown, "nobody learns whether it exists elsewhere"
    with pytest.raises(Forbidden):
        execute(_revoking(serial), by=eve)
    assert seen().revoked_reason == ""


def test_only_security_revokes(web: House, alice: Actor, carol: Actor, mallory: Actor) -> None:
    before = head()
    for actor in (alice, carol, mallory):
        with pytest.raises(Forbidden):
            execute(_revoking(), by=actor)
    assert head() == before
    assert execute(_revoking(), by=of_namespace("eve", "security")).changed


def test_what_belongs_to_the_installation_is_revoked_only_by_who_may_everywhere(pki: House, bob: Actor) -> None:
    signer = next(each for each in authorities() if each.kind == "intermediate")
    serial = issued_of(f"responder/{signer.id}")[0].serial
    with pytest.raises(NotFound):
        execute(_revoking(serial, namespace="governor"), by=bob)
    assert execute(RevokeCertificate(serial=serial), by=bob).changed


def test_trying_out_revokes_nothing(web: House, bob: Actor) -> None:
    serial, before = seen().serial, head()
    number = _number(_list_of(serial))
    assert execute(_revoking(), by=bob, validate_only=True).changed
    assert (head(), _number(_list_of(serial)), revoked(now()), issue_due()) == (before, number, frozenset(), 0)
    assert delivered() is not None


def test_revoking_what_changed_meanwhile_is_refused(web: House, bob: Actor) -> None:
    serial, read_at = seen().serial, head()
    execute(_revoking(serial), by=bob)
    with pytest.raises(StaleRevision):
        execute(_revoking(serial, cause="keyCompromise"), by=bob, if_revision=read_at)


@pytest.mark.parametrize(("values", "field"), [({"cause": "boredom"}, "cause"), ({"serial": "no hex"}, "serial")])
def test_nonsense_is_refused_with_its_field(house: House, values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        RevokeCertificate(**({"namespace": "shop", "serial": "7f3a"} | values))  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_what_expired_leaves_the_list_of_those_to_refuse_an_hour_later(web: House, bob: Actor) -> None:
    serial, end = seen().serial, end_of()
    execute(_revoking(replace=False), by=bob)
    assert revoked(end - DAY) == revoked(end + HOUR / 2) == {serial}
    assert revoked(end + 2 * HOUR) == frozenset()


def test_a_new_failure_after_a_revocation_is_counted_from_then_on(pki: House, bob: Actor) -> None:
    want(duration_s=30 * 86_400)
    assert issue_due() == 1
    authority, _ = signer_of("internal")
    kept = lose_key(authority)
    with clock_at(renewal_of()):
        assert (issue_due(), seen().failures) == (0, 1)
    find_key(authority, kept)
    with clock_at(renewal_of() + 2 * HOUR):
        execute(_revoking(), by=bob)
        there = seen()
        assert (there.failures, there.failing_since, there.last_error) == (0, None, "")


def test_a_revocation_counts_although_the_authority_cannot_sign_its_list(pki: House) -> None:
    want()
    issue_due()
    serial, authority = seen().serial, signer_of("internal")[0]
    spoil_authority(authority)
    receipt = execute(RevokeCertificate(namespace="shop", serial=serial, cause="keyCompromise"), by=SYSTEM)
    assert (receipt.after or {})["lists_not_signed"] == [authority]
    assert serial in revoked(now())
