"""Lists of revoked certificates (RFC 5280, section 5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cryptography import x509

from governance.kernel.clock import stamp
from governance.kernel.errors import Invalid, Unavailable
from governance.pki.authority import Authority
from governance.pki.extensions import authority_key_identifier
from governance.pki.keys import hash_for

REASONS = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A certificate that its issuer took back, when and why."""

    serial: int
    at: datetime
    reason: str = "unspecified"

    def __post_init__(self) -> None:
        if not 0 < self.serial < 1 << 160:
            raise Invalid("is not a serial number: it is above 0 and has at most 160 bits", field="serial")
        if self.reason not in REASONS:
            raise Invalid(f"{self.reason[:40]!r} is not one of {', '.join(REASONS)}", field="reason")


def build_crl(
    authority: Authority, entries: Iterable[Revoked], *, number: int, at: datetime, life: timedelta
) -> x509.CertificateRevocationList:
    """The list of all that `authority` took back, by serial number; each list has a higher `number` than the last."""
    if life < timedelta(seconds=1):
        raise Invalid(f"is {life}; a list is valid for at least 1 s", field="life")
    if not 0 <= number < 1 << 159:
        raise Invalid(f"is {number}; a list's number is 0 or more and has at most 159 bits", field="number")
    at = at.astimezone(UTC).replace(microsecond=0)
    if at >= authority.not_after:
        raise Unavailable(f"the authority {authority.subject} expired at {stamp(authority.not_after)}")
    listed = sorted(entries, key=lambda entry: entry.serial)
    if twice := next((a for a, b in pairwise(listed) if a.serial == b.serial), None):
        raise Invalid(f"{twice.serial:x} is listed twice", field="entries")
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=authority.certificate.subject,
        last_update=at,
        next_update=at + life,
        revoked_certificates=[_entry(entry) for entry in listed],
    )
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    builder = builder.add_extension(authority_key_identifier(authority.certificate), critical=False)
    return builder.sign(authority.key, hash_for(authority.key))


def _entry(revoked: Revoked) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(revoked.serial)
    builder = builder.revocation_date(revoked.at.astimezone(UTC).replace(microsecond=0))
    if revoked.reason != "unspecified":  # RFC 5280, section 5.3.1: leave it away rather than say so
        builder = builder.add_extension(x509.CRLReason(x509.ReasonFlags(revoked.reason)), critical=False)
    return builder.build()
