"""What is accepted as a chain with its key."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.tls.pair import Pair, check_pair
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.pki import authority as ca
from governance.pki.keys import make_key
from tests.gateway.tls.issuing import HOUR, House, Made, below, root, seconds

AT = now()
HOUSE = House(at=AT)
GOOD = HOUSE.make(dns=("shop.example", "*.shop.example"), uris=("spiffe://shop.example/ns/shop/sa/web",), at=AT)
LEAF, ISSUER = (certificate.public_bytes(Encoding.PEM) for certificate in GOOD.pair.chain)


def test_a_good_pair_tells_what_its_leaf_says() -> None:
    pair = check_pair(GOOD.chain_pem, GOOD.key_pem, roots_pem=HOUSE.roots_pem)
    leaf = x509.load_pem_x509_certificate(GOOD.chain_pem)
    assert int(pair.serial, 16) == leaf.serial_number
    assert pair.serial == pair.serial.lower().lstrip("0")
    assert (pair.not_before, pair.not_after) == (leaf.not_valid_before_utc, leaf.not_valid_after_utc)
    assert pair.dns_names == ("shop.example", "*.shop.example")
    assert pair.uris == ("spiffe://shop.example/ns/shop/sa/web",)


def test_the_key_is_in_no_repr() -> None:
    assert "PRIVATE" not in repr(GOOD.pair)
    assert GOOD.key_pem.splitlines()[1].decode() not in repr(GOOD.pair)


def ed25519_pair() -> Made:
    key = ed25519.Ed25519PrivateKey.generate()
    leaf = GOOD.pair.chain[0]
    builder = x509.CertificateBuilder(
        issuer_name=leaf.issuer,
        subject_name=leaf.subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=leaf.not_valid_before_utc,
        not_valid_after=leaf.not_valid_after_utc,
    )
    made = builder.sign(HOUSE.issuer.key, SHA256())
    return Made(
        chain_pem=made.public_bytes(Encoding.PEM) + ISSUER,
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def three_deep() -> Made:
    top = root("deep root", at=AT)
    key = make_key("ECDSA", 256)
    middle = ca.make_intermediate(
        top, key.public_key(), common_name="deep middle", life=900 * HOUR, at=AT, path_length=1
    )
    house = House(at=AT)
    house.issuer = below(ca.Authority(certificate=middle, key=key, chain=(middle,)), "deep issuer", at=AT)
    return house.make(dns=("deep.example",), at=AT)


def shuffled(made: Made, *order: int) -> Made:
    parts = [certificate.public_bytes(Encoding.PEM) for certificate in made.pair.chain]
    return replace(made, chain_pem=b"".join(parts[place] for place in order))


def of_an_expired_issuer() -> Made:
    house = House(at=AT - 2 * HOUR)
    house.issuer = below(house.root, "short issuer", at=AT - 2 * HOUR, life=HOUR)
    return house.make(dns=("shop.example",), life=seconds(60), at=AT - 2 * HOUR)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: replace(GOOD, chain_pem=b""), "chain_pem: holds no certificate"),
        (lambda: replace(GOOD, chain_pem=b"garbage"), "chain_pem: holds no certificate"),
        (lambda: replace(GOOD, chain_pem=LEAF[:200]), "chain_pem: holds a certificate that cannot be read"),
        (lambda: replace(GOOD, chain_pem=GOOD.chain_pem + GOOD.key_pem), "chain_pem: holds a PRIVATE KEY"),
        (lambda: replace(GOOD, key_pem=b""), "key_pem: is no private key"),
        (lambda: replace(GOOD, key_pem=GOOD.key_pem[:60]), "key_pem: is no private key"),
        (lambda: replace(GOOD, key_pem=HOUSE.make(dns=("a.example",)).key_pem), "key_pem: is not the key of"),
        (ed25519_pair, "Ed25519 is refused"),
        (lambda: HOUSE.make(dns=("a.example",), life=seconds(60), at=AT - HOUR / 60), "expired at"),
        (lambda: HOUSE.make(dns=("a.example",), at=AT + HOUR), "certificate 1, .* is not valid before"),
        (of_an_expired_issuer, "expired at"),
        (lambda: replace(GOOD, chain_pem=ISSUER + LEAF), "begins with the certificate of an authority"),
        (lambda: replace(GOOD, chain_pem=LEAF + LEAF), "certificate 2, .* did not sign certificate 1"),
        (lambda: shuffled(three_deep(), 0, 2, 1), "out of order: certificate 3 signed certificate 1"),
        (lambda: shuffled(three_deep(), 0, 2), "certificate 2, CN=deep middle, did not sign certificate 1"),
    ],
)
def test_a_bad_pair_is_refused_by_what_is_wrong_with_it(make: Callable[[], Made], said: str) -> None:
    made = make()
    with pytest.raises(Invalid, match=said) as refused:
        check_pair(made.chain_pem, made.key_pem, at=AT)
    assert "PRIVATE KEY-----" not in str(refused.value)


def test_a_pair_is_below_one_of_the_roots() -> None:
    other = House("other", at=AT)
    both = other.roots_pem + HOUSE.roots_pem
    assert check_pair(GOOD.chain_pem, GOOD.key_pem, roots_pem=both, at=AT) == GOOD.pair
    with pytest.raises(Invalid, match="leads to CN=shop root, but trusted is CN=other root"):
        check_pair(GOOD.chain_pem, GOOD.key_pem, roots_pem=other.roots_pem, at=AT)
    with pytest.raises(Invalid, match="roots_pem"):
        check_pair(GOOD.chain_pem, GOOD.key_pem, roots_pem=b"garbage", at=AT)


def test_a_cross_signed_chain_is_below_the_old_root_and_below_the_new() -> None:
    old, new = root("old root", at=AT), House("new", at=AT)
    crossed = ca.cross_sign(old, new.root.certificate, at=AT)
    new.issuer = replace(new.issuer, chain=(*new.issuer.chain, crossed))
    made = new.make(dns=("shop.example",), at=AT)
    for roots_pem in (new.roots_pem, ca.to_pem(old.certificate).encode()):
        assert isinstance(check_pair(made.chain_pem, made.key_pem, roots_pem=roots_pem, at=AT), Pair)


def test_a_root_that_has_expired_is_trusted_no_more() -> None:
    house = House(at=AT)
    house.root = root("short root", at=AT - 2 * HOUR, life=HOUR)
    roots_pem = ca.to_pem(house.root.certificate).encode()
    with pytest.raises(Invalid, match="none, as all have expired"):
        check_pair(GOOD.chain_pem, GOOD.key_pem, roots_pem=roots_pem, at=AT)
