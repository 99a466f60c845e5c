"""The process's way into the calls stream: a bounded queue and the one thread that makes it durable, in groups."""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge

from governance.compliance import events, writer
from governance.compliance.events import Draft
from governance.compliance.values import CallRecord
from governance.kernel.clock import now

CAPACITY = 10_000
BATCH = 1_000
BACKOFF_S = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
STOP_S = 5.0

dropped = Counter("governor_calls_dropped_total", "Calls that were not recorded because the queue was full")
written = Counter("governor_calls_written_total", "Calls that were made durable")
waiting = Gauge("governor_calls_waiting", "Calls recorded but not yet durable", multiprocess_mode="livesum")
stuck = Gauge("governor_calls_stuck", "1 while the calls stream cannot be written", multiprocess_mode="livemax")
log = structlog.get_logger(__name__)


class CallStream:
    """Takes calls from any thread and writes them in the order in which they came.

    A call counts as recorded once its group is committed; a killed process loses at most what is still waiting,
    which nobody was told is durable. When the queue is full the call is dropped and counted, and the number is
    itself recorded as soon as there is room. While the database refuses, the group in hand is kept and tried again.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._arrived, self._settled = threading.Condition(self._lock), threading.Condition(self._lock)
        # Guarded by _lock:
        self._queue: deque[tuple[CallRecord, datetime]] = deque()
        self._in_hand = 0
        self._accepted = 0
        self._durable = 0
        self._lost = 0
        self._lost_since: datetime | None = None
        self._stop_by = 0.0
        self._thread: threading.Thread | None = None

    def record(self, call: CallRecord) -> None:
        """Take `call`; never blocks on the database and never raises."""
        with self._lock:
            if len(self._queue) + self._in_hand >= self._capacity or self._stopping.is_set():
                self._lost += 1
                self._lost_since = self._lost_since or now()
                dropped.inc()
                return
            self._queue.append((call, now()))
            self._accepted += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="calls-writer", daemon=True)
                self._thread.start()
            self._arrived.notify()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything recorded so far is durable; False when it is not after `timeout_s`."""
        with self._lock:
            target = self._accepted
            return self._settled.wait_for(lambda: self._durable >= target, timeout_s)

    def stop(self, timeout_s: float = STOP_S) -> bool:
        """Take nothing more, write what is waiting, and end; False when it could not all be written in time."""
        with self._lock:
            self._stop_by = time.monotonic() + timeout_s
            self._stopping.set()
            self._arrived.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._durable >= self._accepted

    def _run(self) -> None:
        try:
            while batch := self._next():
                self._write(batch)
        finally:
            writer.close()

    def _next(self) -> list[tuple[CallRecord, datetime]]:
        """The next group, waiting for one; empty when stopping and nothing is left."""
        with self._lock:
            self._arrived.wait_for(lambda: self._queue or self._stopping.is_set())
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._in_hand = len(batch)
            waiting.set(self._in_hand + len(self._queue))
            if self._lost_since is not None and batch:
                batch.append((events.dropped(self._lost, self._lost_since), now()))
                self._lost, self._lost_since = 0, None
        return batch

    def _write(self, batch: Sequence[tuple[CallRecord, datetime]]) -> None:
        """Make the group durable, however often it takes; at the stop, give up after the last delay."""
        drafts = [_draft(call, at) for call, at in batch]
        failures = 0
        while not self._try(drafts, again=failures > 0):
            if self._stopping.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]):
                if time.monotonic() > self._stop_by:
                    return
                time.sleep(BACKOFF_S[0])
            failures += 1
        with self._lock:
            self._durable += self._in_hand
            self._in_hand = 0
            waiting.set(len(self._queue))
            self._settled.notify_all()

    def _try(self, drafts: Sequence[Draft], *, again: bool) -> bool:
        try:
            writer.append(drafts, again=again)
        except Exception:  # the outermost edge of this thread: keep the group and try again
            stuck.set(1)
            log.exception("calls stream cannot be written", waiting=len(drafts) + len(self._queue))
            writer.close()
            return False
        stuck.set(0)
        written.inc(len(drafts))
        return True


def _draft(call: CallRecord, at: datetime) -> Draft:
    try:
        return events.draft(call, at)
    except Exception:  # one call of a wrong form must not stop all others; that there was one is recorded
        log.exception("call has no form that can be recorded", action=call.action)
        return events.draft(events.dropped(1, at), at)


_guard = threading.Lock()
_stream: CallStream | None = None


def calls() -> CallStream:
    """The stream of this process."""
    global _stream
    stream = _stream
    if stream is None:
        with _guard:
            stream = _stream = CallStream() if _stream is None else _stream
    return stream


def stop_calls(timeout_s: float = STOP_S) -> None:
    """Make durable what this process recorded; the next use of calls() starts anew."""
    global _stream
    with _guard:
        stream, _stream = _stream, None
    if stream is not None and not stream.stop(timeout_s):
        log.critical("calls stream stopped with calls not written")


def _forget() -> None:
    """In a forked child the parent's thread and queue are not there."""
    global _guard, _stream
    _guard, _stream = threading.Lock(), None


atexit.register(stop_calls)
os.register_at_fork(after_in_child=_forget)
