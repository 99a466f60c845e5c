"""Storing what was made: in force at once when it is proven to be logged, and otherwise when it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.ledger.command import Change, handles
from governance.pki import models
from governance.pki.commands.issuing import OfBatch, check_batch, essence
from governance.pki.commands.proofs import store_proofs
from governance.pki.ct.standing import GATE
from governance.pki.issue import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCertificates(OfBatch):
    """Put newly made certificates in force, each with its key; what was superseded meanwhile is left out."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.certificate.issue"
    items: tuple[Made, ...]

    def __post_init__(self) -> None:
        check_batch(self.items)

    def as_json(self) -> dict[str, Any]:
        """Which certificates: never their keys."""
        return {"namespace": self.namespace, "serials": [each.serial for each in self.items]}


@handles(StoreCertificates)
def store_certificates(command: StoreCertificates, revision: int) -> Change:
    """Insert key and certificate in one row; move the certificate on to it, or let it wait for its proof."""
    uids = [each.uid for each in command.items]
    rows = {row.uid: row for row in models.Certificate.objects.filter(uid__in=uids)}
    numbers = dict(models.PendingIssue.objects.filter(uid__in=uids).values_list("uid", "number"))
    signers = dict(models.Issuer.objects.values_list("name", "signer"))
    gated = _gated(signers)
    taken = [
        (row, each)
        for each in command.items
        if (row := rows.get(each.uid)) is not None
        and row.namespace == command.namespace
        and not _superseded(row, each, waiting=numbers.get(row.uid, 0))
        and signers.get(row.issuer) == each.authority  # who signs changed meanwhile; it stays due
    ]
    before: dict[str, Any] = {row.name: essence(row) for row, _ in taken}
    waiting = [(row, each) for row, each in taken if each.unproven and row.issuer in gated]
    for row, each in taken:
        if each.unproven and row.issuer in gated:
            _hold(row, revision)
        else:
            move_on(row, _as_made(each), revision)
    at = now()
    issued = [_issued(row, each, at=at, revision=revision) for row, each in taken]
    models.Issued.objects.bulk_create(issued, batch_size=200)
    store_proofs({each.serial: each.proofs for _, each in taken if each.proofs and not each.unproven}, revision)
    models.PendingIssue.objects.filter(uid__in=[row.uid for row, _ in taken if row.uid in numbers]).delete()
    models.PendingIssue.objects.bulk_create([_pending(row, each, at, revision) for row, each in waiting])
    write_moved([row for row, _ in taken])
    forget_old_keys([row for row, _ in taken])
    after: dict[str, Any] = {row.name: essence(row) for row, _ in taken}
    for row, each in waiting:
        after[row.name] |= {"pending": each.serial, "why": each.unproven}
    return Change(before, after)


def _gated(issuers: Iterable[str]) -> frozenset[str]:
    """Those whose certificates need their proof first."""
    opened = models.TransparencyGate.objects.exclude(mode=GATE).values_list("issuer", flat=True)
    return frozenset(issuers) - frozenset(opened)


def _superseded(row: models.Certificate, made: Made, *, waiting: int) -> bool:
    """Whether the certificate moved on since it was claimed: asked for otherwise, issued, revoked or moved by others.

    Whatever calls for another issue takes the claim away, so that one made before, with an old key or by an old signer,
    is not put in force after. `waiting` is the number of the issue that waits for its proof, if one does.
    """
    number = max(row.number, waiting) + 1
    return (row.generation, number, row.claim) != (made.generation, made.number, made.claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What a certificate moves on to."""

    serial: str
    number: int
    generation: int
    not_before: datetime
    not_after: datetime
    renew_at: datetime | None
    plan_warning: str


def _as_made(made: Made) -> InForce:
    return InForce(**{each.name: getattr(made, each.name) for each in fields(InForce)})


_MOVED = (
    *("number", "serial", "not_before", "not_after", "issued_generation", "renew_at", "plan_warning", "attempt_at"),
    *("reason", "failures", "failing_since", "last_error", "claim", "claimed_until", "revision"),
)


def move_on(row: models.Certificate, to: InForce, revision: int) -> None:
    """Put an issue in force; what was asked for since it was made still stands."""
    row.number, row.serial, row.issued_generation = to.number, to.serial, to.generation
    row.not_before, row.not_after = to.not_before, to.not_after
    row.renew_at, row.plan_warning, row.revision = to.renew_at, to.plan_warning[:300], revision
    if row.generation == to.generation:
        row.attempt_at = to.renew_at
        _rest(row)


def _hold(row: models.Certificate, revision: int) -> None:
    """Leave in force what is; the new issue is put in force when it is proven, and none is made meanwhile.

    How often it failed is not forgotten: an issue that waits is none yet.
    """
    row.attempt_at, row.revision = None, revision
    row.reason, row.claim, row.claimed_until = "", "", None


def _rest(row: models.Certificate) -> None:
    row.reason, row.failures, row.failing_since, row.last_error = "", 0, None, ""
    row.claim, row.claimed_until = "", None


def write_moved(rows: Sequence[models.Certificate]) -> None:
    """Store certificates that moved on.

    The rows are there. Inserting them "again" writes them at once: the CASE for each row and column that bulk_update
    makes of it took longer than all the rest of issuing, under the ledger's lock.
    """
    models.Certificate.objects.bulk_create(
        rows, batch_size=200, update_conflicts=True, unique_fields=["uid"], update_fields=_MOVED
    )


def _pending(row: models.Certificate, made: Made, at: datetime, revision: int) -> models.PendingIssue:
    return models.PendingIssue(
        uid=row.uid,
        namespace=row.namespace,
        name=row.name,
        serial=made.serial,
        number=made.number,
        generation=made.generation,
        since=at,
        why=made.unproven[:500],
        revision=revision,
    )


def _issued(row: models.Certificate, made: Made, *, at: datetime, revision: int) -> models.Issued:
    return models.Issued(
        serial=made.serial,
        authority=made.authority,
        holder=f"certificate/{row.namespace}/{row.name}",
        number=made.number,
        uris=row.spec["uris"],
        dns_names=row.spec["dns_names"],
        not_before=made.not_before,
        not_after=made.not_after,
        chain_pem=made.chain_pem,
        key_id=made.key_id,
        sealed_key=made.sealed_key,
        spec=row.spec,
        issued_at=at,
        revision=revision,
    )


def forget_old_keys(rows: Sequence[models.Certificate]) -> None:
    """Keep as many keys of earlier issues as the spec says; the certificates themselves stay known."""
    last = {f"certificate/{row.namespace}/{row.name}": row.number - row.spec["revision_history_limit"] for row in rows}
    kept = models.Issued.objects.filter(holder__in=last, sealed_key__isnull=False)
    found = kept.values_list("serial", "holder", "number")
    old = [serial for serial, holder, number in found if number <= last[holder]]
    models.Issued.objects.filter(serial__in=old).update(sealed_key=None)
