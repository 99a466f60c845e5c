"""Taking a certificate back."""

from dataclasses import dataclass
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.commands.authorities import authority_row, publish_list
from governance.pki.crl import REASONS
from governance.pki.holders import namespace_of
from governance.pki.status import REVOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeCertificate(Command):
    """Stand by a certificate no longer, from this commit on; `cause` is a reason code of RFC 5280, section 5.3.1.

    A managed certificate whose newest issue is revoked is issued anew at once, with a new key, unless `replace` is
    False.
    """

    permission: ClassVar[str] = "pki.revoke"
    action: ClassVar[str] = "pki.certificate.revoke"
    serial: str
    cause: str = "unspecified"
    replace: bool = True

    def __post_init__(self) -> None:
        if self.cause not in REASONS:
            raise Invalid(f"{self.cause[:40]!r} is not one of {', '.join(sorted(REASONS))}", field="cause")
        try:
            int(self.serial, 16)
        except ValueError:
            raise Invalid("is not a serial number in hex", field="serial") from None

    @property
    def thing(self) -> str:
        """The issued certificate."""
        return f"issued/{self.serial}"


@handles(RevokeCertificate)
def revoke_certificate(command: RevokeCertificate, revision: int) -> Change:
    """Mark it, and sign the revocation list in the same transaction: revoked and published are one moment."""
    row = models.Issued.objects.filter(pk=command.serial).first()
    if row is None or namespace_of(row.holder) != command.namespace:
        raise NotFound(f"no certificate with serial {command.serial} in {command.namespace}", field="serial")
    if row.revoked_at is not None:
        if row.revoked_reason == command.cause:
            return Change(row.as_json(), row.as_json())
        raise Conflict(f"was revoked at {row.revoked_at:%Y-%m-%d %H:%M:%S} UTC: {row.revoked_reason}", field="serial")
    before = row.as_json()
    row.revoked_at, row.revoked_reason, row.revision = now(), command.cause, revision
    row.sealed_key = None
    row.save()
    authority = authority_row(row.authority)
    publish_list(authority)
    authority.save(update_fields=["crl", "crl_number", "crl_next_at"])
    after: dict[str, Any] = row.as_json()
    if command.replace and (wanted := models.Certificate.objects.filter(serial=row.serial).first()):
        wanted.reason, wanted.attempt_at, wanted.revision = REVOKED, now(), revision
        wanted.failures, wanted.failing_since, wanted.last_error = 0, None, ""
        wanted.claim, wanted.claimed_until = "", None
        wanted.save()
        after = after | {"replaced": True}
    return Change(before, after)
