"""A verdict says what is wrong, with which certificate, in words that a person can act on."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from governance.kernel.errors import Invalid
from governance.pki import chain
from governance.pki.authority import Names
from governance.pki.crl import Revoked, build_crl
from tests.pki.forge import AT, CLIENT, DAY, HOST, SPIFFE, authority, crl, leaf, middle, root
from tests.pki.house import founded

HOUSE = founded()


def judged(certificate: x509.Certificate, **changes: Any) -> chain.Verdict:
    usual: dict[str, Any] = {"roots": [root().certificate], "at": AT, "purpose": "server", "name": HOST}
    return chain.verify([certificate, middle().certificate], **{**usual, **changes})


def test_a_good_chain_is_told_from_leaf_to_root() -> None:
    made = HOUSE.leaf(Names(dns=(HOST,), common_name="shop"))
    verdict = chain.verify(
        [made, *HOUSE.middle.chain], roots=[HOUSE.root.certificate], at=AT, purpose="server", name=HOST
    )
    assert (verdict.ok, verdict.reason, verdict.openssl) == (True, "ok", "OK")
    assert [step.subject for step in verdict.steps] == ["CN=shop", "CN=Governor Issuing 1", "CN=Governor Root 1"]
    assert [step.is_ca for step in verdict.steps] == [False, True, True]
    assert [step.revoked for step in verdict.steps] == ["unknown", "unknown", ""]
    assert not any(step.problems for step in verdict.steps)
    first = verdict.steps[0]
    assert first.issuer == "CN=Governor Issuing 1"
    assert first.serial == f"{made.serial_number:x}"
    assert first.key == "ECDSA P-256"
    assert first.usages == ("digital signature", "server auth", "client auth")
    assert (first.not_before, first.not_after) == (made.not_valid_before_utc, made.not_valid_after_utc)


def test_everything_that_is_wrong_stands_with_its_certificate_and_the_first_thing_is_the_verdict() -> None:
    expired = authority("Old", by=root(), life=(AT - 9 * DAY, AT - DAY))
    made = leaf(expired, usages=[CLIENT], life=(AT - 9 * DAY, AT - DAY))
    verdict = chain.verify(
        [made, expired.certificate], roots=[root().certificate], at=AT, purpose="server", name="cart.example.com"
    )
    assert verdict.reason == "bad_usage"
    of_leaf, of_issuer, of_root = (step.problems for step in verdict.steps)
    assert len(of_leaf) == 3
    assert "is for client auth, not for server auth" in of_leaf[0]
    assert "is not for cart.example.com, but for shop.example.com" in of_leaf[1]
    assert "expired at 2026-05-31T12:00:00.000Z" in of_leaf[2]
    assert of_issuer == ("CN=Old expired at 2026-05-31T12:00:00.000Z",)
    assert of_root == ()


def test_a_chain_that_leads_nowhere_is_told_as_far_as_it_goes() -> None:
    verdict = judged(leaf(middle()), roots=[authority("Other root").certificate])
    assert len(verdict.steps) == 2
    assert verdict.message == "the issuer of CN=Middle, CN=Root, is neither among the certificates sent nor trusted"


def test_without_roots_nothing_holds() -> None:
    assert judged(leaf(middle()), roots=[]).reason == "unknown_issuer"


@pytest.mark.parametrize(
    ("uris", "purpose", "holds"),
    [
        ((SPIFFE,), "client", True),
        ((SPIFFE,), "server", True),
        ((), "server", True),
        ((), "client", False),
        (("spiffe://other.example/ns/shop/sa/checkout",), "client", False),
        (("spiffe://other.example/ns/shop/sa/checkout",), "server", False),
        (("spiffe://mesh.example/a/../b",), "client", False),
        (("https://mesh.example/",), "client", False),
        ((SPIFFE, SPIFFE + "2"), "client", False),
    ],
)
def test_an_authority_is_held_to_its_trust_domain(uris: tuple[str, ...], purpose: str, holds: bool) -> None:
    verdict = judged(leaf(middle(), uris=uris), purpose=purpose, name="", trust_domain="mesh.example")
    assert verdict.ok == holds, verdict.message
    assert verdict.reason == ("ok" if holds else "name_mismatch")


def test_a_peer_may_be_asked_for_by_its_spiffe_id() -> None:
    made = leaf(middle(), uris=(SPIFFE,))
    assert judged(made, name=SPIFFE).ok
    assert judged(made, name=SPIFFE, purpose="client").ok
    other = judged(made, name=SPIFFE + "2")
    assert (other.reason, other.openssl) == ("name_mismatch", "")


def test_a_client_may_be_asked_for_by_its_host_name() -> None:
    assert judged(leaf(middle()), purpose="client").ok
    assert judged(leaf(middle()), purpose="client", name="cart.example.com").reason == "name_mismatch"


@pytest.mark.parametrize("name", ["SHOP.example.com", "shop.example.com."])
def test_a_host_name_is_the_same_in_any_case_and_with_its_final_dot(name: str) -> None:
    assert judged(leaf(middle()), name=name).ok


@pytest.mark.parametrize(
    "name", ["*.example.com", "shop\x00.example.com", "shop..example.com", "shöp.example.com", " "]
)
def test_a_name_that_is_none_matches_nothing(name: str) -> None:
    assert judged(leaf(middle(), dns=("*.example.com",)), name=name).reason == "name_mismatch"


def test_a_revoked_leaf_tells_when_and_why() -> None:
    made = HOUSE.leaf()
    entry = Revoked(serial=made.serial_number, at=AT, reason="superseded")
    lists = [build_crl(HOUSE.middle, [entry], number=1, at=AT, life=DAY)]
    verdict = chain.verify(
        [made, *HOUSE.middle.chain], roots=[HOUSE.root.certificate], at=AT, purpose="server", crls=lists
    )
    assert verdict.reason == "revoked"
    assert "was revoked at 2026-06-01T12:00:00.000Z (superseded)" in verdict.message
    assert [step.revoked for step in verdict.steps] == ["superseded", "unknown", ""]


def test_a_leaf_that_its_list_does_not_name_is_known_not_to_be_revoked() -> None:
    verdict = judged(leaf(middle()), crls=[crl(middle()), crl(root())])
    assert verdict.ok
    assert [step.revoked for step in verdict.steps] == ["", "", ""]


def test_an_intermediate_that_a_list_names_is_revoked_though_only_the_leaf_must_be_looked_up() -> None:
    lists = [crl(middle()), crl(root(), middle().certificate.serial_number)]
    verdict = judged(leaf(middle()), crls=lists)
    assert verdict.reason == "revoked"
    assert [step.revoked for step in verdict.steps] == ["", "keyCompromise", ""]


def test_what_an_expired_list_revoked_stays_revoked() -> None:
    old = crl(middle(), 0xBAD, begins=AT - 3 * DAY, ends=AT - 2 * DAY)
    assert judged(leaf(middle(), serial=0xBAD), crls=[old]).reason == "revoked"


def test_a_newer_list_takes_the_place_of_an_expired_one() -> None:
    lists = [crl(middle(), begins=AT - 3 * DAY, ends=AT - 2 * DAY), crl(middle())]
    assert judged(leaf(middle()), crls=lists).ok


@pytest.mark.parametrize(
    "partial",
    [
        x509.IssuingDistributionPoint(None, None, False, True, None, False, False),
        x509.IssuingDistributionPoint(None, None, False, False, frozenset({x509.ReasonFlags.superseded}), False, False),
        x509.IssuingDistributionPoint(None, None, False, False, None, True, False),
        x509.DeltaCRLIndicator(1),
    ],
    ids=["authorities only", "one reason only", "for other issuers", "changes only"],
)
def test_a_list_that_does_not_speak_of_the_leaf_does_not_clear_it(partial: x509.ExtensionType) -> None:
    made = leaf(middle())
    assert judged(made, crls=[crl(middle(), extension=partial)]).reason == "crl_missing"


def test_a_list_for_leaves_speaks_of_the_leaf() -> None:
    leaves_only = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    assert judged(leaf(middle()), crls=[crl(middle(), extension=leaves_only)]).ok


def test_a_list_signed_by_the_root_does_not_speak_of_what_an_intermediate_issued() -> None:
    """An attacker with another issuer's key can revoke nothing here, and nothing is cleared by that issuer either."""
    made = leaf(middle(), serial=0xBAD)
    assert judged(made, crls=[crl(middle()), crl(root(), 0xBAD)]).ok


