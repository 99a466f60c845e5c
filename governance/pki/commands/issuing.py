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
from governance.pki.renewal import next_attempt

MAX_BATCH = 500
# Long enough for a batch, short enough that what a killed worker had taken is done in time.
CLAIM = timedelta(seconds=60)


def claim(limit: int, *, at: datetime, due_at: datetime | None = None) -> list[str]:
    """Take up to `limit` certificates that are due, most pressing first, and return their uids.

    With `due_at` only those that were due then: whoever goes on claiming does not meet again what just failed.
    Like keeping a lease alive, taking one is no change and leaves no fact. Nobody else is given them before the claim
    runs out; a worker that was killed loses its claims after a minute.
    """
    taken = uuid7()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=at)
    due = models.Certificate.objects.filter(free, attempt_at__lte=due_at or at)
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


def check_batch(items: Sequence[object]) -> None:
    """Refuse a batch without anything in it, or with too much."""
    if not 1 <= len(items) <= MAX_BATCH:
        raise Invalid(f"are {len(items)}; 1 to {MAX_BATCH}", field="items")


def essence(row: models.Certificate) -> dict[str, Any]:
    """What facts about several certificates say of each."""
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
    """Why a certificate could not be issued; `generation`, `number` and `claim` are those under which it was tried.

    `soon` says that only a log was missing, which is asked again in minutes and not in hours.
    """

    uid: str
    name: str
    generation: int
    number: int
    claim: str
    message: str
    soon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFailures(OfBatch):
    """Remember that certificates could not be issued, and when to try again."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.certificate.fail"
    items: tuple[Failure, ...]

    def __post_init__(self) -> None:
        check_batch(self.items)


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
        before[row.name] = essence(row)
        row.failures += 1
        row.failing_since = row.failing_since or at
        row.last_failure_at, row.last_error = at, each.message[:500]
        row.attempt_at = next_attempt(row.failures, at=at, not_after=row.not_after, soon=each.soon)
        row.claim, row.claimed_until, row.revision = "", None, revision
        row.save()
        after[row.name] = essence(row)
    return Change(before, after)
