"""Certificates as PEM text."""

import hashlib
import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.errors import Invalid

MAX_CERTIFICATES = 16
MAX_BYTES = 256 * 1024
_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")


def to_pem(*certificates: x509.Certificate) -> str:
    """The certificates one after the other."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def chain_from_pem(pem: str | bytes, *, field: str) -> tuple[x509.Certificate, ...]:
    """Read one to 16 certificates, whole and with all their extensions, and nothing but certificates."""
    content = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    if len(content) > MAX_BYTES:
        raise Invalid(f"has {len(content)} bytes; at most {MAX_BYTES} are allowed", field=field)
    labels = _LABEL.findall(content)
    if other := next((label.decode() for label in labels if label != b"CERTIFICATE"), ""):
        raise Invalid(f"holds a {other}; only certificates are allowed here", field=field)
    if not labels:
        raise Invalid("holds no certificate in PEM", field=field)
    if len(labels) > MAX_CERTIFICATES:
        raise Invalid(f"holds {len(labels)} certificates; at most {MAX_CERTIFICATES} are allowed", field=field)
    try:
        certificates = tuple(x509.load_pem_x509_certificates(content))
    except Exception:  # not only ValueError: an unknown version, say, is an error of its own
        raise Invalid("holds a certificate that cannot be read", field=field) from None
    for place, certificate in enumerate(certificates, 1):
        check_readable(certificate, place=place, field=field)
    return certificates


def check_readable(certificate: x509.Certificate, *, place: int, field: str) -> None:
    """Refuse a certificate of which a part, read only when asked for, cannot be read."""
    try:
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.version
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc, certificate.signature_hash_algorithm
        certificate.public_key()
    except Exception:  # parsers of strangers' bytes fail in more ways than they tell
        raise Invalid(f"certificate {place} cannot be read", field=field) from None


def bundle_id(pem: str | bytes) -> str:
    """What tells one set of roots from another: the first 16 hex digits of the SHA-256 of its PEM text."""
    return hashlib.sha256(pem.encode() if isinstance(pem, str) else pem).hexdigest()[:16]
