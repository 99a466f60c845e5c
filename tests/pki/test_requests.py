"""A stranger's request gives us a key, and never a name that was not expected of them."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.pki.authority import to_pem
from governance.pki.keys import same_key
from governance.pki.keys import to_pem as to_pem_key
from governance.pki.names import Names
from governance.pki.requests import check_request, make_request
from tests.pki import openssl
from tests.pki.forge import HOST, SPIFFE, alternative, key_usage
from tests.pki.house import founded, key

EXPECT = Names(dns=(HOST, "*.shop.example.com"), uris=(SPIFFE,), ips=("10.0.0.7",), common_name="checkout")
GOOD = make_request(key("asker"), EXPECT)


def request(
    *extensions: x509.ExtensionType,
    subject: tuple[tuple[x509.ObjectIdentifier, str], ...] = (),
    by: Any = None,
    algorithm: Any = hashes.SHA256(),  # noqa: B008  (immutable)
) -> bytes:
    names = x509.Name([x509.NameAttribute(oid, text, _validate=False) for oid, text in subject])
    builder = x509.CertificateSigningRequestBuilder().subject_name(names)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(by or key("asker"), algorithm).public_bytes(Encoding.PEM)


def refusal_of(content: bytes) -> str:
    with pytest.raises(Invalid) as refusal:
        check_request(content, expect=EXPECT)
    assert refusal.value.field == "csr"
    return refusal.value.message


def test_our_own_request_is_taken_and_the_certificate_fits_the_askers_key() -> None:
    public_key = check_request(GOOD, expect=EXPECT)
    leaf = founded().leaf(Names(dns=(HOST,)))
    assert same_key(leaf, key("leaf"))
    assert public_key == key("asker").public_key()


def test_der_is_taken_as_well() -> None:
    der = x509.load_pem_x509_csr(GOOD).public_bytes(Encoding.DER)
    assert check_request(der, expect=EXPECT) == key("asker").public_key()


def test_a_request_may_ask_for_less_than_expected_and_for_usual_usages() -> None:
    usual = [
        alternative(dns=[HOST.upper()]),
        key_usage("digital_signature"),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
        x509.BasicConstraints(ca=False, path_length=None),
    ]
    check_request(request(), expect=EXPECT)
    check_request(request(*usual, subject=((NameOID.COMMON_NAME, HOST),)), expect=EXPECT)


@pytest.mark.parametrize(
    ("extension", "said"),
    [
        (x509.BasicConstraints(ca=True, path_length=0), "asks to be an authority"),
        (key_usage("digital_signature", "key_cert_sign"), "asks to sign certificates"),
        (key_usage("crl_sign"), "asks to sign certificates or lists"),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), "asks for the usage ocsp signing"),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), "asks for the usage any"),
        (alternative(dns=["cart.example.com"]), "asks for the name 'cart.example.com'; allowed is checkout, shop"),
        (alternative(dns=["*.example.com"]), r"asks for the wildcard '\*\.example\.com'"),
        (alternative(dns=["shop.example.com\x00.evil.example"]), r"has the character U\+0000"),
        (alternative(dns=["shop.example.com\n"]), r"has the character U\+000A"),
        (alternative(uris=["spiffe://mesh.example/ns/shop/sa/admin"]), "asks for the name 'spiffe://"),
        (alternative(uris=[SPIFFE, SPIFFE]), "has 2 URIs"),
        (alternative(ips=["10.0.0.8"]), "asks for the name '10.0.0.8'"),
        (x509.SubjectAlternativeName([x509.RFC822Name("a@example.com")]), "has a name of the kind RFC822Name"),
        (x509.SubjectAlternativeName([x509.RegisteredID(NameOID.COMMON_NAME)]), "has a name of the kind RegisteredID"),
        (x509.SubjectKeyIdentifier(b"x" * 20), r"asks for the extension 2\.5\.29\.14"),
        (x509.NameConstraints([x509.DNSName("x")], None), r"asks for the extension 2\.5\.29\.30"),
        (x509.OCSPNoCheck(), "asks for the extension"),
        (x509.IssuerAlternativeName([x509.IPAddress(ipaddress.ip_address("10.0.0.7"))]), "asks for the extension"),
    ],
)
def test_each_thing_asked_for_beyond_what_is_expected_has_its_own_refusal(
    extension: x509.ExtensionType, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        check_request(request(extension), expect=EXPECT)


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (((NameOID.COMMON_NAME, "admin"),), "has the common name 'admin'"),
        (((NameOID.COMMON_NAME, "check\x00out"),), "has the character U+0000"),
        (((NameOID.COMMON_NAME, "checkout"), (NameOID.COMMON_NAME, "checkout")), "more than one common name"),
        (((NameOID.ORGANIZATION_NAME, "Example"),), "has O in its subject"),
        (((NameOID.EMAIL_ADDRESS, "a@example.com"),), "in its subject"),
    ],
)
def test_another_subject_is_refused(subject: tuple[tuple[x509.ObjectIdentifier, str], ...], said: str) -> None:
    assert said in refusal_of(request(subject=subject))


@pytest.mark.parametrize(
    ("by", "algorithm", "said"),
    [
        (ed25519.Ed25519PrivateKey.generate(), None, "Ed25519 is refused by gRPC's TLS"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), hashes.SHA256(), "RSA with 1024 bits"),
        (rsa.generate_private_key(public_exponent=3, key_size=2048), hashes.SHA256(), "exponent"),
        (ec.generate_private_key(ec.SECP521R1()), hashes.SHA256(), "on the curve secp521r1"),
    ],
)
def test_a_weak_or_odd_key_is_refused(by: Any, algorithm: Any, said: str) -> None:
    assert said in refusal_of(request(by=by, algorithm=algorithm))


def test_requests_of_openssl_are_taken_unless_they_are_signed_with_sha_1(tmp_path: Path) -> None:
    keyfile = openssl.written(tmp_path / "key", to_pem_key(key("asker")))
    asking = ["req", "-new", "-key", str(keyfile), "-subj", "/CN=checkout"]
    asking += ["-addext", f"subjectAltName=DNS:{HOST},URI:{SPIFFE}"]
    made = openssl.run(*asking, "-out", tmp_path / "good")
    assert made.ok, made.text
    assert check_request((tmp_path / "good").read_bytes(), expect=EXPECT) == key("asker").public_key()
    openssl.run(*asking, "-sha1", "-out", tmp_path / "weak")
    assert "is signed with sha1" in refusal_of((tmp_path / "weak").read_bytes())


def test_openssl_takes_our_request(tmp_path: Path) -> None:
    told = openssl.run("req", "-verify", "-noout", "-text", "-in", openssl.written(tmp_path / "csr", GOOD))
    assert "verify OK" in told.text
    assert f"URI:{SPIFFE}" in told.text


def test_a_request_for_a_key_that_the_asker_does_not_hold_is_refused() -> None:
    mine, theirs = (x509.load_pem_x509_csr(make_request(key(name), EXPECT)) for name in ("asker", "victim"))
    der = mine.public_bytes(Encoding.DER)
    my_key, their_key = (
        part.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for part in (mine, theirs)
    )
    assert my_key in der
    assert "not signed by the key it is for" in refusal_of(der.replace(my_key, their_key))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a certificate signing request"),
        (b"garbage", "can be read"),
        (GOOD[:-60], "can be read"),
        (b"x" * 20_000, "has 20000 bytes"),
        (GOOD + GOOD, "holds 2 requests"),
        (to_pem(founded().leaf()).encode(), "holds a CERTIFICATE;"),
    ],
)
def test_what_is_no_request_is_refused(content: bytes, said: str) -> None:
    assert said in refusal_of(content)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 10_000), put=st.binary(min_size=1, max_size=3))
@example(at=0, put=b"\x30\x80")
def test_a_damaged_request_is_refused(at: int, put: bytes) -> None:
    der = x509.load_pem_x509_csr(GOOD).public_bytes(Encoding.DER)
    at %= len(der)
    damaged = der[:at] + put + der[at + len(put) :]
    if damaged != der:
        with pytest.raises(Invalid):
            check_request(damaged, expect=EXPECT)
