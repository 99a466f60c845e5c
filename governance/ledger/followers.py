"""Followers read the ledger from their own cursor and make the rest of the house agree with it."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from django.db import close_old_connections, connections
from prometheus_client import Gauge

from governance.kernel.clock import now
from governance.ledger import queries, wake
from governance.ledger.models import Cursor
from governance.ledger.queries import Entry

POLL_S = 1.0
BATCH = 500
TELL_MOVED_S, TELL_ALIVE_S = 0.5, 5.0
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)

lag = Gauge(
    "governor_follower_lag_facts",
    "Facts recorded but not yet applied by a follower",
    ["follower"],
    multiprocess_mode="livemax",
)
log = structlog.get_logger(__name__)

Apply = Callable[[Sequence[Entry]], None]


class Follower(threading.Thread):
    """Calls `apply` with every fact after its cursor, in order, then moves the cursor.

    With `after` it starts there and keeps its cursor in memory (a follower that rebuilds its state at each start);
    without, it resumes where its stored cursor stands. `apply` must be harmless when called twice with the same
    facts: after a crash they come again. While `apply` fails the cursor stays parked, `error` says why, and it is
    tried again; other followers are not held up. `behind` is the lag in facts.
    """

    def __init__(self, name: str, apply: Apply, *, after: int | None = None) -> None:
        super().__init__(name=f"follower-{name}", daemon=True)
        self.follower = name
        self.error = ""
        self.behind = 0
        self.revision = after or 0
        self._apply = apply
        self._resume = after is None
        self._stopping = threading.Event()
        self._told = ("", -1, float("-inf"))

    def stop(self, timeout_s: float = 5.0) -> None:
        """End after the batch in hand."""
        self._stopping.set()
        wake.ring()
        if self.is_alive():
            self.join(timeout_s)

    def run(self) -> None:
        """Follow until stopped."""
        bell = wake.listen(self.follower)
        failures = 0
        try:
            while not self._stopping.is_set():
                try:
                    self._start_once()
                    busy = self._step()
                    failures, self.error = 0, ""
                except Exception as error:  # the outermost edge of this thread: park and say so
                    self.error = f"{type(error).__name__}: {error}"
                    log.exception("follower parked", follower=self.follower, revision=self.revision)
                    close_old_connections()
                    self._stopping.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
                    failures += 1
                    busy = True
                self._tell()
                if not busy:
                    bell.wait(POLL_S)
            self._tell(last=True)
        finally:
            bell.close()
            connections.close_all()

    def _start_once(self) -> None:
        if self._resume:
            stored = Cursor.objects.filter(follower=self.follower).values_list("revision", flat=True).first()
            self.revision, self._resume = stored or 0, False

    def _step(self) -> bool:
        entries = queries.after(self.revision, limit=BATCH)
        if entries:
            self._apply(entries)
            self.revision = entries[-1].revision
        self.behind = max(0, queries.head_revision() - self.revision) if len(entries) == BATCH else 0
        lag.labels(self.follower).set(self.behind)
        return len(entries) == BATCH

    def _tell(self, *, last: bool = False) -> None:
        """Store the cursor: at once when the error changed, else not too often, for it takes the ledger's lock."""
        if self.error:
            self._measure()
        error, revision, told_at = self._told
        if error == self.error and not last:
            pause = TELL_MOVED_S if revision != self.revision else TELL_ALIVE_S
            if time.monotonic() - told_at < pause:
                return
        try:
            Cursor.objects.update_or_create(
                follower=self.follower,
                defaults={"revision": self.revision, "seen_at": now(), "error": self.error},
            )
            self._told = (self.error, self.revision, time.monotonic())
        except Exception:  # the cursor is stored at the next chance; applying again is harmless
            log.warning("cursor not stored", follower=self.follower, exc_info=True)

    def _measure(self) -> None:
        try:
            self.behind = max(0, queries.head_revision() - self.revision)
            lag.labels(self.follower).set(self.behind)
        except Exception:  # without a database the last figure stands
            log.warning("lag not measured", follower=self.follower)