@pytest.mark.parametrize("which", [x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier])
def test_key_identifiers_are_never_critical(which: type[x509.ExtensionType]) -> None:
    """RFC 5280, sections 4.2.1.1 and 4.2.1.2."""
    usual = leaf(middle()).extensions.get_extension_for_class(which).value
    assert judged(leaf(middle(), changes={which: (usual, True)})).reason == "bad_shape"


def test_a_very_long_chain_is_cut_off() -> None:
    above, sent = root(), []
    for level in range(12):
        above = authority(f"Level {level}", by=above)
        sent.append(above.certificate)
    verdict = chain.verify([leaf(above), *reversed(sent)], roots=[root().certificate], at=AT, purpose="server")
    assert verdict.reason == "unknown_issuer"
    assert "longer than 10 certificates" in verdict.message


def test_authorities_that_vouch_for_each_other_end_the_search() -> None:
    one = authority("One", by=authority("Two"))
    two = authority("Two", by=authority("One"))
    verdict = chain.verify(
        [leaf(one), one.certificate, two.certificate], roots=[root().certificate], at=AT, purpose="server"
    )
    assert verdict.reason == "unknown_issuer"
    assert len(verdict.steps) == 3


@pytest.mark.parametrize("count", [0, 17])
def test_a_chain_has_one_to_sixteen_certificates(count: int) -> None:
    with pytest.raises(Invalid, match="a chain is 1 to 16"):
        chain.verify([middle().certificate] * count, roots=[root().certificate], at=AT, purpose="server")


def test_a_leaf_is_judged_at_the_time_that_was_asked_for() -> None:
    made = leaf(middle(), life=(AT, AT + DAY))
    assert judged(made, at=AT - timedelta(seconds=1)).reason == "not_yet_valid"
    assert judged(made, at=AT).ok
    assert judged(made, at=AT + DAY).reason == "expired"
