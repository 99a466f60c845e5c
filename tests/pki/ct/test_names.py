"""A certificate that concerns a name of ours is found, however it is spelt and however broken it is."""

import ipaddress
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from governance.pki.ct.der import wrap
from governance.pki.ct.watching import matches, names_in
from tests.pki.ct import real
from tests.pki.ct.promising import Wanted, authority
from tests.pki.forge import AT, DAY, named

ALTERNATIVE_NAME = bytes.fromhex("0603551d11")


def alternative(*names: bytes) -> bytes:
    """The bytes of a subject alternative name with these DNS names, as they would stand in a certificate."""
    listed = b"".join(wrap(0x82, name) for name in names)
    return wrap(0x30, ALTERNATIVE_NAME + wrap(0x04, wrap(0x30, listed)))


@pytest.mark.parametrize(
    ("watched", "name"),
    [
        ("example.com", "example.com"),
        ("example.com", "EXAMPLE.com."),
        ("Example.COM.", "example.com"),
        ("*.example.com", "a.example.com"),
        ("a.example.com", "*.example.com"),
        ("*.example.com", "*.example.com"),
        (".example.com", "example.com"),
        (".example.com", "a.b.example.com"),
        (".example.com", "*.b.example.com"),
        (".example.com", "*.com"),
        (".example.com", "?.example.com"),  # as redacted precertificates had it
        ("shop.example.com", "s*.example.com"),
        ("shop*.example.com", "shop1.example.com"),
        ("a.*.example.com", "a.b.example.com"),
        ("example.com", "example.com\0.evil.org"),
        ("example.com", "evil.org\0example.com"),
        (".example.com", "admin@mail.example.com"),
        (".example.com", "https://user@www.example.com:8443/path"),
        ("spiffe://mesh.example/ns/shop", "spiffe://mesh.example/ns/shop"),
        (".mesh.example", "spiffe://mesh.example/ns/shop"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "BÜCHER.example"),
        (".bücher.example", "www.xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("例え.example", "xn--r8jz45g。example"),
        ("192.0.2.1", "192.0.2.1"),
        ("xn--99999999999.example", "XN--99999999999.example"),  # what no encoder made
    ],
)
def test_a_name_concerns_us(watched: str, name: str) -> None:
    assert matches([watched, "other.org"], ["unrelated.net", name]) == (name,)


@pytest.mark.parametrize(
    ("watched", "name"),
    [
        ("example.com", "a.example.com"),
        ("example.com", "example.com.evil.org"),
        ("example.com", "badexample.com"),
        (".example.com", "badexample.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("a.example.com", "*.a.example.com"),
        ("a.b.example.com", "*.example.com"),
        ("shop.example.com", "t*.example.com"),
        ("straße.example", "strasse.example"),
        ("example.com", ""),
        ("", "example.com"),
        (".", "example.com"),
        ("example.com", "https://evil.org/example.com"),
        ("example.com", "example.com@evil.org"),
    ],
)
def test_a_name_does_not_concern_us(watched: str, name: str) -> None:
    assert matches([watched], [name]) == ()


@pytest.mark.parametrize("name", ["*.example.com", "*.EXAMPLE.com."])
def test_a_wildcard_can_be_watched_without_what_it_covers(name: str) -> None:
    assert matches(["=*.example.com"], [name, "shop.example.com", "example.com", "*.com"]) == (name,)


def test_every_kind_of_name_is_found_in_a_certificate() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [
        x509.DNSName("a.example.com"),
        x509.RFC822Name("who@example.com"),
        x509.UniformResourceIdentifier("spiffe://mesh.example/x"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
        x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
        x509.DirectoryName(named("inner.example.com")),
    ]
    builder = x509.CertificateBuilder(named("issuer"), named("common.example.com"), key.public_key(), 1, AT, AT + DAY)
    certificate = builder.add_extension(x509.SubjectAlternativeName(names), critical=True).sign(key, hashes.SHA256())
    assert set(names_in(certificate.public_bytes(Encoding.DER))) == {
        "a.example.com",
        "who@example.com",
        "spiffe://mesh.example/x",
        "192.0.2.1",
        "2001:db8::1",
        "inner.example.com",
        "common.example.com",
        "issuer",
    }


def test_precertificate_and_certificate_have_the_same_names() -> None:
    issuer, wanted = authority("issuer"), Wanted(alternative=["*.shop.example.com"])
    both = wanted.precertificate(issuer), wanted.certificate(issuer, [])
    names = [names_in(one.public_bytes(Encoding.DER)) for one in both]
    assert names[0] == names[1] == ("shop.example.com", "*.shop.example.com", "issuer")


@pytest.mark.filterwarnings("ignore")
def test_no_dns_name_of_any_certificate_is_missed() -> None:
    seen = 0
    for certificate in real.every_certificate():
        try:
            wanted = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except Exception:
            continue
        names = names_in(certificate.public_bytes(Encoding.DER))
        dns = [name for name in wanted.get_values_for_type(x509.DNSName) if name]
        assert set(dns) <= set(names)
        seen += len(dns)
    assert seen >= 50


def test_a_nul_ends_a_name_and_begins_another() -> None:
    assert names_in(alternative(b"shop.example.com\0.evil.org")) == ("shop.example.com", ".evil.org")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\x00garbage" + alternative(b"shop.example.com") + b"\x30\x82",
        alternative(b"shop.example.com", b"cut short.org")[:-9],
        alternative(b"shop.example.com")[:-1] + b"m",
        b"\x06\x81\x03\x55\x1d\x11" + wrap(0x04, wrap(0x30, wrap(0x82, b"shop.example.com"))),  # not DER, but BER
        b"\x55\x1d\x11\x01\x01\xff" + wrap(0x04, wrap(0x30, wrap(0x82, b"shop.example.com"))),
        b"\x55\x1d\x11\x04\x80\x30\x80" + wrap(0x82, b"shop.example.com") + b"\0\0\0\0",
        b"\x55\x1d\x11\x24\x7f\x30\x84\xff\xff\xff\xff" + wrap(0x82, b"shop.example.com"),
        b"\x55\x04\x03" + wrap(0x1E, "shop.example.com".encode("utf-16-be")),
        b"\x55\x04\x03" + wrap(0x1C, "shop.example.com".encode("utf-32-be")),
        b"\x55\x04\x03" + wrap(0x14, b"shop.example.com\0\xff"),
    ],
)
def test_what_can_be_found_in_garbage_is_found(data: bytes) -> None:
    assert "shop.example.com" in names_in(data)


def test_garbage_never_raises() -> None:
    whole = Wanted().certificate(authority("issuer")).public_bytes(Encoding.DER)
    for bit in range(0, 8 * len(whole), 5):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        names_in(bytes(changed))
    for end in range(len(whole)):
        names_in(whole[:end])
    assert names_in(b"") == ()
    assert names_in(b"\x55\x1d\x11") == ()
    assert names_in(b"\x55\x1d\x11\x04\x04\x30\x02\x82\xff") == ()


def test_a_monitor_keeps_up_with_a_thousand_watched_names() -> None:
    """The busiest logs grow by some hundred entries in a second; this takes microseconds for each."""
    watched = [f".domain{number}.example" for number in range(1000)]
    names = ["www.shop.example.com", "a.domain999.example"]
    matches(watched, names)
    start = time.process_time()
    for _ in range(1000):
        assert matches(watched, names) == ("a.domain999.example",)
    assert time.process_time() - start < 1
