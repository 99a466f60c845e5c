"""Counts and times calls for Prometheus."""

from typing import Any

import grpc
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from gateway.interceptors.call import Call
from gateway.interceptors.chain import Interceptor, Proceed

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics(Interceptor):
    """Calls by method, code and door; unknown methods share one label, since strangers choose their names.

    Streams are counted but not timed: how long one stays open says nothing about the server.
    """

    name = "metrics"

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        by_method = ("door", "method")
        self._calls = Counter(
            "governor_calls", "Calls that ended, refused ones included", (*by_method, "code"), registry=registry
        )
        self._seconds = Histogram(
            "governor_call_seconds", "Duration of unary calls", by_method, buckets=_SECONDS, registry=registry
        )
        self._open = Gauge(
            "governor_calls_open", "Calls being served", by_method, registry=registry, multiprocess_mode="livesum"
        )
        # `labels` takes a lock and checks its arguments, so what it returns is kept.
        self._kept: dict[tuple[str, str], _Series] = {}

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call and count it under the status it ends with."""
        series = self._series(call)
        series.open.inc()
        try:
            return await proceed()
        finally:
            series.open.dec()
            series.count(call)

    def refused(self, call: Call) -> None:
        """Count the refusal."""
        self._series(call).count(call)

    def _series(self, call: Call) -> "_Series":
        key = call.door, call.method if call.known else "unknown"
        series = self._kept.get(key)
        if series is None:
            made = _Series(self._calls, self._seconds.labels(*key), self._open.labels(*key), key)
            series = self._kept[key] = made
        return series


class _Series:
    """The time series of one method at one door."""

    __slots__ = ("_calls", "_ended", "_key", "_seconds", "open")

    def __init__(self, calls: Counter, seconds: Histogram, open_now: Gauge, key: tuple[str, str]) -> None:
        self.open = open_now
        self._calls = calls
        self._seconds = seconds
        self._key = key
        self._ended: dict[grpc.StatusCode, Counter] = {}

    def count(self, call: Call) -> None:
        """Count `call` as ended."""
        code = call.status.code
        ended = self._ended.get(code)
        if ended is None:
            ended = self._ended[code] = self._calls.labels(*self._key, code.name)
        ended.inc()
        if call.kind == "unary_unary":
            self._seconds.observe(call.duration_us / 1e6)
