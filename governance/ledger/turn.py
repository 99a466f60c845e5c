"""Writers of several processes and threads take turns at a SQLite file."""

import fcntl
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections

from governance.kernel.errors import Unavailable

PATIENCE_S = 20.0
PAUSE_S = (0.0005, 0.002)


@contextmanager
def turn(alias: str) -> Iterator[None]:
    """Hold the right to write to the database `alias`; Unavailable when nobody lets go of it for 20 s.

    SQLite alone lets its waiters sleep longer and longer: with 8 writers single ones waited up to 4 s. Here all
    sleep alike, so that none starves. On PostgreSQL the lock of the head row is fair, and this does nothing.
    """
    if connections[alias].vendor != "sqlite":
        yield
        return
    with (settings.GOV.data_dir / f"{alias}.lock").open("w") as file:
        _acquire(file.fileno(), alias)
        yield  # closing the file lets go, and so does the death of the process


def _acquire(file: int, alias: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise Unavailable(f"another process holds the database {alias}; nothing was changed") from None
            time.sleep(random.uniform(*PAUSE_S))  # noqa: S311  (no secret)
        else:
            return
