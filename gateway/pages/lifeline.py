"""The life line of a certificate: every issue as a stretch on one axis, with what happened to it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gateway.pages.times import Axis
from governance.pki.status import Certificate, HoldingView, IssuedCertificate

IssueState = Literal["pending", "in_force", "superseded", "expired", "revoked"]
Happening = Literal["planned", "renewed", "revoked"]
SHOWN = 8
TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A moment on an issue's stretch."""

    kind: Happening
    x: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue: where it lies on the axis, and how many processes hold it now."""

    of: IssuedCertificate
    state: IssueState
    x: str
    width: str
    events: tuple[Event, ...]
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A day written under the axis; `anchor` is the side of its text that stands there."""

    x: str
    at: datetime
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeLine:
    """All of it, the newest issue first; `more` issues are older than those shown."""

    issues: tuple[Issue, ...]
    now_x: str
    ticks: tuple[Tick, ...]
    more: int


def state_of(issue: IssuedCertificate, certificate: Certificate, at: datetime) -> IssueState:
    """How one issue stands."""
    if issue.revoked_at is not None:
        return "revoked"
    if at >= issue.not_after:
        return "expired"
    if certificate.pending and issue.serial == certificate.pending.serial:
        return "pending"
    return "in_force" if issue.serial == certificate.serial else "superseded"


def life_line(
    certificate: Certificate, history: Sequence[IssuedCertificate], held: Sequence[HoldingView], *, at: datetime
) -> LifeLine | None:
    """The line of the newest issues in `history`, which is newest first; None before the first issue."""
    if not history:
        return None
    shown = history[:SHOWN]
    since = min(issue.not_before for issue in shown)
    until = max(*(issue.not_after for issue in shown), at + timedelta(minutes=1))
    axis = Axis(since, until)
    processes = holders(held)
    issues = [
        Issue(
            of=issue,
            state=state_of(issue, certificate, at),
            x=axis.x(issue.not_before),
            width=axis.width(issue.not_before, issue.not_after),
            events=_events(axis, certificate, issue, successor=history[index - 1] if index else None),
            processes=processes.get(issue.serial, 0),
        )
        for index, issue in enumerate(shown)
    ]
    return LifeLine(issues=tuple(issues), now_x=axis.x(at), ticks=_ticks(axis), more=len(history) - len(shown))


def holders(held: Sequence[HoldingView]) -> Mapping[str, int]:
    """How many processes hold each serial."""
    return Counter(each.serial for each in held if each.serial)


def _events(
    axis: Axis, certificate: Certificate, issue: IssuedCertificate, *, successor: IssuedCertificate | None
) -> tuple[Event, ...]:
    found: list[tuple[Happening, datetime | None]] = [("revoked", issue.revoked_at)]
    if issue.serial == certificate.serial:
        found.append(("planned", certificate.renew_at))
    elif successor is not None:
        found.append(("renewed", successor.issued_at))
    return tuple(Event(kind=kind, x=axis.x(at), at=at) for kind, at in found if at is not None)


def _ticks(axis: Axis) -> tuple[Tick, ...]:
    step = (axis.until - axis.since) / (TICKS - 1)
    times = [axis.since + index * step for index in range(TICKS)]
    anchors: list[Literal["start", "middle", "end"]] = ["start", *["middle"] * (TICKS - 2), "end"]  # type: ignore[list-item]
    return tuple(Tick(x=axis.x(at), at=at, anchor=anchor) for at, anchor in zip(times, anchors, strict=True))
