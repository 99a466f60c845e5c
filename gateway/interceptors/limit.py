"""Keeps one caller from crowding out the others."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from gateway.interceptors.call import Call
from gateway.interceptors.chain import Interceptor, Proceed
from governance.kernel.errors import TooMany

MAX_CALLERS = 10_000


class OverLimit(TooMany):
    """The caller's bucket is empty; it holds a call again after `retry_after_s`."""

    def __init__(self, *, retry_after_s: float) -> None:
        super().__init__(f"too many calls; try again in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class Buckets:
    """A token bucket per key: `burst` calls at once, `per_s` in the long run.

    Beyond MAX_CALLERS the least recently seen key is dropped, which hands it a full bucket when it returns.
    """

    def __init__(self, *, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one call from the bucket of `key`: 0 when it was there, else the seconds until it will be."""
        now = self._clock()
        level, at = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._per_s)
        allowed = level >= 1
        self._levels[key] = (level - 1 if allowed else level, now)
        if len(self._levels) > MAX_CALLERS:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._per_s


class Limit(Interceptor):
    """Counts calls per actor, and per address for callers without a name."""

    name = "limit"

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call, or refuse it with OverLimit."""
        actor = call.actor
        key = call.address or "local" if actor.kind == "stranger" else f"{actor.kind}:{actor.name}"
        if wait_s := self._buckets.take(key):
            raise OverLimit(retry_after_s=wait_s)
        return await proceed()
