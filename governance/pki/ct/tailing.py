"""Reads the logs from where it stopped: what they show is believed, then looked at, and only then passed over.

Whoever is killed has passed over nothing that was not reported, and what is looked at twice is reported once. A log
that lies is not read on; somebody who acknowledges a lasting lie lets it go on in the next round, and not within the
command: what is known of logs is in another database than the ledger.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from threading import BoundedSemaphore
from time import monotonic

import structlog
from django.db import connections

from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.pki.ct import deadline
from governance.pki.ct.believing import believed_head, caught
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.logs import Log
from governance.pki.ct.logset import view_of
from governance.pki.ct.logstates import is_read, lie_key, readable_logs
from governance.pki.ct.mine import Mine, mine
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.noticing import look_at
from governance.pki.ct.reading import LoggedEntry, LogView
from governance.pki.ct.reporting import report
from governance.pki.observe import logs as observe
from governance.pki.queries.findings import findings
from governance.pki.queries.logs import KnownLogView, known_log, known_logs

# Of a public log of today some 100 entries a second are new; a round every 30 s reads three times as many.
MOST_PER_ROUND = 10_240
PAGE = 512
READING_S, ROUND_S, GRACE_S = 20.0, 25.0, 5.0
AT_ONCE = 4
# A log that lets us wait keeps its round from ending; the next one reads the others, and there is none beyond that.
_rounds = BoundedSemaphore(2)
# A reader that was killed keeps others away for this long. One that lives says so with each page.
CLAIM = timedelta(seconds=60)
log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Reading:
    """What became of one log in a round.

    `lie` is what this round caught it at, and `lie_before` what somebody had before, which may be over by now.
    """

    log: Log
    read: int = 0
    asked: bool = False  # its newest head is believed
    lie: Misbehaved | None = None
    lie_before: Misbehaved | None = None
    lag_before: int = 0
    lag: int = 0
    last_ms: int | None = None  # when the last entry that was looked at was logged

    @property
    def honest(self) -> bool:
        """Whether the log was read, and nothing was wrong with what it showed."""
        return self.asked and self.lie is None


def read_logs() -> list[Reading]:
    """One round over all logs that are searched; those that another reads at the moment are left to it.

    What is wrong with the logs themselves is told by `logalarms.tell`.
    """
    if not _rounds.acquire(blocking=False):
        return []
    try:
        return _round()
    finally:
        _rounds.release()


def _round() -> list[Reading]:
    logs, _ = readable_logs()
    wanted = _longest_waiting([each for each in logs if is_read(each, now())])
    ours, until = mine(), monotonic() + ROUND_S
    # Nothing is asked beyond the end, so that each thread ends soon after; until then its log is held by its claim.
    ends_at = until + READING_S + GRACE_S
    pool = ThreadPoolExecutor(AT_ONCE, "logs", initializer=deadline.end_at, initargs=(ends_at,))
    try:
        begun = [pool.submit(_in_thread, each, ours, until) for each in wanted]
        over, _ = wait(begun, timeout=max(0.0, ends_at + GRACE_S - monotonic()))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [reading for each in begun if each in over and (reading := each.result()) is not None]


def _longest_waiting(logs: Sequence[Log]) -> list[Log]:
    """Ours and the pinned ones, then the rest, so that none waits for ever when a round is cut off."""
    known = known_logs([each.log_id.hex() for each in logs])

    def place(each: Log) -> tuple[bool, float]:
        found = known.get(each.log_id.hex())
        return each.source == "listed", found.read_at.timestamp() if found and found.read_at else 0.0

    return sorted(logs, key=place)


def _in_thread(of: Log, ours: Mine, until: float) -> Reading | None:
    if monotonic() >= until:
        return None
    try:
        return read_log(of, ours)
    except Exception:  # the edge of the thread: what nobody thought of in one log must not hide the others
        log.exception("a log cannot be read", log=of.description)
        observe.unreadable(of.log_id.hex(), "reading it failed; the reason is in the server's log", at=now())
        return Reading(log=of)
    finally:
        connections.close_all()


def read_log(of: Log, ours: Mine) -> Reading | None:
    """Read one log on for a while; None when another does so at the moment."""
    log_id = of.log_id.hex()
    claim = observe.take(log_id, at=now(), lasting=CLAIM)
    if not claim:
        return None
    try:
        return _Reader(of, ours, claim).read()
    finally:
        observe.let_go(log_id, claim)


class _Reader:
    """One log while it is read, under a claim."""

    def __init__(self, of: Log, ours: Mine, claim: str) -> None:
        self._log_id, self._ours, self._claim = of.log_id.hex(), ours, claim
        self._reading = Reading(log=of)
        self._until = monotonic() + READING_S

    def read(self) -> Reading:
        """Believe the newest head, and look at what is new; whatever goes wrong is stored, and is no exception."""
        reading, known = self._reading, _forgiven(self._reading.log, known_log(self._log_id))
        reading.lag_before = max(0, known.size - known.next_index)
        if known.lie:
            evidence = known.lie_evidence
            reading.lie_before = Misbehaved(known.lie, known.lie_message, evidence)  # type: ignore[arg-type]
        try:
            view = view_of(reading.log)
            head = believed_head(view, reading=True)
            reading.asked = True
            self._pages(view, head, _start(reading.log, known, head))
        except Misbehaved as lie:
            reading.lie = lie
        except GovernanceError as error:
            log.warning("a log cannot be read", log=reading.log.description, reason=str(error))
            observe.unreadable(self._log_id, str(error), at=now())
        return reading

    def _pages(self, view: LogView, head: Head, start: int) -> None:
        """Look at some thousand entries from `start`, page by page; a page is over when it is reported."""
        stop = min(head.size, start + MOST_PER_ROUND)
        self._reading.lag = head.size - start
        if start >= stop:
            self._passed(head, start)
        while start < stop and monotonic() < self._until:
            end = min(stop, (start // PAGE + 1) * PAGE)
            page = _authentic(view, start, end, head)
            looked = look_at(view.log, page, self._ours, at=now())
            if not observe.hold_on(self._log_id, self._claim, at=now(), lasting=CLAIM):
                return  # it took so long that another reads it by now
            report(looked.noticed, reason="found in a log")  # which says so itself when there is no room for all
            self._passed(head, looked.until)
            self._reading.read += looked.until - start
            self._reading.last_ms = page[-1].timestamp_ms
            start = looked.until
            if start < end:
                return

    def _passed(self, head: Head, index: int) -> None:
        """All entries before this one are done with, and the log could be read."""
        observe.looked_at(self._log_id, index, at=now())
        self._reading.lag = head.size - index


def _authentic(view: LogView, start: int, end: int, head: Head) -> list[LoggedEntry]:
    """A page of entries, all of which are in the tree: one that is not spoils them all."""
    try:
        return list(view.entries(start, end, head))
    except Misbehaved as lie:
        caught(view, lie)
        raise


def _start(of: Log, known: KnownLogView, head: Head) -> int:
    """The first entry to look at. A log of the whole world has more behind it than anybody can read."""
    new = known.next_index == 0 and not (known.checkpoint and known.size == 0)
    return head.size if of.source == "listed" and new else min(known.next_index, head.size)


def _forgiven(of: Log, known: KnownLogView) -> KnownLogView:
    """What is known of the log, without a lasting lie that somebody acknowledged.

    It begins anew with whatever it shows next. Ours, and one that somebody pinned, is looked at from its first entry
    on, as what was there may be another now.
    """
    if known.lie not in observe.LASTING:
        return known
    key = lie_key(known.log_id, known.lie, known.lie_evidence or {})
    if not any(each.key == key and each.acknowledged_at for each in findings(kind="log_lies")):
        return known
    log.warning("a log goes on that lied", log=of.description, lie=known.lie)
    observe.forgiven(known.log_id, next_index=known.next_index if of.source == "listed" else 0)
    return known_log(known.log_id)
