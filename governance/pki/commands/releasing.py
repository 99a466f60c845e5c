"""Putting in force what waits for a proof that is not needed any more, and making another of what will not get one."""

from dataclasses import dataclass
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.ledger.command import Change, handles
from governance.pki import models
from governance.pki.commands.issuing import OfBatch, check_batch, essence
from governance.pki.commands.proving import moved_on
from governance.pki.ct.standing import GATE
from governance.pki.renewal import next_attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A pending issue: the certificate's name, and the serial of the issue."""

    name: str
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseIssues(OfBatch):
    """Put pending issues in force whose issuer has no gate any more."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.certificate.release"
    items: tuple[Waiting, ...]

    def __post_init__(self) -> None:
        check_batch(self.items)


@handles(ReleaseIssues)
def release_issues(command: ReleaseIssues, revision: int) -> Change:
    """Move on to each that waits still, and whose issuer is still without a gate."""
    waiting = {row.serial: row for row in _pending(command.items, command.namespace)}
    uids = [row.uid for row in waiting.values()]
    issuers = dict(models.Certificate.objects.filter(uid__in=uids).values_list("uid", "issuer"))
    ungated = set(models.TransparencyGate.objects.exclude(mode=GATE).values_list("issuer", flat=True))
    free = {serial: row for serial, row in waiting.items() if issuers.get(row.uid) in ungated}
    before, after = moved_on(free, command.namespace, revision)
    return Change(before, after)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceIssues(OfBatch):
    """Have another issue made of certificates whose pending one will hardly be proven: its log broke a promise.

    The pending one goes on waiting until the other is there. Pauses grow as after failures, for each issue is one more
    entry in the logs.
    """

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.certificate.replace_pending"
    items: tuple[Waiting, ...]

    def __post_init__(self) -> None:
        check_batch(self.items)


@handles(ReplaceIssues)
def replace_issues(command: ReplaceIssues, revision: int) -> Change:
    """Plan the next attempt of those for which none is planned."""
    names = {row.uid: row.why for row in _pending(command.items, command.namespace)}
    at = now()
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in models.Certificate.objects.filter(uid__in=list(names), attempt_at=None, claim=""):
        before[row.name] = essence(row)
        row.failures += 1
        row.failing_since, row.last_failure_at = row.failing_since or at, at
        row.last_error, row.revision = f"the new issue is not proven to be logged: {names[row.uid]}"[:500], revision
        row.attempt_at = next_attempt(row.failures, at=at, not_after=row.not_after)
        row.save()
        after[row.name] = essence(row)
    return Change(before, after)


def _pending(items: tuple[Waiting, ...], namespace: str) -> list[models.PendingIssue]:
    serials = [each.serial for each in items]
    return list(models.PendingIssue.objects.filter(serial__in=serials, namespace=namespace))
