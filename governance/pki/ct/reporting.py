"""Opens and closes findings: one fact for what is news, and none for what is known."""

from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import TypeVar

from governance.ledger.execute import execute
from governance.pki.commands.findings import MOST_AT_ONCE, RecordFindings
from governance.pki.ct import room
from governance.pki.ct.standing import Noticed
from governance.pki.queries.findings import findings, open_among, open_keys, taking_room
from governance.pki.worker import WORKER

T = TypeVar("T")


def report(
    opened: Sequence[Noticed],
    closed: Collection[str] = (),
    *,
    restated: Sequence[Noticed] = (),
    reason: str = "checked the logs",
) -> None:
    """Open what was noticed and close the findings with these keys; `restated` says anew what is open.

    What is open stays open, and what is closed stays closed; when neither says anything new, or there is no room for
    what is new and that was told, no lock is taken.
    """
    there = open_among([*(each.key for each in opened), *closed])
    fresh = [each for each in opened if each.key not in there]
    over = sorted(key for key in closed if key in there)
    if fresh:
        fitting = room.fitting(fresh, taking_room(without=over))
        told = open_among([each.key for each in fitting if each.key.startswith(room.MORE)])
        fresh = [each for each in fitting if each.key not in told]
    gone, anew = _batches(over), _batches(restated)
    some = [()] * (len(gone) - 1) + _batches(fresh)  # what is closed makes room for what is opened
    for opening, closing, saying in zip_longest(some, gone, anew, fillvalue=()):
        execute(RecordFindings(opened=opening, closed=closing, restated=saying), by=WORKER, reason=reason)


def _batches(things: Sequence[T]) -> list[tuple[T, ...]]:
    return [tuple(things[start : start + MOST_AT_ONCE]) for start in range(0, len(things), MOST_AT_ONCE)]


def close_more() -> None:
    """Close what says that there are more than are listed where that is over."""
    keys = open_keys(room.MORE)
    if not keys:
        return
    answered = {each.key for each in findings(state="acknowledged")}
    open_ = taking_room()
    report([], {key for key in keys if room.is_over(key, open_, answered=key in answered)}, reason="there is room")


def report_all(prefix: str, noticed: Sequence[Noticed], *, reason: str = "checked the logs") -> None:
    """Let `noticed` be all that is open of what has a key with this prefix."""
    report(noticed, open_keys(prefix) - {each.key for each in noticed}, reason=reason)
