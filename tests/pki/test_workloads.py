"""Programs renew the identity they have with what they hold, and lose it when somebody says so."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden, Invalid, NotFound, StaleRevision
from governance.ledger.execute import execute
from governance.pki.commands import EnrolWorkload, RevokeCertificate
from governance.pki.enrolment import actor_of, join, renew
from governance.pki.keys import make_key
from governance.pki.pem import chain_from_pem
from governance.pki.queries.certificates import issued
from governance.pki.queries.workloads import descendants_of, disabled, join_tokens, workloads
from governance.pki.status import IssuedCertificate
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import HOUR, clock_at, head, of_namespace, seen, want
from tests.pki.joining import HERE, URI, acting, csr, joined, serial_of, setting, token


def test_a_workload_renews_with_the_certificate_it_holds(pki: House) -> None:
    joined()
    old = serial_of()
    renewed = renew(old, URI, csr(), by=acting())
    assert serial_of() == f"{chain_from_pem(renewed.chain_pem, field='chain')[0].serial_number:x}"
    assert serial_of() != old
    there = issued(old)
    assert there is not None
    assert there.revoked_at is None, "the old one serves until the new one is in use"


def test_a_workload_renews_no_certificate_of_another(pki: House) -> None:
    joined()
    joined("till")
    till = acting("till")
    before = head()
    for serial, uri in ((serial_of(), URI), (serial_of(), till.name), (serial_of("till"), URI)):
        with pytest.raises(Forbidden):
            renew(serial, uri, csr("till" if uri == till.name else "checkout"), by=till)
    with pytest.raises(Forbidden):
        renew(serial_of(), "spiffe://elsewhere.org/ns/shop/sa/checkout", csr(), by=till)
    assert head() == before


def test_a_revoked_certificate_renews_nothing(pki: House, bob: Actor) -> None:
    joined()
    by, serial = acting(), serial_of()
    execute(RevokeCertificate(namespace="shop", serial=serial, cause="keyCompromise"), by=bob)
    with pytest.raises(Forbidden, match="revoked"):
        renew(serial, URI, csr(), by=by)
    assert joined().uri == URI, "with a new token it may come back"


def test_an_expired_certificate_renews_nothing(pki: House) -> None:
    joined()
    by, serial = acting(), serial_of()
    with clock_at(now() + 25 * HOUR), pytest.raises(Forbidden, match="expired"):
        renew(serial, URI, csr(), by=by)


def test_a_disabled_workload_may_nothing_until_it_is_enabled_again(
    pki: House, changes_once: ChangesOnce, bob: Actor
) -> None:
    joined()
    by, serial = acting(), serial_of()
    fact = changes_once(setting(enabled=False), by=bob)
    assert (fact.action, fact.thing) == ("pki.workload.set", "workload/shop/checkout")
    assert disabled() == {URI}
    secret = token()
    for act in (
        lambda: renew(serial, URI, csr(), by=by),
        acting,
        lambda: join(secret, csr(), origin=HERE),
    ):
        with pytest.raises(Forbidden, match="disabled"):
            act()
    execute(setting(enabled=True), by=bob)
    assert renew(serial, URI, csr(), by=by).uri == URI
    assert join(secret, csr(), origin=HERE).uri == URI, "the token was not used up in vain"


def test_only_security_disables(pki: House, alice: Actor, bob: Actor, carol: Actor, mallory: Actor) -> None:
    joined()
    before = head()
    for actor in (alice, carol, mallory, of_namespace("eve", "security", namespace="bank")):
        with pytest.raises(Forbidden):
            execute(setting(enabled=False), by=actor)
    with pytest.raises(NotFound):
        execute(setting(enabled=False, namespace="bank"), by=bob)
    assert execute(setting(enabled=False), by=bob, validate_only=True).changed
    assert (head(), disabled()) == (before, frozenset())


def test_disabling_what_changed_meanwhile_is_refused(pki: House, bob: Actor) -> None:
    joined()
    read_at = head()
    joined()
    with pytest.raises(StaleRevision):
        execute(setting(enabled=False), by=bob, if_revision=read_at)


def test_a_stranger_is_nobody(pki: House) -> None:
    for uri in (URI, "spiffe://elsewhere.org/ns/shop/sa/checkout", "nonsense"):
        with pytest.raises(Forbidden, match="not a workload that joined"):
            actor_of(uri, "7f3a", "")


def test_while_an_identity_is_renewed_the_old_and_the_new_certificate_both_count(pki: House, bob: Actor) -> None:
    joined()
    old = serial_of()
    renew(old, URI, csr(), by=acting())
    new = serial_of()
    assert acting(serial=old) == acting(serial=new)
    execute(RevokeCertificate(namespace="shop", serial=old, cause="superseded"), by=bob)
    assert acting(serial=new).name == URI
    with pytest.raises(Forbidden, match="was revoked"):
        acting(serial=old)


def test_only_what_a_workload_got_by_joining_speaks_for_it(pki: House) -> None:
    """Not another's certificate, not a managed one with its SPIFFE ID, not one that borrows the serial number."""
    joined()
    joined("till")
    want("front", uris=(URI,))
    assert issue_due() == 1
    there = issued(serial_of())
    assert there is not None
    own = _fingerprint(there)
    for serial in (serial_of("till"), seen("front").serial):
        other = issued(serial)
        assert other is not None
        with pytest.raises(Forbidden, match="by joining or renewing"):
            actor_of(URI, serial, _fingerprint(other))
    for serial, fingerprint in ((there.serial, "0" * 64), (there.serial, ""), ("7f3a", own)):
        with pytest.raises(Forbidden, match="by joining or renewing"):
            actor_of(URI, serial, fingerprint)
    assert actor_of(URI, there.serial, own).name == URI


