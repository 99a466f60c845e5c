"""What a log signs about: a certificate, or what a certificate will say before the SCTs are in it; pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.errors import Invalid
from governance.pki.ct import tbs
from governance.pki.ct.sct import EMBEDDED
from governance.pki.ct.wire import opaque, uint64

EntryKind = Literal["x509", "precert"]
Above = x509.Certificate | Sequence[x509.Certificate]

POISON = x509.PrecertPoison()
_POISON = bytes.fromhex("2b06010401d679020403")  # the content octets of 1.3.6.1.4.1.11129.2.4.3
_NULL = b"\x05\x00"
_AUTHORITY_KEY, _EXTENDED_USAGE = bytes.fromhex("551d23"), bytes.fromhex("551d25")
_PRECERT_SIGNING = bytes.fromhex("060a2b06010401d679020404")  # the whole element of 1.3.6.1.4.1.11129.2.4.4

_V1, _CERTIFICATE_TIMESTAMP, _X509, _PRECERT = 0, 0, 0, 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log.

    `body` is the certificate in DER ("x509"), or its TBS without poison and SCTs ("precert"); only the latter has an
    `issuer_key_hash`, the SHA-256 of the SubjectPublicKeyInfo of the authority that issues the certificate itself.
    """

    kind: EntryKind
    issuer_key_hash: bytes
    body: bytes

    def __post_init__(self) -> None:
        due = 32 if self.kind == "precert" else 0
        if len(self.issuer_key_hash) != due:
            raise Invalid(
                f"has {len(self.issuer_key_hash)} bytes; for {self.kind} it has {due}", field="issuer_key_hash"
            )


def timestamped(entry: Entry, *, timestamp_ms: int, extensions: bytes) -> bytes:
    """What an SCT signs, which is byte for byte what the log hashes as its leaf (RFC 6962, sections 3.2 and 3.4)."""
    kind = _PRECERT if entry.kind == "precert" else _X509
    head = b"%c%c%b\x00%c" % (_V1, _CERTIFICATE_TIMESTAMP, uint64(timestamp_ms), kind)
    return head + entry.issuer_key_hash + opaque(entry.body, 3) + opaque(extensions, 2)


def leaf_hash(data: bytes) -> bytes:
    """The leaf in the log's tree, of what `timestamped` made: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def is_precertificate(certificate: x509.Certificate) -> bool:
    """Whether the certificate is poisoned, hence only a promise to issue one."""
    return _POISON in tbs.read(certificate.tbs_certificate_bytes).extensions


def entry_of_certificate(certificate: x509.Certificate) -> Entry:
    """The entry of a certificate that is logged as it is, whose SCTs come by TLS or OCSP; no precertificate."""
    if is_precertificate(certificate):
        raise Invalid("is a precertificate; only a certificate is logged as it is")
    return Entry("x509", b"", certificate.public_bytes(Encoding.DER))


def entry_of_embedded(final: x509.Certificate, issuer_chain: Above) -> Entry:
    """The entry that the SCTs inside of `final` are about.

    `issuer_chain` are the certificates above it, the nearest first. Raises Invalid when it has no SCTs or is poisoned.
    """
    return entry_of_final(tbs.read(final.tbs_certificate_bytes), issuer_chain)


def entry_of_final(body: tbs.Tbs, issuer_chain: Above) -> Entry:
    """The same of a certificate that is already taken apart."""
    if _POISON in body.extensions:
        raise Invalid("is a precertificate; SCTs are in the certificate that follows it")
    if EMBEDDED not in body.extensions:
        raise Invalid("has no SCTs inside of it")
    authority = _authority(issuer_chain)
    kept = {oid: extension for oid, extension in body.extensions.items() if oid != EMBEDDED}
    return Entry("precert", authority.key_hash, body.encode(kept))


def entry_of_precertificate(precert: x509.Certificate, issuer: Above) -> Entry:
    """The entry under which a log takes a precertificate (RFC 6962, section 3.2).

    `issuer` is the authority, or the chain above the precertificate with the nearest first. When that begins with a
    precertificate signing certificate, name and key identifier in the entry are those of the authority above it.
    """
    body = tbs.read(precert.tbs_certificate_bytes)
    poison = body.find(_POISON)
    if poison is None or not poison.critical or poison.value != _NULL:
        raise Invalid("is no precertificate; that has a critical poison extension which holds NULL")
    if EMBEDDED in body.extensions:
        raise Invalid("is a precertificate with SCTs inside of it, which no certificate can follow")
    authority = _authority(issuer)
    kept = {oid: extension for oid, extension in body.extensions.items() if oid != _POISON}
    if authority.signs_for is None:
        return Entry("precert", authority.key_hash, body.encode(kept))
    key_identifier = authority.signs_for.find(_AUTHORITY_KEY)
    if key_identifier:
        kept[_AUTHORITY_KEY] = tbs.extension(_AUTHORITY_KEY, key_identifier.value)
    else:
        kept.pop(_AUTHORITY_KEY, None)
    return Entry("precert", authority.key_hash, body.encode(kept, issuer=authority.signs_for.issuer))


@dataclass(frozen=True, slots=True)
class _Authority:
    """Who issues the certificate itself; `signs_for` is the precertificate signing certificate, if there is one."""

    key_hash: bytes
    signs_for: tbs.Tbs | None


def _authority(above: Above) -> _Authority:
    chain = (above,) if isinstance(above, x509.Certificate) else tuple(above[:2])
    if not chain:
        raise Invalid("has no issuer, whose key the logs sign")
    return _found(chain)


@lru_cache(maxsize=256)
def _found(chain: tuple[x509.Certificate, ...]) -> _Authority:
    """An authority issues many certificates, hence it is taken apart once."""
    nearest = tbs.read(chain[0].tbs_certificate_bytes)
    usage = nearest.find(_EXTENDED_USAGE)
    if usage is None or _PRECERT_SIGNING not in usage.value:
        return _Authority(hashlib.sha256(nearest.key).digest(), None)
    if len(chain) < 2:
        raise Invalid("is issued by a precertificate signing certificate, and the authority above that is missing")
    return _Authority(hashlib.sha256(tbs.read(chain[1].tbs_certificate_bytes).key).digest(), nearest)
