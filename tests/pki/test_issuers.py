"""Issuers, the authorities below which they sign, and their revocation lists."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from governance.ledger.execute import execute
from governance.pki import tasks
from governance.pki.commands import CreateIssuer, PublishLists
from governance.pki.making import Pair, new_pair
from governance.pki.queries.authorities import (
    authorities,
    authority,
    issuer,
    issuers,
    lists_due,
    revocation_list,
    roots_pem,
    signer_of,
    with_key,
)
from governance.pki.revoked import LIST_LIFE
from governance.pki.tasks import publish_revocation_lists, watch_authorities
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import DAY, clock_at, everything_recorded, head, newest_fact, nothing_secret_is_recorded, want
from tests.pki.openssl import run, written
from tests.pki.spoiling import imported, spoil_authority


def creating(pair: Pair | None = None, **values: Any) -> CreateIssuer:
    pair = pair or new_pair("Shop")
    standard: dict[str, Any] = {"name": "shop-ca", "max_duration_s": 90 * 86_400}
    standard["authorities"] = (pair.stored_root, pair.stored_signer)
    return CreateIssuer(**(standard | values))


def _number_of(der: bytes | None) -> int:
    assert der is not None
    return x509.load_der_x509_crl(der).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_a_new_issuer_signs_below_a_root_that_is_trusted_from_then_on(
    pki: House, changes_once: ChangesOnce, bob: Actor
) -> None:
    pair = new_pair("Shop")
    before = roots_pem()
    fact = changes_once(creating(pair, namespaces=("shop",), dns_names=("example.com",)), by=bob)
    assert (fact.action, fact.thing, fact.before) == ("pki.issuer.create", "issuer/shop-ca", None)
    assert fact.after is not None
    assert fact.after["namespaces"] == ["shop"]
    assert set(fact.after["authorities"]) == {pair.stored_root.id, pair.stored_signer.id}
    assert nothing_secret_is_recorded()
    there = issuer("shop-ca")
    assert there is not None
    assert (there.signer, there.dns_names, there.revision) == (pair.stored_signer.id, ("example.com",), fact.revision)
    assert [each.name for each in issuers()] == ["internal", "shop-ca"]
    assert roots_pem() == before + pair.stored_root.pem


def test_its_key_is_kept_sealed_and_opens_again(pki: House, bob: Actor) -> None:
    pair = new_pair("Shop")
    execute(creating(pair), by=bob)
    name, signer = signer_of("shop-ca")
    assert name == pair.stored_signer.id
    assert signer.key.private_numbers() == pair.signer.key.private_numbers()
    kept = pair.stored_signer.sealed_key
    assert kept is not None
    assert b"PRIVATE" not in kept
    assert "sealed_key" not in repr(pair.stored_signer)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Shop CA"}, "name"),
        ({"authorities": ()}, "authorities"),
        ({"max_duration_s": 3599}, "max_duration_s"),
        ({"max_duration_s": 826 * 86_400}, "max_duration_s"),
        ({"namespaces": ("Shop",)}, "namespaces"),
        ({"dns_names": ("*.example.com",)}, "dns_names"),
        ({"dns_names": ("EXAMPLE.com",)}, "dns_names"),
    ],
)
def test_a_bad_issuer_is_refused_with_its_field(house: House, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        creating(**values)
    assert refusal.value.field == field


def test_a_name_and_an_authority_are_taken_only_once(pki: House, bob: Actor) -> None:
    pair = new_pair("Shop")
    execute(creating(pair), by=bob)
    with pytest.raises(Conflict) as refusal:
        execute(creating(), by=bob)
    assert refusal.value.field == "name"
    with pytest.raises(Conflict) as refusal:
        execute(creating(replace(pair, stored_root=replace(pair.stored_root, id="other")), name="other"), by=bob)
    assert refusal.value.field == "certificate"
    assert issuer("other") is None


def test_only_security_makes_issuers(pki: House, alice: Actor, carol: Actor, mallory: Actor) -> None:
    before = head()
    for actor in (alice, carol, mallory):
        with pytest.raises(Forbidden):
            execute(creating(), by=actor)
    assert head() == before


def test_trying_out_an_issuer_makes_none(pki: House, bob: Actor) -> None:
    before, roots = head(), roots_pem()
    receipt = execute(creating(), by=bob, validate_only=True)
    assert receipt.changed
    assert (issuer("shop-ca"), head(), roots_pem()) == (None, before, roots)


def test_what_an_issuer_may_sign_is_checked_when_a_certificate_is_wanted(pki: House, bob: Actor) -> None:
    execute(creating(namespaces=("shop",), dns_names=("example.com",), max_duration_s=86_400), by=bob)
    good: dict[str, Any] = {"issuer": "shop-ca", "duration_s": 86_400}
    good["dns_names"] = ("example.com", "*.www.example.com")
    assert want(**good).changed
    for name in ("notexample.com", "example.com.evil.org", "*.com.example"):
        with pytest.raises(Invalid) as refusal:
            want("other", **good | {"dns_names": (name,)})
        assert (refusal.value.field, name in refusal.value.message) == ("dns_names", True)
    with pytest.raises(Invalid) as refusal:
        want("other", **good | {"duration_s": 86_401})
    assert refusal.value.field == "duration_s"
    for namespace, name in (("bank", "shop-ca"), ("shop", "nobody")):
        with pytest.raises(NotFound) as unknown:
            want("other", namespace=namespace, **good | {"issuer": name, "dns_names": ("example.com",)})
        assert str(unknown.value) == f"issuer: there is no issuer {name}", "whom it serves is for nobody to find out"


def test_the_authorities_are_counted_with_what_they_signed(pki: House) -> None:
    root, signer = sorted(authorities(), key=lambda each: each.parent)
    assert (root.kind, root.parent, signer.kind, signer.parent) == ("root", "", "intermediate", root.id)
    assert (signer.issued, signer.live) == (3, 3), "control plane, nobody, and the signer's responder"
    with clock_at(now() + 30 * DAY):
        there = authority(signer.id)
    assert there is not None
    assert (there.issued, there.live) == (3, 2)


def test_an_authority_without_a_key_says_so(pki: House, bob: Actor) -> None:
    pair = new_pair("Shop")
    execute(creating(pair, authorities=(pair.stored_root, replace(pair.stored_signer, sealed_key=None))), by=bob)
    with pytest.raises(Unavailable, match="is not here"):
        signer_of("shop-ca")
    with pytest.raises(NotFound):
        with_key("nobody")
    assert revocation_list(pair.stored_signer.id) is None


def test_revocation_lists_are_signed_anew_at_half_of_their_life(pki: House, changes_once: ChangesOnce) -> None:
    ids = [each.id for each in authorities()]
    numbers = {each: _number_of(revocation_list(each)) for each in ids}
    assert set(numbers.values()) == {1}
    assert not lists_due()
    before = head()
    assert not execute(PublishLists(due_before=now()), by=SYSTEM).changed
    assert head() == before
    with clock_at(now() + LIST_LIFE / 2 + DAY / 1440):
        assert lists_due()
        fact = changes_once(PublishLists(due_before=now()), by=SYSTEM)
        assert not lists_due()
    assert (fact.action, fact.before, fact.after) == ("pki.crl.publish", numbers, dict.fromkeys(ids, 2))
    assert {_number_of(revocation_list(each)) for each in ids} == {2}


def test_all_lists_can_be_published_at_once_and_openssl_reads_them(pki: House) -> None:
    execute(PublishLists(), by=SYSTEM)
    root, signer = sorted(authorities(), key=lambda each: each.parent)
    assert nothing_secret_is_recorded()
    for each, above in ((root, root), (signer, signer)):
        der = revocation_list(each.id)
        assert der is not None
        said = run(
            *("crl", "-inform", "DER", "-noout", "-text", "-in", written(pki.data_dir / "list.crl", der)),
            *("-CAfile", written(pki.data_dir / "above.pem", above.pem)),
        )
        assert "verify OK" in said.text
        assert "No Revoked Certificates" in said.text


def test_only_the_system_publishes_lists(pki: House, alice: Actor, bob: Actor) -> None:
    for actor in (alice, bob):
        with pytest.raises(Forbidden):
            execute(PublishLists(), by=actor)
    assert "pki.crl.publish" not in everything_recorded()
    assert newest_fact().action == "pki.responder.store"


def test_an_authority_that_expired_holds_up_no_other_list(pki: House, changes_once: ChangesOnce) -> None:
    ids = [each.id for each in authorities()]
    expired = imported(life=2 * DAY)
    with clock_at(now() + 3 * DAY):
        assert lists_due()
        fact = changes_once(PublishLists(due_before=now()), by=SYSTEM)
        assert fact.after == dict.fromkeys(ids, 2)
        assert not lists_due()
    assert _number_of(revocation_list(expired)) == 1


def test_an_authority_whose_key_does_not_open_holds_up_no_other_list(pki: House) -> None:
    ids = [each.id for each in authorities()]
    spoilt = imported()
    spoil_authority(spoilt)
    execute(PublishLists(), by=SYSTEM)
    assert {each: _number_of(revocation_list(each)) for each in ids} == dict.fromkeys(ids, 2)
    with clock_at(now() + DAY):
        publish_revocation_lists()
        assert not lists_due(), "what cannot be signed would be tried every 30 s, under the ledger's lock"
    assert {each: _number_of(revocation_list(each)) for each in (*ids, spoilt)} == {**dict.fromkeys(ids, 3), spoilt: 1}


def test_it_alarms_when_an_authority_cannot_sign(pki: House, caplog: pytest.LogCaptureFixture) -> None:
    watch_authorities()
    assert (caplog.records, tasks.unable._value.get()) == ([], 0)
    imported("short", life=2 * DAY)
    spoil_authority(imported("spoilt"))
    with clock_at(now() + 3 * DAY):
        watch_authorities()
    said = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert [("short root" in each, "it expired at" in each, "was altered" in each) for each in said] == [
        (True, True, False),
        (False, False, True),
    ]
    assert tasks.unable._value.get() == 2
