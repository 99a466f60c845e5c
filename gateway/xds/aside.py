"""Work with the database beside the event loop, in threads of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

_pool = ThreadPoolExecutor(2, thread_name_prefix="xds")


async def aside(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread that may use the database, and wait for it; what has begun is finished."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _fresh, partial(work, *args, **kwargs))


def _fresh(work: Callable[[], T]) -> T:
    close_old_connections()  # a connection that the server closed meanwhile is replaced, not used
    return work()
