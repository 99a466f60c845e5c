"""Work that is done again and again on the event loop, and once more at the end."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable


class Periodic:
    """Awaits `work` every `every_s` seconds, less often when it takes more than a fifth of the time."""

    def __init__(self, work: Callable[[], Awaitable[None]], *, every_s: float) -> None:
        self._work, self._every_s = work, every_s
        self._task: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish what is under way, then do the work a last time."""
        self._ending.set()
        if self._task is not None:
            await self._task
        await self._work()

    async def _run(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            await self._work()
            pause_s = max(self._every_s, 4 * (time.monotonic() - began))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause_s)
