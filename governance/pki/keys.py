"""Private and public keys: which kinds are allowed, how they are made, written and read."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from governance.kernel.errors import Invalid

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

SIZES = {"ECDSA": (256, 384), "RSA": (2048, 3072, 4096)}
MAX_PEM_BYTES = 16 * 1024
RSA_EXPONENT = 65537
_CURVES: dict[int, type[ec.EllipticCurve]] = {256: ec.SECP256R1, 384: ec.SECP384R1}
_WHAT_IS_ALLOWED = "ECDSA with 256 or 384 bits, RSA with 2048, 3072 or 4096"


def check_algorithm(algorithm: str, size: int, *, field: str = "private_key") -> None:
    """Refuse anything but ECDSA on P-256 or P-384 and RSA with 2048, 3072 or 4096 bits."""
    if algorithm.lower() in {"ed25519", "ed448"}:
        raise Invalid(
            f"{algorithm} is refused by gRPC's TLS as a server's key and by the verification of chains; "
            f"use {_WHAT_IS_ALLOWED}",
            field=field,
        )
    if algorithm not in SIZES:
        raise Invalid(f"{algorithm[:40]!r} is not a kind of key; use {_WHAT_IS_ALLOWED}", field=field)
    if size not in SIZES[algorithm]:
        raise Invalid(f"{algorithm} with {size} bits is not allowed; use {_WHAT_IS_ALLOWED}", field=field)


def make_key(algorithm: str, size: int) -> PrivateKey:
    """A new private key."""
    check_algorithm(algorithm, size)
    if algorithm == "ECDSA":
        return ec.generate_private_key(_CURVES[size]())
    return rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=size)


def allowed(public_key: object, *, field: str = "public_key") -> PublicKey:
    """`public_key` itself when it is one we work with; refuses every other."""
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        if not isinstance(public_key.curve, tuple(_CURVES.values())):
            raise Invalid(f"is on the curve {public_key.curve.name}; use {_WHAT_IS_ALLOWED}", field=field)
        return public_key
    if isinstance(public_key, rsa.RSAPublicKey):
        if public_key.key_size not in SIZES["RSA"]:
            raise Invalid(f"is RSA with {public_key.key_size} bits; use {_WHAT_IS_ALLOWED}", field=field)
        if public_key.public_numbers().e != RSA_EXPONENT:
            raise Invalid(f"is RSA with an exponent other than {RSA_EXPONENT}", field=field)
        return public_key
    kind = type(public_key).__name__.removesuffix("PublicKey")
    if kind in {"Ed25519", "Ed448"}:
        check_algorithm(kind, 0, field=field)
    raise Invalid(f"is of the kind {kind}; use {_WHAT_IS_ALLOWED}", field=field)


def described(public_key: object, *, field: str = "public_key") -> tuple[str, int]:
    """Kind and bits of a public key, such as ("ECDSA", 256); refuses what we do not work with."""
    key = allowed(public_key, field=field)
    return ("ECDSA" if isinstance(key, ec.EllipticCurvePublicKey) else "RSA"), key.key_size


def to_pem(key: PrivateKey) -> bytes:
    """The key as unencrypted PKCS #8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def from_pem(pem: bytes, *, field: str, passphrase: bytes | None = None) -> PrivateKey:
    """Read a private key, encrypted exactly when `passphrase` is given; nothing of its content enters a refusal."""
    if len(pem) > MAX_PEM_BYTES:
        raise Invalid(f"has {len(pem)} bytes; a private key has at most {MAX_PEM_BYTES}", field=field)
    try:
        key = load_pem_private_key(pem, passphrase)
    except TypeError:
        said = "is encrypted and needs its passphrase" if passphrase is None else "is not encrypted: give no passphrase"
        raise Invalid(said, field=field) from None
    except (ValueError, UnsupportedAlgorithm):
        said = "is no private key in PEM" if passphrase is None else "is no private key in PEM, or not its passphrase"
        raise Invalid(said, field=field) from None
    described(key.public_key(), field=field)
    if not isinstance(key, PrivateKey):
        raise Invalid(f"is of another kind; use {_WHAT_IS_ALLOWED}", field=field)
    return key


def same_key(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate is for this private key."""
    return _public_bytes(certificate.public_key()) == _public_bytes(key.public_key())


def key_id(public_key: object) -> str:
    """The subject key identifier of a public key (RFC 5280, section 4.2.1.2, method 1) as hex."""
    return x509.SubjectKeyIdentifier.from_public_key(allowed(public_key)).digest.hex()


def hash_for(key: PrivateKey | PublicKey) -> hashes.SHA256 | hashes.SHA384:
    """The hash to sign with: as strong as the curve, SHA-256 for RSA."""
    return hashes.SHA384() if key.key_size == 384 else hashes.SHA256()


def _public_bytes(public_key: object) -> bytes:
    return allowed(public_key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
