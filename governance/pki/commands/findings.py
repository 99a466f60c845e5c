"""What was found out about certificates and logs, and what people say to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import now, stamp
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.ids import check_text, uuid7
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.ct import room
from governance.pki.ct.standing import Noticed
from governance.pki.queries.findings import taking_room

MOST_AT_ONCE, MOST_FORGOTTEN = 200, 5_000
# So long what is over is kept in the table; the ledger has it for good.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFindings(Command):
    """Open what was noticed, and close what is not so any more (`closed`: keys).

    What is open already, and what was acknowledged, stays as it is; a message that changed is no news. What there is no
    room for (see `room`) is left out, and one finding says so. `restated` says anew what is open and unanswered.
    """

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.finding.record"
    opened: tuple[Noticed, ...] = ()
    closed: tuple[str, ...] = ()
    restated: tuple[Noticed, ...] = ()

    def __post_init__(self) -> None:
        for name, some in (("opened", self.opened), ("closed", self.closed), ("restated", self.restated)):
            if len(some) > MOST_AT_ONCE:
                raise Invalid(f"are {len(some)}; at most {MOST_AT_ONCE} at once", field=name)

    @property
    def thing(self) -> str:
        """All findings."""
        return "findings"

    def as_json(self) -> dict[str, Any]:
        """What is opened, closed, and said anew."""
        said = {"opened": [each.key for each in self.opened], "closed": list(self.closed)}
        return {**said, "restated": [each.key for each in self.restated]} if self.restated else said


@handles(RecordFindings)
def record_findings(command: RecordFindings, revision: int) -> Change:
    """Close, then open; the state is that of the findings that changed."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in _with(command.closed):
        if row.closed_at is not None:
            continue
        before[row.key] = row.as_json()
        row.closed_at, row.revision = now(), revision
        row.save()
        after[row.key] = row.as_json()
    known = {row.key: row for row in _with(each.key for each in command.opened)}
    fresh = [each for each in command.opened if not _is_open(known.get(each.key))]
    fitting = room.fitting(fresh, taking_room()) if fresh else []
    known |= {row.key: row for row in _with(each.key for each in fitting if each.key not in known)}
    for each in fitting:
        known_row = known.get(each.key)
        if not _is_open(known_row):
            before[each.key] = None if known_row is None else "closed"
            after[each.key] = _opened(known_row, each, revision).as_json()
    for row, each in _restated(command.restated):
        before[row.key] = row.as_json()
        after[row.key] = _said_anew(row, each, revision).as_json()
    return Change(before, after)


def _is_open(row: models.Finding | None) -> bool:
    return row is not None and row.closed_at is None


def _restated(noticed: Iterable[Noticed]) -> list[tuple[models.Finding, Noticed]]:
    """Those that are open and unanswered, and say something else: whoever answered one, answered what it said."""
    by_key = {each.key: each for each in noticed}
    pairs = [(row, by_key[row.key]) for row in _with(by_key) if _is_open(row) and row.acknowledged_at is None]
    return [(row, each) for row, each in pairs if (row.message, row.detail) != (each.message[:500], dict(each.detail))]


def _with(keys: Iterable[str]) -> list[models.Finding]:
    wanted = list(keys)
    return [
        row
        for start in range(0, len(wanted), 500)
        for row in models.Finding.objects.filter(key__in=wanted[start : start + 500])
    ]


def _opened(row: models.Finding | None, noticed: Noticed, revision: int) -> models.Finding:
    """A new row, or one that was closed and is so again; an acknowledgement of before still stands.

    Not so of what says that there are more: what is left out now is not what was left out then.
    """
    at = now()
    row = row or models.Finding(id=uuid7(at), key=noticed.key)
    row.kind, row.namespace = noticed.kind, noticed.namespace
    row.opened_at, row.closed_at = at, None
    if row.key.startswith(room.MORE):
        row.acknowledged_at = None
    return _said_anew(row, noticed, revision)


def _said_anew(row: models.Finding, noticed: Noticed, revision: int) -> models.Finding:
    row.subject, row.message = noticed.subject[:300], noticed.message[:500]
    row.detail, row.revision = dict(noticed.detail), revision
    row.save()
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeFinding(Command):
    """Say that a finding is known and may be so; the reason is part of the fact. It alarms no longer, for good."""

    permission: ClassVar[str] = "pki.transparency"
    action: ClassVar[str] = "pki.finding.acknowledge"
    id: str

    def __post_init__(self) -> None:
        check_text(self.id, field="id", limit=36)

    @property
    def thing(self) -> str:
        """The finding."""
        return f"finding/{self.id}"

    def check_reason(self, reason: str) -> None:
        """Nobody waves an alarm away without a word."""
        if not reason.strip():
            raise Invalid("is missing: say why this may be so", field="reason")


@handles(AcknowledgeFinding)
def acknowledge_finding(command: AcknowledgeFinding, revision: int) -> Change:
    """Set when; a second time changes nothing."""
    row = models.Finding.objects.filter(pk=command.id).first()
    if row is None or command.namespace not in (EVERYWHERE, row.namespace):
        raise NotFound(f"there is no finding {command.id}", field="id")
    if row.closed_at is not None:
        raise Conflict(f"is not so any more since {row.closed_at:%Y-%m-%d %H:%M:%S} UTC", field="id")
    before = row.as_json()
    if row.acknowledged_at is None:
        row.acknowledged_at, row.revision = now(), revision
        row.save()
    return Change(before, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetFindings(Command):
    """Take out of the table what was closed before a moment, at most MOST_FORGOTTEN, the longest closed first."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.finding.forget"
    before: datetime

    @property
    def thing(self) -> str:
        """All findings."""
        return "findings"

    def as_json(self) -> dict[str, Any]:
        """The moment."""
        return {"before": stamp(self.before)}


@handles(ForgetFindings)
def forget_findings(command: ForgetFindings, revision: int) -> Change:
    """Delete them; the state is how many there were, as each of them is in the ledger already."""
    del revision
    rows = models.Finding.objects.filter(closed_at__lt=command.before).order_by("closed_at", "id")
    gone = list(rows.values_list("id", flat=True)[:MOST_FORGOTTEN])
    for start in range(0, len(gone), 500):
        models.Finding.objects.filter(id__in=gone[start : start + 500]).delete()
    return Change({"closed": len(gone)} if gone else None, None)
