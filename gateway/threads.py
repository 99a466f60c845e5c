"""Threads that may use the database, beside an event loop."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """`count` threads whose database connections are replaced, not used, once the server has closed them."""

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a thread with this task's context variables, and wait for it.

        Cancelling the caller does not stop work that has begun: a command is never cut in half.
        """
        call = partial(contextvars.copy_context().run, _fresh, partial(work, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _fresh(work: Callable[[], T]) -> T:
    close_old_connections()
    return work()
