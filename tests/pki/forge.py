"""Certificates as nobody should make them, for tests that they are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOST = "shop.example.com"
SPIFFE = "spiffe://mesh.example/ns/shop/sa/checkout"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
BOTH = (SERVER, CLIENT)
Changes = Mapping[type[x509.ExtensionType], tuple[x509.ExtensionType, bool] | None]


def key_named(name: str, kind: str = "P-256") -> Any:
    """The same key for the same name and kind, whenever it is asked for."""
    return _key(name, kind)


@cache
def _key(_: str, kind: str) -> Any:
    match kind:
        case "P-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "P-521":
            return ec.generate_private_key(ec.SECP521R1())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "RSA-1024" | "RSA-2048":
            return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[4:]))
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Forged:
    """A certificate and its key, which may sign others."""

    certificate: x509.Certificate
    key: Any = field(repr=False)


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def key_usage(*allowed: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in allowed for name in every.split()})


def subtrees(
    permitted: Sequence[x509.GeneralName] = (), excluded: Sequence[x509.GeneralName] = ()
) -> x509.NameConstraints:
    return x509.NameConstraints(list(permitted) or None, list(excluded) or None)


def network(text: str) -> x509.IPAddress:
    return x509.IPAddress(ip_network(text))


def alternative(
    dns: Sequence[str] = (), uris: Sequence[str] = (), ips: Sequence[str] = ()
) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
    names += [x509.UniformResourceIdentifier(uri) for uri in uris]
    return x509.SubjectAlternativeName(names + [x509.IPAddress(ip_address(ip)) for ip in ips])


def forge(
    name: str,
    *,
    by: Forged | None,
    changes: Changes,
    key_kind: str = "P-256",
    key_name: str = "",
    life: tuple[datetime, datetime] = (AT - 30 * DAY, AT + 30 * DAY),
    serial: int = 0,
) -> Forged:
    """A certificate with just the extensions of `changes` (each with its criticality), signed whatever they say."""
    key = key_named(key_name or name, key_kind)
    signer = by.key if by else key
    builder = x509.CertificateBuilder(
        issuer_name=by.certificate.subject if by else named(name),
        subject_name=named(name),
        public_key=key.public_key(),
        serial_number=serial or x509.random_serial_number(),
        not_valid_before=life[0],
        not_valid_after=life[1],
    )
    for value in changes.values():
        if value is not None:
            builder = builder.add_extension(value[0], critical=value[1])
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Forged(builder.sign(signer, algorithm), key)


def authority(
    name: str,
    *,
    by: Forged | None = None,
    path_length: int | None = None,
    changes: Changes | None = None,
    key_kind: str = "P-256",
    key_name: str = "",
    life: tuple[datetime, datetime] = (AT - 300 * DAY, AT + 300 * DAY),
) -> Forged:
    """A faultless authority, but for `changes`: an extension in place of the usual one, or None for none."""
    public_key = key_named(key_name or name, key_kind).public_key()
    usual: Changes = {
        x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=path_length), True),
        x509.KeyUsage: (key_usage("key_cert_sign", "crl_sign"), True),
        x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        x509.AuthorityKeyIdentifier: (issuer_identifier(by), False) if by else None,
    }
    return forge(name, by=by, changes={**usual, **(changes or {})}, key_kind=key_kind, key_name=key_name, life=life)


def leaf(
    by: Forged,
    *,
    name: str = "",
    dns: Sequence[str] = (HOST,),
    uris: Sequence[str] = (),
    ips: Sequence[str] = (),
    usages: Sequence[x509.ObjectIdentifier] = BOTH,
    changes: Changes | None = None,
    key_kind: str = "P-256",
    life: tuple[datetime, datetime] = (AT - 30 * DAY, AT + 30 * DAY),
    serial: int = 0,
) -> x509.Certificate:
    """A faultless leaf, but for `changes`."""
    public_key = key_named("leaf", key_kind).public_key()
    usual: Changes = {
        x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True),
        x509.KeyUsage: (key_usage("digital_signature"), True),
        x509.ExtendedKeyUsage: (x509.ExtendedKeyUsage(usages), False) if usages else None,
        x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        x509.AuthorityKeyIdentifier: (issuer_identifier(by), False),
        x509.SubjectAlternativeName: (alternative(dns, uris, ips), not name) if dns or uris or ips else None,
    }
    made = forge(
        name,
        by=by,
        changes={**usual, **(changes or {})},
        key_kind=key_kind,
        key_name="leaf",
        life=life,
        serial=serial,
    )
    return made.certificate


def issuer_identifier(by: Forged) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())


def crl(
    by: Forged,
    *serials: int,
    begins: datetime = AT - DAY,
    ends: datetime = AT + DAY,
    signed_by: Any = None,
    extension: x509.ExtensionType | None = None,
) -> x509.CertificateRevocationList:
    """A list of `by` that names these serials; `signed_by` is another key than its own."""
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=by.certificate.subject, last_update=begins, next_update=ends
    )
    builder = builder.add_extension(x509.CRLNumber(7), critical=False)
    builder = builder.add_extension(issuer_identifier(by), critical=False)
    for serial in serials:
        entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=begins)
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(signed_by or by.key, hashes.SHA256())


@cache
def root() -> Forged:
    return authority("Root")


@cache
def middle() -> Forged:
    return authority("Middle", by=root(), path_length=0)
