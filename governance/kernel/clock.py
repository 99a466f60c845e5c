"""The one place that reads the time, so that tests can move it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_read: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731  (replaced whole by `moved`)


def now() -> datetime:
    """The current time, aware and in UTC."""
    return _read()


@contextmanager
def moved(read: Callable[[], datetime]) -> Iterator[None]:
    """Replace the clock of this process while the block runs."""
    global _read
    before, _read = _read, read
    try:
        yield
    finally:
        _read = before


def stamp(at: datetime) -> str:
    """`at` as RFC 3339 in UTC with milliseconds, the form of every recorded time: 2026-11-23T08:00:00.000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
