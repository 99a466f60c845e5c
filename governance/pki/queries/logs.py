"""What is known of logs, and of what is in them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.pki import models
from governance.pki.ct.standing import GATE, Checked, Mode, Pending, ProofView


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLogView:
    """What is known of one log. `lie` is what it was caught at, `next_index` the first entry not looked at."""

    log_id: str
    checkpoint: str = ""
    size: int = 0
    root: bytes = b""
    checkpoint_at: datetime | None = None
    believed_at: datetime | None = None
    read_at: datetime | None = None
    next_index: int = 0
    error: str = ""
    failing_since: datetime | None = None
    lie: str = ""
    lie_message: str = ""
    lie_evidence: Mapping[str, Any] | None = None
    lie_at: datetime | None = None


def known_log(log_id: str) -> KnownLogView:
    """What is known of the log with this id (hex); nothing of one that was never read."""
    return known_logs([log_id]).get(log_id) or KnownLogView(log_id=log_id)


def known_logs(log_ids: Collection[str]) -> dict[str, KnownLogView]:
    """The same of several, by id; those that were never read are not among them."""
    return {
        row.log_id: KnownLogView(
            log_id=row.log_id,
            checkpoint=row.checkpoint,
            size=row.size,
            root=bytes(row.root),
            checkpoint_at=row.checkpoint_at,
            believed_at=row.believed_at,
            read_at=row.read_at,
            next_index=row.next_index,
            error=row.error,
            failing_since=row.failing_since,
            lie=row.lie,
            lie_message=row.lie_message,
            lie_evidence=dict(row.lie_evidence),
            lie_at=row.lie_at,
        )
        for row in models.KnownLog.objects.filter(log_id__in=list(log_ids))
    }


def mode_of(issuer: str) -> Mode:
    """What certificates of an issuer need before they are put in force."""
    return modes().get(issuer, GATE)


def modes() -> dict[str, Mode]:
    """The same of every issuer for which it was ever set."""
    rows = models.TransparencyGate.objects.values_list("issuer", "mode")
    return dict(rows)  # type: ignore[arg-type]  # the column holds only what the command allows


def pending_of(uids: Collection[str]) -> dict[str, Pending]:
    """The issues that wait for their proof, by the uid of their certificate."""
    rows = models.PendingIssue.objects.all()
    rows = rows.filter(uid__in=list(uids)) if len(uids) <= 500 else rows
    pending = list(rows)
    found = checks([row.serial for row in pending])
    return {
        row.uid: Pending(
            serial=row.serial,
            number=row.number,
            generation=row.generation,
            since=row.since,
            why=(found[row.serial].why if row.serial in found else "") or row.why,
        )
        for row in pending
    }


def pending_with(serial: str) -> Pending | None:
    """The issue with this serial, when it waits for its proof."""
    uid = models.PendingIssue.objects.filter(serial=serial).values_list("uid", flat=True).first()
    return pending_of([uid]).get(uid) if uid else None


def proof_of(serial: str) -> ProofView | None:
    """The proofs of one certificate, or None."""
    row = models.LogProof.objects.filter(pk=serial).first()
    return ProofView(serial=row.serial, proofs=dict(row.proofs), proven_at=row.proven_at) if row else None


def newest_proof(log_id: str) -> str | None:
    """The proof in this log (id in hex) on whose strength something was put in force last; None without any."""
    newest = models.LogProof.objects.order_by("-revision").values_list("proofs", flat=True)
    return next((proofs[log_id] for proofs in newest[:10] if log_id in proofs), None)


def checks(serials: Collection[str]) -> dict[str, Checked]:
    """What the last check found of each; of those that were never checked nothing."""
    wanted, found = list(serials), dict[str, Checked]()
    for start in range(0, len(wanted), 500):
        for row in models.TransparencyCheck.objects.filter(serial__in=wanted[start : start + 500]):
            found[row.serial] = Checked(
                serial=row.serial,
                state=row.state,  # type: ignore[arg-type]  # the column holds only the three
                why=row.why,
                checked_at=row.checked_at,
            )
    return found
