"""A leaf is issued for whom and for as long as its authority may."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance.kernel.errors import Invalid, Unavailable
from governance.pki import chain
from governance.pki.authority import (
    BACKDATE,
    LIVES,
    Authority,
    Names,
    Urls,
    capped_life,
    check_life,
    make_intermediate,
    make_root,
)
from governance.pki.certificates import found, is_critical
from tests.fixtures.leaves import issue
from tests.pki.cases.case import instead, permitting
from tests.pki.forge import AT, DAY, HOST, SPIFFE, authority, network, subtrees
from tests.pki.house import NAMES, a_root, founded, key

HOUSE = founded()


def verdict(leaf: x509.Certificate, house: Any = HOUSE, **changes: Any) -> chain.Verdict:
    usual: dict[str, Any] = {"roots": [house.root.certificate], "at": AT, "purpose": "server", "name": HOST}
    return chain.verify([leaf, *house.middle.chain], **{**usual, **changes})


def test_a_leaf_holds_on_both_ends_of_a_connection() -> None:
    leaf = HOUSE.leaf(Names(dns=(HOST,), uris=(SPIFFE,), ips=("10.0.0.7", "2001:db8::7")))
    assert verdict(leaf).ok
    assert verdict(leaf, name="2001:db8::7").ok
    assert verdict(leaf, purpose="client", name=SPIFFE, trust_domain="mesh.example").ok


def test_a_leaf_serves_only_the_purposes_it_was_asked_for() -> None:
    leaf = HOUSE.leaf(usages=frozenset({"client auth"}))
    assert verdict(leaf, purpose="client").ok
    assert verdict(leaf).reason == "bad_usage"


@pytest.mark.parametrize(
    ("usages", "said"),
    [({"server auth", "code signing"}, "code signing"), (set(), "lacks a purpose"), ({"ocsp signing"}, "not a usage")],
)
def test_other_purposes_are_refused(usages: set[str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        HOUSE.leaf(usages=frozenset(usages))


def test_a_leaf_is_dated_back_so_that_a_peer_whose_clock_is_behind_takes_it() -> None:
    late = AT + timedelta(hours=1)
    leaf = HOUSE.leaf(at=late, life=DAY)
    assert leaf.not_valid_before_utc == late - BACKDATE
    assert leaf.not_valid_after_utc == late + DAY
    assert verdict(leaf, at=late - timedelta(seconds=90)).ok


def test_a_leaf_never_begins_before_its_issuer() -> None:
    young = founded(at=AT)
    assert young.leaf(at=AT).not_valid_before_utc >= young.middle.not_before


def test_times_are_whole_seconds() -> None:
    leaf = HOUSE.leaf(at=AT + timedelta(hours=1, microseconds=999_999))
    assert leaf.not_valid_before_utc == AT + timedelta(hours=1) - BACKDATE


@settings(max_examples=60, deadline=None)
@given(
    since=st.timedeltas(min_value=-BACKDATE, max_value=364 * DAY),
    life=st.timedeltas(min_value=timedelta(seconds=1), max_value=60 * DAY),
)
@example(since=-BACKDATE, life=DAY)
@example(since=364 * DAY, life=60 * DAY)
def test_a_leaf_never_outlives_its_issuer(since: timedelta, life: timedelta) -> None:
    at = AT + since
    leaf = HOUSE.leaf(at=at, life=life)
    assert leaf.not_valid_after_utc <= HOUSE.middle.not_after
    assert leaf.not_valid_before_utc >= HOUSE.middle.not_before
    lasts = leaf.not_valid_after_utc - at.replace(microsecond=0)
    assert lasts == capped_life(HOUSE.middle, life, at)
    assert lasts <= life


def test_a_life_over_a_sixth_of_the_issuers_is_refused_with_both_figures() -> None:
    with pytest.raises(Invalid) as refusal:
        HOUSE.leaf(life=61 * DAY)
    assert refusal.value.field == "life"
    assert "61 days" in str(refusal.value)
    assert "365 days" in str(refusal.value)
    check_life(HOUSE.middle, 365 * DAY / LIVES)


@pytest.mark.parametrize("life", [timedelta(), timedelta(seconds=-1), timedelta(milliseconds=999), 40_000 * DAY])
def test_a_life_that_makes_no_sense_is_refused(life: timedelta) -> None:
    with pytest.raises(Invalid, match="lives 1 s to"):
        capped_life(HOUSE.middle, life, AT)
    with pytest.raises(Invalid, match="lives 1 s to"):
        a_root(life=life)


@pytest.mark.parametrize(("at", "said"), [(AT + 366 * DAY, "expired at"), (AT - DAY, "is not valid before")])
def test_an_issuer_out_of_its_time_issues_nothing_and_is_named(at: datetime, said: str) -> None:
    with pytest.raises(Unavailable, match=rf"CN=Governor Issuing 1 {said}"):
        HOUSE.leaf(at=at)


def test_serial_numbers_are_random_positive_and_fit_in_twenty_bytes() -> None:
    serials = {HOUSE.leaf().serial_number for _ in range(200)}
    assert len(serials) == 200
    assert all(0 < serial < 1 << 159 for serial in serials)
    assert max(serials) > 1 << 150


def test_the_names_are_critical_when_there_is_no_subject() -> None:
    assert is_critical(HOUSE.leaf(), x509.SubjectAlternativeName)
    named = HOUSE.leaf(Names(dns=(HOST,), common_name="shop"))
    assert not is_critical(named, x509.SubjectAlternativeName)
    assert named.subject.rfc4514_string() == "CN=shop"


def test_the_issuers_key_is_named_without_its_name_and_serial() -> None:
    for certificate in (HOUSE.leaf(), HOUSE.middle.certificate):
        said = found(certificate, x509.AuthorityKeyIdentifier)
        assert said is not None
        assert said.key_identifier
        assert said.authority_cert_issuer is None
        assert said.authority_cert_serial_number is None


def test_a_leaf_says_where_revocations_are_found() -> None:
    leaf = HOUSE.leaf(urls=Urls(crl="http://pki.example/1.crl", ocsp="http://pki.example/ocsp"))
    points = found(leaf, x509.CRLDistributionPoints)
    access = found(leaf, x509.AuthorityInformationAccess)
    assert points is not None
    assert access is not None
    assert points[0].full_name == [x509.UniformResourceIdentifier("http://pki.example/1.crl")]
    assert access[0].access_location == x509.UniformResourceIdentifier("http://pki.example/ocsp")
    assert verdict(leaf).ok


@pytest.mark.parametrize("url", ["https://pki.example/1.crl", "ldap://x", "http://", "http://a b", "http://ü", "x"])
def test_revocations_are_fetched_by_plain_http(url: str) -> None:
    with pytest.raises(Invalid, match="http://"):
        Urls(crl=url)


@pytest.mark.parametrize(
    ("algorithm", "size", "signed_with", "enciphers"),
    [
        ("ECDSA", 256, hashes.SHA256, False),
        ("ECDSA", 384, hashes.SHA384, False),
        ("RSA", 2048, hashes.SHA256, True),
    ],
)
def test_every_kind_of_key_issues_and_is_issued_to(
    algorithm: str, size: int, signed_with: type[hashes.HashAlgorithm], enciphers: bool
) -> None:
    mine = key("kinds", algorithm, size)
    root = Authority(certificate=make_root(mine, common_name="Kinds", life=3650 * DAY, at=AT), key=mine)
    leaf = issue(root, mine.public_key(), NAMES, life=DAY, at=AT)
    usage = found(leaf, x509.KeyUsage)
    assert isinstance(leaf.signature_hash_algorithm, signed_with)
    assert usage is not None
    assert usage.key_encipherment == enciphers
    assert chain.verify([leaf], roots=[root.certificate], at=AT, purpose="server", name=HOST).ok


@pytest.mark.parametrize(
    "names",
    [
        Names(dns=("example.com",)),
        Names(dns=("*.example.com", "a.b.example.com")),
        Names(uris=(SPIFFE,), common_name="checkout of the shop"),
    ],
)
def test_a_constrained_authority_issues_below_its_names(names: Names) -> None:
    bound = founded(dns_names=("example.com",))
    leaf = bound.leaf(names)
    assert verdict(leaf, bound, name="").ok


@pytest.mark.parametrize(
    ("names", "beyond"),
    [
        (Names(dns=("shop.example.com", "example.org")), "example.org"),
        (Names(dns=("notexample.com",)), "notexample.com"),
        (Names(dns=("*.com.example",)), "*.com.example"),
        (Names(uris=(SPIFFE,), common_name="shop.example.org"), "shop.example.org"),
    ],
)
def test_a_constrained_authority_refuses_other_names(names: Names, beyond: str) -> None:
    with pytest.raises(Invalid) as refusal:
        founded(dns_names=("example.com",)).leaf(names)
    assert beyond in str(refusal.value)
    assert "Governor Issuing 1" in str(refusal.value)


def test_a_wildcard_for_an_excluded_name_is_refused() -> None:
    excluded = instead(subtrees(excluded=[x509.DNSName("shop.example.com")]))
    made = authority("Bound", changes=excluded)
    bound = Authority(certificate=made.certificate, key=made.key)
    issue(bound, key("leaf").public_key(), Names(dns=("cart.example.com",)), life=DAY, at=AT)
    with pytest.raises(Invalid, match=r"'\*\.example\.com' is outside"):
        issue(bound, key("leaf").public_key(), Names(dns=("*.example.com",)), life=DAY, at=AT)


@pytest.mark.parametrize(("asked", "permitted"), [((), ["example.com"]), (("shop.example.com",), ["shop.example.com"])])
def test_constraints_are_handed_down(asked: tuple[str, ...], permitted: list[str]) -> None:
    own = subtrees([x509.DNSName("example.com"), network("10.0.0.0/8")], [x509.DNSName("bank.example.com")])
    made = authority("Bound", changes=instead(own))
    top = Authority(certificate=made.certificate, key=made.key)
    middle = make_intermediate(
        top, key("middle").public_key(), common_name="Middle", life=DAY * 365, at=AT, dns_names=asked
    )
    constraints = found(middle, x509.NameConstraints)
    assert constraints is not None
    assert constraints.permitted_subtrees == [*map(x509.DNSName, permitted), network("10.0.0.0/8")]
    assert constraints.excluded_subtrees == [x509.DNSName("bank.example.com")]


def test_an_authority_is_not_given_names_that_the_one_above_may_not_certify() -> None:
    top = a_root("Bound root", dns_names=("example.com",))
    with pytest.raises(Invalid, match=r"'example\.org' is outside"):
        make_intermediate(
            top, key("middle").public_key(), common_name="Wider", life=DAY, at=AT, dns_names=("example.org",)
        )


def test_an_address_outside_of_the_permitted_networks_is_refused_by_field() -> None:
    made = authority("Bound", changes=permitting(network("10.0.0.0/8")))
    bound = Authority(certificate=made.certificate, key=made.key)
    with pytest.raises(Invalid, match=r"'192\.0\.2\.7' is outside") as refusal:
        issue(bound, key("leaf").public_key(), Names(ips=("10.0.0.7", "192.0.2.7")), life=DAY, at=AT)
    assert refusal.value.field == "ips"
