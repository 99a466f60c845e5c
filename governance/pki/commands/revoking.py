"""Taking a certificate back."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Q

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.commands.authorities import authority_row, publish_list
from governance.pki.commands.tenancy import free_names
from governance.pki.crl import REASONS
from governance.pki.holders import namespace_of
from governance.pki.queries.authorities import obstacle
from governance.pki.queries.workloads import descendants_of
from governance.pki.status import RENEWING, REVOKED

COMPROMISED = "keyCompromise"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeCertificate(Command):
    """Stand by a certificate no longer, from this commit on; `cause` is a reason code of RFC 5280, section 5.3.1.

    A managed certificate whose newest issue is revoked is issued anew at once, with a new key, unless `replace` is
    False. A stolen key (keyCompromise) takes back everything over the same key, and what a workload had renewed by it.
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
    affected = [row, *(_compromised_with(row) if command.cause == COMPROMISED else ())]
    for each in affected:
        free_names(f"issued/{each.serial}")
        each.revoked_at, each.revoked_reason, each.revision, each.sealed_key = now(), command.cause, revision, None
        each.save()
    unsigned = [each for each in sorted({each.authority for each in affected}) if not _published(each)]
    serials = [each.serial for each in affected]
    waited = models.PendingIssue.objects.filter(serial__in=serials)
    wanted = models.Certificate.objects.filter(Q(serial__in=serials) | Q(uid__in=waited.values("uid")))
    # Also without a replacement: an issue that is under way may be over the revoked key, and must not be put in force.
    replaced = [
        (_replace if each.serial in serials else _make_another)(each, revision, now_due=command.replace)
        for each in wanted
    ]
    waited.delete()
    after: dict[str, Any] = row.as_json() | {"together_with": sorted(set(serials) - {row.serial})}
    if unsigned:
        after |= {"lists_not_signed": unsigned}
    return Change(before, after | ({"replaced": True} if replaced and command.replace else {}))


def _published(authority: str) -> bool:
    """Sign an authority's list; False when it cannot, and then the list is signed as soon as it can.

    A revocation is never refused for that: every door of ours knows the serial from this commit on.
    """
    signer, at = authority_row(authority), now()
    able = signer.sealed_key is not None and not obstacle(signer, at)
    if able:
        publish_list(signer)
    else:
        signer.crl_next_at = at
    signer.save(update_fields=["crl", "crl_number", "crl_next_at"])
    return able


def _replace(row: models.Certificate, revision: int, *, now_due: bool) -> models.Certificate:
    row.claim, row.claimed_until, row.revision = "", None, revision
    if now_due:
        row.reason, row.attempt_at = REVOKED, now()
        row.failures, row.failing_since, row.last_error = 0, None, ""
    row.save()
    return row


def _make_another(row: models.Certificate, revision: int, *, now_due: bool) -> models.Certificate:
    """Only the issue that waited for its proof is revoked: the one in force is renewed, now or as planned."""
    row.claim, row.claimed_until, row.revision = "", None, revision
    row.attempt_at, row.reason = (now(), RENEWING) if now_due else (row.renew_at, "")
    row.save()
    return row


def _compromised_with(row: models.Issued) -> list[models.Issued]:
    """What else a stolen key opens: all that is valid over the same key, and all that was renewed by showing it."""
    valid = models.Issued.objects.filter(revoked_at=None, not_after__gt=now()).exclude(pk=row.serial)
    same = list(valid.filter(key_id=row.key_id).values_list("serial", flat=True)) if row.key_id else []
    below = [serial for shown in (row.serial, *same) for serial in descendants_of(shown)]
    return list(valid.filter(serial__in={*same, *below}))
