"""How many calls a caller may make, and how they are counted."""

from typing import Any

import grpc
from prometheus_client import CollectorRegistry

from gateway.interceptors.chain import Link
from gateway.interceptors.limit import MAX_CALLERS, Buckets, Limit
from gateway.interceptors.metrics import Metrics
from tests.gateway.interceptors.links import (
    SAY,
    details_of,
    every_wire,
    guarded,
)
from tests.gateway.interceptors.wires import Wired, wired


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@every_wire
async def test_a_caller_over_the_limit_is_told_when_to_come_back(wire: str) -> None:
    clock = Clock()
    limit = Limit(Buckets(per_s=0.5, burst=2, clock=clock))
    async with wired(wire, guarded().with_link(Link(5, limit))) as on:

        async def call(name: str) -> Any:
            return await on.call("unary_unary", b"a", metadata={"authorization": name})

        codes = [(await call("alice")).code for _ in range(2)]
        refused = await call("alice")
        others = (await call("bob")).code
        clock.now += 2
        again = [(await call("alice")).code for _ in range(2)]
    assert codes == [grpc.StatusCode.OK] * 2
    assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 2.0 <= details_of(refused.trailing)["RetryInfo"].retry_delay.ToTimedelta().total_seconds() < 2.1
    assert others is grpc.StatusCode.OK
    assert again == [grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED]


def test_the_number_of_remembered_callers_is_bounded() -> None:
    clock = Clock()
    buckets = Buckets(per_s=1, burst=1, clock=clock)
    for number in range(MAX_CALLERS + 10):
        assert buckets.take(str(number)) == 0
    assert buckets.take(str(MAX_CALLERS + 9)) > 0
    assert buckets.take("0") == 0, "the one not seen for longest was forgotten"
    assert len(buckets._levels) == MAX_CALLERS


def count(registry: CollectorRegistry, on: Wired, method: str, code: str) -> float | None:
    return registry.get_sample_value("governor_calls_total", {"door": on.door, "method": method, "code": code})


@every_wire
async def test_calls_are_counted_by_method_and_code_refused_ones_too(wire: str, registry: CollectorRegistry) -> None:
    chain_ = guarded().with_link(Link(5, Metrics(registry)))
    async with wired(wire, chain_) as on:
        for name in ("alice", "alice", "mallory"):
            await on.call("unary_unary", b"a", metadata={"authorization": name})
        await on.call("unary_unary", b"a", method="Whatever")
        await on.call("unary_unary", b"a", method="Nonsense")
    assert count(registry, on, SAY, "OK") == 2
    assert count(registry, on, SAY, "PERMISSION_DENIED") == 1
    assert count(registry, on, "unknown", "UNIMPLEMENTED") == 2
    assert registry.get_sample_value("governor_call_seconds_count", {"door": on.door, "method": SAY}) == 3
    assert registry.get_sample_value("governor_calls_open", {"door": on.door, "method": SAY}) == 0
