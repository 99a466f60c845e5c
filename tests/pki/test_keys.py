"""Keys are of a kind that every TLS library here takes, and never shown."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from governance.kernel.errors import Invalid
from governance.pki.keys import check_algorithm, described, from_pem, make_key, same_key, to_pem
from tests.pki.house import founded, key


@pytest.mark.parametrize(("algorithm", "size"), [("ECDSA", 256), ("ECDSA", 384), ("RSA", 2048), ("RSA", 3072)])
def test_a_key_is_what_was_asked_for_and_survives_being_written(algorithm: str, size: int) -> None:
    made = make_key(algorithm, size)
    assert described(made.public_key()) == (algorithm, size)
    assert to_pem(from_pem(to_pem(made), field="key")) == to_pem(made)


def test_each_key_is_another() -> None:
    assert to_pem(make_key("ECDSA", 256)) != to_pem(make_key("ECDSA", 256))


@pytest.mark.parametrize(
    ("algorithm", "size", "said"),
    [
        ("Ed25519", 256, "refused by gRPC's TLS"),
        ("ECDSA", 521, "521 bits is not allowed"),
        ("RSA", 1024, "1024 bits is not allowed"),
        ("RSA", 16384, "not allowed"),
        ("DSA", 2048, "not a kind of key"),
        ("ecdsa", 256, "not a kind of key"),
    ],
)
def test_other_kinds_are_refused_with_what_is_allowed(algorithm: str, size: int, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refusal:
        check_algorithm(algorithm, size)
    assert refusal.value.field == "private_key"
    assert "ECDSA with 256" in str(refusal.value)


@pytest.mark.parametrize(
    "public_key",
    [
        ed25519.Ed25519PrivateKey.generate().public_key(),
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(),
        rsa.generate_private_key(public_exponent=3, key_size=2048).public_key(),
        dsa.generate_private_key(1024).public_key(),
        "no key at all",
    ],
    ids=["Ed25519", "P-521", "secp256k1", "RSA-1024", "RSA with exponent 3", "DSA", "text"],
)
def test_a_strangers_odd_key_is_refused(public_key: object) -> None:
    with pytest.raises(Invalid):
        described(public_key)


def test_a_key_that_cannot_be_read_is_refused_without_a_word_of_its_content() -> None:
    secret = to_pem(key("leaf")).replace(b"PRIVATE KEY", b"PRIVATE  KEY")
    for content in (secret, b"", secret[:60], b"\xff" * 100, b"x" * 20_000):
        with pytest.raises(Invalid) as refusal:
            from_pem(content, field="key")
        assert refusal.value.field == "key"
        assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
        assert secret.splitlines()[1].decode() not in str(refusal.value)


def test_an_encrypted_key_needs_its_passphrase_and_only_that_one() -> None:
    sealed = key("leaf").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right"))
    assert to_pem(from_pem(sealed, field="key", passphrase=b"right")) == to_pem(key("leaf"))
    with pytest.raises(Invalid, match="needs its passphrase"):
        from_pem(sealed, field="key")
    with pytest.raises(Invalid, match="not its passphrase"):
        from_pem(sealed, field="key", passphrase=b"wrong")
    with pytest.raises(Invalid, match="give no passphrase"):
        from_pem(to_pem(key("leaf")), field="key", passphrase=b"right")


def test_older_forms_of_keys_are_read() -> None:
    older = key("leaf").private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert to_pem(from_pem(older, field="key")) == to_pem(key("leaf"))


def test_a_certificate_knows_its_key() -> None:
    leaf = founded().leaf()
    assert same_key(leaf, key("leaf"))
    assert not same_key(leaf, key("another"))
    assert not same_key(leaf, key("another", "RSA", 2048))
