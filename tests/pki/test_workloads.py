"""Programs renew the identity they have with what they hold, and lose it when somebody says so."""

from typing import Any

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden, Invalid, NotFound, StaleRevision
from governance.ledger.execute import execute
from governance.pki.commands import EnrolWorkload, RevokeCertificate
from governance.pki.enrolment import actor_of, join, renew
from governance.pki.pem import chain_from_pem
from governance.pki.queries.certificates import issued
from governance.pki.queries.workloads import disabled, join_tokens, workloads
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import HOUR, clock_at, head, of_namespace
from tests.pki.joining import HERE, URI, csr, joined, serial_of, setting, token


def test_a_workload_renews_with_the_certificate_it_holds(pki: House) -> None:
    joined()
    old = serial_of()
    renewed = renew(old, URI, csr(), by=actor_of(URI))
    assert serial_of() == f"{chain_from_pem(renewed.chain_pem, field='chain')[0].serial_number:x}"
    assert serial_of() != old
    there = issued(old)
    assert there is not None
    assert there.revoked_at is None, "the old one serves until the new one is in use"


def test_a_workload_renews_no_certificate_of_another(pki: House) -> None:
    joined()
    joined("till")
    till = actor_of(URI.replace("checkout", "till"))
    before = head()
    for serial, uri in ((serial_of(), URI), (serial_of(), till.name), (serial_of("till"), URI)):
        with pytest.raises(Forbidden):
            renew(serial, uri, csr("till" if uri == till.name else "checkout"), by=till)
    with pytest.raises(Forbidden):
        renew(serial_of(), "spiffe://elsewhere.org/ns/shop/sa/checkout", csr(), by=till)
    assert head() == before


def test_a_revoked_certificate_renews_nothing(pki: House, bob: Actor) -> None:
    joined()
    by, serial = actor_of(URI), serial_of()
    execute(RevokeCertificate(namespace="shop", serial=serial, cause="keyCompromise"), by=bob)
    with pytest.raises(Forbidden, match="revoked"):
        renew(serial, URI, csr(), by=by)
    assert joined().uri == URI, "with a new token it may come back"


def test_an_expired_certificate_renews_nothing(pki: House) -> None:
    joined()
    by, serial = actor_of(URI), serial_of()
    with clock_at(now() + 25 * HOUR), pytest.raises(Forbidden, match="expired"):
        renew(serial, URI, csr(), by=by)


def test_a_disabled_workload_may_nothing_until_it_is_enabled_again(
    pki: House, changes_once: ChangesOnce, bob: Actor
) -> None:
    joined()
    by, serial = actor_of(URI), serial_of()
    fact = changes_once(setting(enabled=False), by=bob)
    assert (fact.action, fact.thing) == ("pki.workload.set", "workload/shop/checkout")
    assert disabled() == {URI}
    secret = token()
    for act in (
        lambda: renew(serial, URI, csr(), by=by),
        lambda: actor_of(URI),
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
            actor_of(uri)


def _enrolling(**values: Any) -> EnrolWorkload:
    standard: dict[str, Any] = {
        "namespace": "shop",
        "workload": "checkout",
        "serial": "7f3a",
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
