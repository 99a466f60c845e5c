"""What waits to be sent to one socket."""

import asyncio
from collections import deque
from collections.abc import Iterable

from gateway.live.lines import Filter, Line, gap

WAITING = 1000
FRAME_CHARS = 200_000  # browsers take any size; common client libraries stop at 1 MiB


class Outbox:
    """A bounded queue of lines; it belongs to one event loop.

    A reader that is too slow loses the oldest lines and is told which. Lines at or before `cursor` are not
    taken again, so that reading back and following live may overlap.
    """

    def __init__(self, filter_: Filter, *, cursor: int, size: int = WAITING) -> None:
        self.filter = filter_
        self.cursor = cursor
        self._lines: deque[Line] = deque()
        self._size = size
        self._lost: tuple[int, int] | None = None
        self.filled = asyncio.Event()

    def offer(self, lines: Iterable[Line]) -> None:
        """Queue those of `lines` that the socket wants; never blocks."""
        for line in lines:
            if line.seq <= self.cursor:
                continue
            self.cursor = line.seq
            if not self.filter.admits(line):
                continue
            if len(self._lines) >= self._size:
                dropped = self._lines.popleft()
                self._lost = (self._lost[0] if self._lost else dropped.seq, dropped.seq)
            self._lines.append(line)
            self.filled.set()

    def take(self) -> str:
        """All that waits as one frame, at most about FRAME_CHARS long; empty when nothing waits."""
        frame: list[str] = []
        length = 0
        if self._lost:
            frame.append(gap(*self._lost))
            self._lost = None
        while self._lines and length < FRAME_CHARS:
            line = self._lines.popleft()
            frame.append(line.text)
            length += len(line.text)
        if not self._lines:
            self.filled.clear()
        return "\n".join(frame)
