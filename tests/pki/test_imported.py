"""An authority made elsewhere is taken over, or refused with the one thing that is wrong with it."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from governance.kernel.errors import Invalid
from governance.pki import chain
from governance.pki.authority import Names, to_pem
from governance.pki.imported import check_ca
from tests.fixtures.leaves import issue
from tests.pki.cases.case import instead, permitting
from tests.pki.forge import AT, CLIENT, DAY, HOST, Forged, authority, forge, key_named, key_usage, leaf, middle, root
from tests.pki.house import key

Made = Callable[[], Forged]


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def taken(*certificates: x509.Certificate, by: Any, **more: Any) -> Any:
    return check_ca(to_pem(*certificates).encode(), pem(by), at=AT, **more)


def refused(*certificates: x509.Certificate, by: Any) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        taken(*certificates, by=by)
    return refusal.value


def test_a_root_is_taken_over_and_issues() -> None:
    made = taken(root().certificate, by=root().key)
    assert made.chain == ()
    issued = issue(made, key("leaf").public_key(), Names(dns=(HOST,)), life=DAY, at=AT)
    assert chain.verify([issued], roots=[root().certificate], at=AT, purpose="server", name=HOST).ok


@pytest.mark.parametrize("with_root", [False, True])
def test_an_intermediate_is_taken_over_and_its_root_is_never_sent(with_root: bool) -> None:
    above = [root().certificate] if with_root else []
    made = taken(middle().certificate, *above, by=middle().key)
    assert made.chain == (middle().certificate,)
    issued = issue(made, key("leaf").public_key(), Names(dns=(HOST,)), life=DAY, at=AT)
    sent = [issued, *made.chain]
    assert chain.verify(sent, roots=[root().certificate], at=AT, purpose="server", name=HOST).ok


def test_an_encrypted_key_is_opened_with_its_passphrase() -> None:
    certificate = to_pem(root().certificate).encode()
    sealed = root().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
    assert check_ca(certificate, sealed, at=AT, passphrase=b"open").certificate == root().certificate
    for passphrase in (None, b"wrong"):
        with pytest.raises(Invalid) as refusal:
            check_ca(certificate, sealed, at=AT, passphrase=passphrase)
        assert refusal.value.field == "key"


def test_a_key_of_another_certificate_is_refused() -> None:
    refusal = refused(root().certificate, by=middle().key)
    assert (refusal.field, refusal.message) == ("key", "is not the key of CN=Root, the first certificate")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Forged(leaf(middle(), name="Leaf"), key_named("leaf")), "is a leaf's, not an authority's"),
        (lambda: authority("CA", by=root(), changes={x509.BasicConstraints: None}), "is a leaf's"),
        (
            lambda: authority("CA", changes=instead(x509.BasicConstraints(ca=True, path_length=None), critical=False)),
            "has basic constraints that are not critical",
        ),
        (lambda: authority("CA", changes={x509.KeyUsage: None}), "is an authority without key usage"),
        (lambda: authority("CA", changes=instead(key_usage("crl_sign"))), "is no authority, but signed"),
        (lambda: authority("CA", changes=instead(key_usage("key_cert_sign"))), "its key usage lacks cRLSign"),
        (lambda: authority("CA", changes={x509.SubjectKeyIdentifier: None}), "without subject key identifier"),
        (
            lambda: authority("CA", by=root(), changes={x509.AuthorityKeyIdentifier: None}),
            "lacks the key identifier of its issuer",
        ),
        (lambda: authority("CA", life=(AT - 9 * DAY, AT - DAY)), "CN=CA expired at 2026-05-31T12:00:00.000Z"),
        (lambda: authority("CA", life=(AT + DAY, AT + 9 * DAY)), "CN=CA is not valid before"),
        (lambda: authority("CA", changes=instead(x509.ExtendedKeyUsage([CLIENT]))), "is restricted to client auth"),
        (
            lambda: authority("CA", changes=permitting(x509.UniformResourceIdentifier("mesh.example"))),
            "constrains names of the kind UniformResourceIdentifier",
        ),
        (
            lambda: authority(
                "CA", changes=instead(x509.NameConstraints([x509.DNSName("a.example")], None), critical=False)
            ),
            "has name constraints that are not critical",
        ),
        (
            lambda: authority(
                "CA", changes=instead(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"))
            ),
            "has the critical extension 1.2.3",
        ),
        (lambda: authority("CA", key_kind="P-521"), "is on the curve secp521r1"),
        (lambda: authority("CA", key_kind="RSA-1024"), "is RSA with 1024 bits"),
        (lambda: authority("CA", key_kind="Ed25519"), "Ed25519 is refused by gRPC's TLS"),
    ],
)
def test_each_flaw_is_named(make: Made, said: str) -> None:
    made = make()
    assert said in refused(made.certificate, by=made.key).message


def test_flaws_of_the_authorities_above_are_found_too() -> None:
    loose = instead(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    upper = authority("Upper", by=root(), changes=loose)
    lower = authority("Lower", by=upper)
    refusal = refused(lower.certificate, upper.certificate, by=lower.key)
    assert refusal.message == "CN=Upper has basic constraints that are not critical"


def test_weak_keys_of_the_authorities_above_are_found_too() -> None:
    upper = authority("Upper", by=root(), key_kind="RSA-1024")
    lower = authority("Lower", by=upper)
    assert "CN=Upper is RSA with 1024 bits" in refused(lower.certificate, upper.certificate, by=lower.key).message


def test_a_chain_in_the_wrong_order_is_refused_with_the_right_one() -> None:
    upper = authority("Upper", by=root())
    lower = authority("Lower", by=upper)
    refusal = refused(lower.certificate, root().certificate, upper.certificate, by=lower.key)
    assert "certificate 2, CN=Root, did not sign certificate 1, CN=Lower" in refusal.message
    assert "the authority's own certificate first" in refusal.message


def test_the_authority_stands_first() -> None:
    refusal = refused(root().certificate, middle().certificate, by=middle().key)
    assert refusal.message == "is not the key of CN=Root, the first certificate"


def test_a_root_that_did_not_sign_itself_is_refused() -> None:
    false = authority("CA", by=Forged(authority("CA").certificate, key_named("impostor")))
    same_name = forge(
        "CA",
        by=Forged(false.certificate, key_named("impostor")),
        changes={
            x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=None), True),
            x509.KeyUsage: (key_usage("key_cert_sign", "crl_sign"), True),
            x509.SubjectKeyIdentifier: (
                x509.SubjectKeyIdentifier.from_public_key(key_named("CA").public_key()),
                False,
            ),
        },
    )
    assert "is not signed by its own key" in refused(same_name.certificate, by=same_name.key).message


@pytest.mark.parametrize(
    ("certificate", "key_pem", "field"),
    [
        (b"garbage", pem(root().key), "certificate"),
        (b"", b"", "certificate"),
        (to_pem(root().certificate).encode(), b"garbage", "key"),
        (pem(root().key), to_pem(root().certificate).encode(), "certificate"),
        (to_pem(root().certificate).encode(), pem(ed25519.Ed25519PrivateKey.generate()), "key"),
        (to_pem(root().certificate).encode(), pem(rsa.generate_private_key(65537, 1024)), "key"),
    ],
)
def test_what_is_no_pair_is_refused_by_field(certificate: bytes, key_pem: bytes, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_ca(certificate, key_pem, at=AT)
    assert refusal.value.field == field
    assert "PRIVATE KEY-----" not in str(refusal.value)


def test_an_authority_for_both_ends_may_say_so() -> None:
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    made = authority("CA", changes=instead(both, critical=False))
    assert taken(made.certificate, by=made.key).subject == "CN=CA"