def _fingerprint(of: IssuedCertificate) -> str:
    return chain_from_pem(of.chain_pem, field="chain_pem")[0].fingerprint(SHA256()).hex()


def test_a_certificate_renews_over_another_key_for_a_few_minutes_only(pki: House) -> None:
    joined()
    first, lost = serial_of(), make_key("ECDSA", 256)
    renew(first, URI, csr(key=lost), by=acting())
    began = now()
    with clock_at(began + timedelta(minutes=9)):  # the answer was lost
        renew(first, URI, csr(), by=acting(serial=first))
    newest, before = serial_of(), head()
    with clock_at(began + timedelta(minutes=11)):
        with pytest.raises(Forbidden, match="was renewed over another key") as refused:
            renew(first, URI, csr(), by=acting(serial=first))
        assert (refused.value.field, "keyCompromise" in refused.value.message) == ("renews", True)
        assert head() == before
        renew(first, URI, csr(key=lost), by=acting(serial=first))  # who asks again with the same key is the same
        renew(newest, URI, csr(), by=acting(serial=newest))


def test_what_was_renewed_from_a_certificate_is_known_to_the_last_one(pki: House) -> None:
    joined()
    joined("till")
    first = serial_of()
    renew(first, URI, csr(), by=acting())
    second = serial_of()
    renew(first, URI, csr(), by=acting(serial=first))
    beside = serial_of()
    renew(second, URI, csr(), by=acting(serial=second))
    third = serial_of()
    till = serial_of("till")
    renew(till, f"{URI[:-8]}till", csr("till"), by=acting("till"))
    joined()  # with a token, so that it owes nothing to the others
    assert set(descendants_of(first)) == {second, beside, third}
    assert descendants_of(second) == [third]
    assert descendants_of(third) == descendants_of(serial_of()) == descendants_of("7f3a") == []


def _enrolling(**values: Any) -> EnrolWorkload:
    standard: dict[str, Any] = {
        "namespace": "shop",
        "workload": "checkout",
        "serial": "7f3a",
        "key_id": "",
        "authority": "",
        "chain_pem": "",
        "uri": URI,
        "dns_names": (),
        "not_before": now(),
        "not_after": now() + HOUR,
    }
    return EnrolWorkload(**(standard | values))


def test_enrolling_needs_the_permission_and_a_right_of_this_very_workload(pki: House, alice: Actor, bob: Actor) -> None:
    token("till")
    till = join_tokens()[0].id
    for actor in (alice, bob):
        with pytest.raises(Forbidden):
            execute(_enrolling(token=till), by=actor)
    with pytest.raises(Invalid) as refusal:
        execute(_enrolling(), by=SYSTEM)
    assert refusal.value.field == "token"
    with pytest.raises(Forbidden) as forbidden:
        execute(_enrolling(token=till), by=SYSTEM)
    assert forbidden.value.field == "token"
    assert join_tokens()[0].used_at is None


def test_workloads_are_listed_by_name_and_only_of_the_namespaces_asked_for(pki: House) -> None:
    joined("till")
    joined("checkout")
    assert [each.name for each in workloads(namespaces={"shop"})] == ["checkout", "till"]
    assert workloads(namespaces={"bank"}) == []
