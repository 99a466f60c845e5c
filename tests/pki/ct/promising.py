"""Logs that sign, and certificates with what they signed, made with nothing but `cryptography` and what is tested."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.pki.ct.entry import POISON, Entry, timestamped
from governance.pki.ct.logs import ECDSA, RSA, SHA256, Log, log_id_of
from governance.pki.ct.sct import EMBEDDED_OID, Sct, leaf_index_extension, sct_extension
from tests.pki.forge import named

AT = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
NOT_AFTER = AT + 90 * DAY
PRECERT_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.4")


@dataclass(frozen=True, slots=True)
class Signer:
    """A log as it looks from inside: what it says of itself, and its key."""

    log: Log
    key: Any = field(repr=False)

    def promise(self, entry: Entry, *, at: datetime = AT, index: int | None = 7, extensions: bytes = b"") -> Sct:
        extensions = leaf_index_extension(index) if index is not None else extensions
        timestamp_ms = int(at.timestamp() * 1000)
        data = timestamped(entry, timestamp_ms=timestamp_ms, extensions=extensions)
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature, algorithm = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256()), RSA
        else:
            signature, algorithm = self.key.sign(data, ec.ECDSA(hashes.SHA256())), ECDSA
        return Sct(self.log.log_id, timestamp_ms, extensions, SHA256, algorithm, signature)


def signer(description: str = "Oak", *, key: Any = None, **values: Any) -> Signer:
    key = key or ec.generate_private_key(ec.SECP256R1())
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    said = {"description": description, "operator": f"{description} people", "source": "pinned"} | values
    return Signer(Log(log_id=log_id_of(der), key_der=der, **said), key)


@dataclass(frozen=True, slots=True)
class Above:
    """An authority: its certificate and its key."""

    certificate: x509.Certificate
    key: Any = field(repr=False)

    @property
    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        identifier = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def authority(
    name: str, *, by: Above | None = None, usages: Sequence[x509.ObjectIdentifier] = (), key: Any = None
) -> Above:
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        _begun(named(name), by.certificate.subject if by else named(name), key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by:
        builder = builder.add_extension(by.key_identifier, critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    return Above(builder.sign(by.key if by else key, hashes.SHA256()), key)


def _begun(subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(AT - DAY)
        .not_valid_after(NOT_AFTER)
    )


class Wanted:
    """A certificate that is to be: first with the poison in it, then with the SCTs, and otherwise the same."""

    def __init__(self, name: str = "shop.example.com", *, alternative: Sequence[str] = ()) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._begun = _begun(named(name), named("to be replaced"), self.key.public_key())
        names = [x509.DNSName(each) for each in (name, *alternative)]
        self._alternative = x509.SubjectAlternativeName(names)

    def _body(self, by: Above) -> x509.CertificateBuilder:
        begun = self._begun
        begun._issuer_name = by.certificate.subject
        return begun.add_extension(self._alternative, critical=False).add_extension(by.key_identifier, critical=False)

    def precertificate(self, by: Above) -> x509.Certificate:
        return self._body(by).add_extension(POISON, critical=True).sign(by.key, hashes.SHA256())

    def certificate(self, by: Above, scts: Sequence[Sct] = ()) -> x509.Certificate:
        body = self._body(by)
        if scts:
            body = body.add_extension(sct_extension(scts), critical=False)
        return body.sign(by.key, hashes.SHA256())


def with_raw_scts(wanted: Wanted, by: Above, value: bytes) -> x509.Certificate:
    """A certificate whose SCT extension holds whatever one likes."""
    extension = x509.UnrecognizedExtension(EMBEDDED_OID, value)
    return wanted._body(by).add_extension(extension, critical=False).sign(by.key, hashes.SHA256())
