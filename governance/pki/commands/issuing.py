"""The worker's side of issuing: claim what is due, store what was made, remember what failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F, Q

from governance.kernel.clock import now, stamp
from governance.kernel.errors import Invalid
from governance.kernel.ids import uuid7
from governance.ledger.command import Change, Command, handles
from governance.ledger.turn import turn
from governance.pki import models
from governance.pki.issue import Made
from governance.pki.renewal import next_attempt

MAX_BATCH = 500
# Long enough for a batch, short enough that what a killed worker had taken is done in time.
CLAIM = timedelta(seconds=60)


def claim(limit: int, *, at: datetime) -> list[str]:
    """Take up to `limit` certificates that are due, most pressing first, and return their uids.

    Like keeping a lease alive, taking one is no change and leaves no fact. Nobody else is given them before the claim
    runs out; a worker that was killed loses its claims after a minute.
    """
    taken = uuid7()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=at)
    due = models.Certificate.objects.filter(free, attempt_at__lte=at)
    due = due.order_by(F("not_after").asc(nulls_first=True), "attempt_at")
    with turn("default"), transaction.atomic():
        # What another is just taking is passed over: to wait for it would be to come away with nothing.
        found = list(due.select_for_update(skip_locked=True).values_list("uid", flat=True)[:limit])
        models.Certificate.objects.filter(free, uid__in=found).update(claim=taken, claimed_until=at + CLAIM)
        return list(models.Certificate.objects.filter(claim=taken).values_list("uid", flat=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfBatch(Command):
    """A command about several certificates of one namespace at once; facts name each of them."""

    @property
    def thing(self) -> str:
        """The one certificate, or the certificates of the namespace."""
        items = self.items  # type: ignore[attr-defined]  # every subclass has them
        return f"certificate/{self.namespace}/{items[0].name}" if len(items) == 1 else f"certificates/{self.namespace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCertificates(OfBatch):
    """Put newly made certificates in force, each with its key; what was superseded meanwhile is left out."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.certificate.issue"
    items: tuple[Made, ...]

    def __post_init__(self) -> None:
        _check_batch(self.items)

    def as_json(self) -> dict[str, Any]:
        """Which certificates: never their keys."""
        return {"namespace": self.namespace, "serials": [each.serial for each in self.items]}


def _check_batch(items: Sequence[object]) -> None:
    if not 1 <= len(items) <= MAX_BATCH:
        raise Invalid(f"are {len(items)}; 1 to {MAX_BATCH}", field="items")


@handles(StoreCertificates)
def store_certificates(command: StoreCertificates, revision: int) -> Change:
    """Insert key and certificate in one row, and move the certificate on to it."""
    rows = {row.uid: row for row in models.Certificate.objects.filter(uid__in=[each.uid for each in command.items])}
    signers = dict(models.Issuer.objects.values_list("name", "signer"))
    at = now()
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    issued: list[models.Issued] = []
    moved: list[models.Certificate] = []
    for each in command.items:
        row = rows.get(each.uid)
        if row is None or row.namespace != command.namespace or _superseded(row, each):
            continue
        if signers.get(row.issuer) != each.authority:  # who signs changed meanwhile; it stays due
            continue
        before[row.name] = _essence(row)
        _move_on(row, each, revision)
        after[row.name] = _essence(row)
        issued.append(_issued(row, each, at=at, revision=revision))
        moved.append(row)
    models.Issued.objects.bulk_create(issued, batch_size=200)
    # The rows are there. Inserting them "again" writes them at once: the CASE for each row and column that bulk_update
    # makes of it took longer than all the rest of issuing, under the ledger's lock.
    models.Certificate.objects.bulk_create(
        moved, batch_size=200, update_conflicts=True, unique_fields=["uid"], update_fields=_MOVED
    )
    _forget_old_keys(moved)
    return Change(before, after)


def _superseded(row: models.Certificate, made: Made) -> bool:
    """Whether the certificate moved on since it was claimed: asked for otherwise, issued, revoked or moved by others.

    Whatever calls for another issue takes the claim away, so that one made before, with an old key or by an old signer,
    is not put in force after.
    """
    return (row.generation, row.number + 1, row.claim) != (made.generation, made.number, made.claim)


_MOVED = (
    *("number", "serial", "not_before", "not_after", "issued_generation", "renew_at", "plan_warning", "attempt_at"),
    *("reason", "failures", "failing_since", "last_error", "claim", "claimed_until", "revision"),
)


def _move_on(row: models.Certificate, made: Made, revision: int) -> None:
    row.number, row.serial, row.issued_generation = made.number, made.serial, made.generation
    row.not_before, row.not_after = made.not_before, made.not_after
    row.renew_at = row.attempt_at = made.renew_at
    row.plan_warning, row.reason, row.revision = made.plan_warning[:300], "", revision
    row.failures, row.failing_since, row.last_error, row.claim, row.claimed_until = 0, None, "", "", None


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


def _forget_old_keys(rows: Sequence[models.Certificate]) -> None:
    """Keep as many keys of earlier issues as the spec says; the certificates themselves stay known."""
    last = {f"certificate/{row.namespace}/{row.name}": row.number - row.spec["revision_history_limit"] for row in rows}
    kept = models.Issued.objects.filter(holder__in=last, sealed_key__isnull=False)
    found = kept.values_list("serial", "holder", "number")
    old = [serial for serial, holder, number in found if number <= last[holder]]
    models.Issued.objects.filter(serial__in=old).update(sealed_key=None)


def _essence(row: models.Certificate) -> dict[str, Any]:
    return {
        "number": row.number,
        "serial": row.serial,
        "not_after": stamp(row.not_after) if row.not_after else None,
        "renew_at": stamp(row.renew_at) if row.renew_at else None,
        "reason": row.reason,
        "failures": row.failures,
        "last_error": row.last_error,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a certificate could not be issued; `generation`, `number` and `claim` are those under which it was tried."""

    uid: str
    name: str
    generation: int
    number: int
    claim: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFailures(OfBatch):
    """Remember that certificates could not be issued, and when to try again."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.certificate.fail"
    items: tuple[Failure, ...]

    def __post_init__(self) -> None:
        _check_batch(self.items)


@handles(RecordFailures)
def record_failures(command: RecordFailures, revision: int) -> Change:
    """Count the failure and plan the next attempt."""
    at = now()
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for each in command.items:
        row = models.Certificate.objects.filter(uid=each.uid, namespace=command.namespace).first()
        if row is None or (row.generation, row.number, row.claim) != (each.generation, each.number, each.claim):
            continue
        before[row.name] = _essence(row)
        row.failures += 1
        row.failing_since = row.failing_since or at
        row.last_failure_at, row.last_error = at, each.message[:500]
        row.attempt_at = next_attempt(row.failures, at=at, not_after=row.not_after)
        row.claim, row.claimed_until, row.revision = "", None, revision
        row.save()
        after[row.name] = _essence(row)
    return Change(before, after)
