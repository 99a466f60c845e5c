"""What was found out about certificates and logs, and what people say to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.ids import check_text, uuid7
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.ct.standing import Noticed

# What a stranger causes must not grow the ledger without end: a stranger can log certificates with our names. Hence
# there is an end to what may be open and unanswered.
MOST_AT_ONCE, MOST_OPEN = 200, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFindings(Command):
    """Open what was noticed, and close what is not so any more (`closed`: keys).

    What is open already, and what was acknowledged, stays as it is; a message that changed is no news.
    """

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.finding.record"
    opened: tuple[Noticed, ...] = ()
    closed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.opened) > MOST_AT_ONCE:
            raise Invalid(f"are {len(self.opened)}; at most {MOST_AT_ONCE} at once", field="opened")

    @property
    def thing(self) -> str:
        """All findings."""
        return "findings"

    def as_json(self) -> dict[str, Any]:
        """What is opened and closed."""
        return {"opened": [each.key for each in self.opened], "closed": list(self.closed)}


@handles(RecordFindings)
def record_findings(command: RecordFindings, revision: int) -> Change:
    """Insert and close; the state is that of the findings that changed."""
    known = {row.key: row for row in _with(each.key for each in command.opened)}
    room = MOST_OPEN - models.Finding.objects.filter(closed_at=None, acknowledged_at=None).count()
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for each in command.opened:
        row = known.get(each.key)
        if row is None and room <= 0:
            continue
        if row is not None and row.closed_at is None:
            continue
        room -= row is None
        fresh = _opened(row, each, revision)
        before[each.key] = None if row is None else "closed"
        after[each.key] = fresh.as_json()
    for row in _with(command.closed):
        if row.closed_at is not None:
            continue
        before[row.key] = row.as_json()
        row.closed_at, row.revision = now(), revision
        row.save()
        after[row.key] = row.as_json()
    return Change(before, after)


def _with(keys: Iterable[str]) -> list[models.Finding]:
    wanted = list(keys)
    return [
        row
        for start in range(0, len(wanted), 500)
        for row in models.Finding.objects.filter(key__in=wanted[start : start + 500])
    ]


def _opened(row: models.Finding | None, noticed: Noticed, revision: int) -> models.Finding:
    """A new row, or one that was closed and is so again; an acknowledgement of before still stands."""
    row = row or models.Finding(id=uuid7(), key=noticed.key)
    row.kind, row.namespace = noticed.kind, noticed.namespace
    row.subject, row.message = noticed.subject[:300], noticed.message[:500]
    row.detail, row.opened_at, row.closed_at = dict(noticed.detail), now(), None
    row.revision = revision
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
