"""The one place of a web process that follows the two streams and hands each event to every socket."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence

import structlog

from gateway.live.aside import aside
from gateway.live.fleet import Pulse
from gateway.live.lines import Line, StreamName, line_of_call, line_of_change
from gateway.live.outbox import Outbox
from governance.compliance import queries as compliance
from governance.ledger import queries as ledger
from governance.ledger.followers import Follower
from governance.ledger.queries import Entry

PAGE = 500
CALLS_POLL_S = 0.25
UNHEARD_POLL_S = 1.0
log = structlog.get_logger(__name__)

Read = Callable[[int], list[Line]]


def _changes_after(seq: int) -> list[Line]:
    return [line_of_change(entry) for entry in ledger.after(seq, limit=PAGE)]


def _calls_after(seq: int) -> list[Line]:
    return [line_of_call(entry) for entry in compliance.after(seq, limit=PAGE)]


class Stream:
    """A stream and its listeners; everything up to `position` was handed out. It belongs to one event loop."""

    def __init__(self, read: Read) -> None:
        self.position = 0
        self._read = read
        self._listeners: set[Outbox] = set()

    @property
    def heard(self) -> bool:
        """Whether anyone listens."""
        return bool(self._listeners)

    async def after(self, seq: int) -> list[Line]:
        """One page of events after `seq`, oldest first."""
        return await aside(self._read, seq)

    def publish(self, lines: Sequence[Line]) -> None:
        """Hand `lines`, which follow `position`, to every listener."""
        if lines:
            self.position = lines[-1].seq
        for outbox in self._listeners:
            outbox.offer(lines)

    @contextlib.contextmanager
    def heard_by(self, outbox: Outbox) -> Iterator[None]:
        """Hand everything after `position` to `outbox` while the block runs."""
        self._listeners.add(outbox)
        try:
            yield
        finally:
            self._listeners.discard(outbox)


class Hub:
    """Follows each stream from the moment it is first asked for."""

    def __init__(self) -> None:
        self.changes = Stream(_changes_after)
        self.calls = Stream(_calls_after)
        self.fleet = Pulse()
        self._loop = asyncio.get_running_loop()
        self._follower: Follower | None = None
        self._starting = asyncio.Lock()
        self._polling: asyncio.Task[None] | None = None

    async def stream(self, name: StreamName) -> Stream:
        """The stream `name`, being followed."""
        async with self._starting:
            if self._follower is None:
                self.changes.position = await aside(ledger.head_revision)
                self._follower = Follower("live", self._apply, after=self.changes.position)
                self._follower.start()
            if name == "calls" and self._polling is None:
                self.calls.position = await aside(compliance.head_seq)
                self._polling = asyncio.create_task(self._poll_calls())
        return self.changes if name == "changes" else self.calls

    async def stop(self) -> None:
        """Follow no longer."""
        self.fleet.stop()
        if self._polling:
            self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._polling
        if self._follower:
            await asyncio.to_thread(self._follower.stop)

    def _apply(self, entries: Sequence[Entry]) -> None:
        """Runs in the follower's thread."""
        lines = [line_of_change(entry) for entry in entries]
        self._loop.call_soon_threadsafe(self._announce, lines)

    def _announce(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if line.action.startswith("pki."):
                self.fleet.certificates[line.namespace] = line.seq
        self.changes.publish(lines)

    async def _poll_calls(self) -> None:
        while True:
            try:
                lines = await self.calls.after(self.calls.position)
            except Exception:  # the outermost edge of this task: the next poll reads the same page
                log.exception("calls not read", position=self.calls.position)
                lines = []
            self.calls.publish(lines)
            if len(lines) < PAGE:
                await asyncio.sleep(CALLS_POLL_S if self.calls.heard else UNHEARD_POLL_S)


_hub: Hub | None = None


def hub() -> Hub:
    """The hub of this process, made on first use by its event loop."""
    global _hub
    if _hub is None:
        _hub = Hub()
    return _hub


async def start() -> None:
    """Follow the changes from now on, so that the first socket need not wait."""
    await hub().stream("changes")


async def stop() -> None:
    """End what the hub of this process runs; the next use makes a new one."""
    global _hub
    if _hub is not None:
        stopping, _hub = _hub, None
        await stopping.stop()
