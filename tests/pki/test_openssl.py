"""Our verdict on a chain and that of the `openssl` binary are the same."""

from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.pki import chain
from tests.pki import openssl
from tests.pki.cases import content, lenient, names, revocation, trust
from tests.pki.cases.case import AGREED, STRICTER, Case, Make, instead, permitting
from tests.pki.forge import AT, CLIENT, DAY, HOST, Changes, authority, crl, key_usage, leaf, root

FROM = (content, lenient, names, revocation, trust)  # which fill the two lists


def _ours(case: Case) -> chain.Verdict:
    return chain.verify(
        case.chain,
        roots=case.roots or [root().certificate],
        at=case.at,
        purpose=case.purpose,
        name=case.name,
        crls=case.crls,
    )


def _theirs(case: Case) -> openssl.Said:
    return openssl.verify(
        case.chain,
        roots=case.roots or [root().certificate],
        at=case.at,
        purpose=case.purpose,
        name=case.name,
        crls=case.crls,
        whole=case.whole,
    )


@pytest.mark.parametrize("make", AGREED, ids=lambda make: make.__name__)
def test_both_say_the_same_of(make: Make) -> None:
    case = make()
    ours, theirs = _ours(case), _theirs(case)
    assert (ours.reason, ours.ok) == (case.reason, case.reason == "ok"), ours.message
    assert case.openssl in theirs.text
    assert theirs.ok == ours.ok
    assert ours.openssl in theirs.text
    assert bool(ours.openssl)


@pytest.mark.parametrize("make", STRICTER, ids=lambda make: make.__name__)
def test_we_refuse_what_openssl_lets_pass(make: Make) -> None:
    case = make()
    ours, theirs = _ours(case), _theirs(case)
    assert not ours.ok
    assert ours.reason == case.reason, ours.message
    assert ours.openssl == ""
    assert theirs.ok, theirs.text


LEAVES: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "expired": {"life": (AT - 2 * DAY, AT - DAY)},
    "not yet valid": {"life": (AT + DAY, AT + 2 * DAY)},
    "for clients": {"usages": [CLIENT]},
    "for another host": {"dns": ("cart.example.com",)},
    "for a wildcard and an address": {"dns": ("*.example.com",), "ips": ("10.0.0.7",)},
    "with a short key": {"key_kind": "RSA-1024"},
    "revoked": {"serial": 0xBAD},
}
EXTENSIONS: dict[str, Changes] = {
    "the usual ones": {},
    "no authority key identifier": {x509.AuthorityKeyIdentifier: None},
    "no subject key identifier": {x509.SubjectKeyIdentifier: None},
    "no key usage": {x509.KeyUsage: None},
    "no basic constraints": {x509.BasicConstraints: None},
    "another key usage": instead(key_usage("content_commitment", "crl_sign")),
    "an unknown critical one": instead(x509.PrecertPoison()),
    "for clients only": instead(x509.ExtendedKeyUsage([CLIENT]), critical=False),
    "basic constraints that are not critical": instead(
        x509.BasicConstraints(ca=True, path_length=None), critical=False
    ),
    "some permitted names": permitting(x509.DNSName("example.com")),
    "other permitted names": permitting(x509.DNSName("example.org")),
}


@settings(max_examples=120, deadline=None)
@given(
    lives=st.sampled_from(sorted(LEAVES)),
    leaf_says=st.sampled_from(sorted(set(EXTENSIONS) - {"some permitted names", "other permitted names"})),
    upper_says=st.sampled_from(sorted(EXTENSIONS)),
    lower_says=st.sampled_from(sorted(EXTENSIONS)),
    limit=st.sampled_from([None, 0, 1]),
    purpose=st.sampled_from(["server", "client"]),
    listed=st.sampled_from(["nothing", "the leaf", "another", "too long ago"]),
    sent=st.permutations([0, 1, 2]).map(lambda order: order[:2]) | st.just([0, 1]),
)
def test_of_any_mixture_of_faults_both_name_the_same_first(
    lives: str,
    leaf_says: str,
    upper_says: str,
    lower_says: str,
    limit: int | None,
    purpose: Any,
    listed: str,
    sent: list[int],
) -> None:
    upper = authority("Upper", by=root(), path_length=limit, changes=EXTENSIONS[upper_says])
    lower = authority("Lower", by=upper, changes=EXTENSIONS[lower_says])
    made = leaf(lower, changes=EXTENSIONS[leaf_says], **LEAVES[lives])
    lists = {
        "nothing": [],
        "the leaf": [crl(lower, 0xBAD)],
        "another": [crl(lower, 7)],
        "too long ago": [crl(lower, begins=AT - 2 * DAY, ends=AT - DAY)],
    }
    above = [upper.certificate, lower.certificate, root().certificate]
    case = Case(chain=[made, *(above[at] for at in sent)], purpose=purpose, name=HOST, crls=lists[listed])
    ours, theirs = _ours(case), _theirs(case)
    assert theirs.ok or not ours.ok, theirs.text
    assert ours.openssl in theirs.text
    if ours.openssl:
        assert theirs.ok == ours.ok, (ours.message, theirs.text)
