"""One hop from the event loop into a thread that may use the database, and one hop back."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

# Writers queue for the ledger's lock anyway; a few threads keep reads from waiting behind them.
THREADS = 8
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="hop")


async def hop(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a database thread with this task's context variables, and wait for it.

    Cancelling the caller does not stop work that has begun: a command is never cut in half.
    """
    call = partial(contextvars.copy_context().run, _fresh, partial(work, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_pool, call)


def _fresh(work: Callable[[], T]) -> T:
    close_old_connections()  # a connection that the server closed meanwhile is replaced, not used
    return work()
