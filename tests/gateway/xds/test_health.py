"""Active health checks against real servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.xds.health import AT_ONCE, Flips, HealthChecks
from governance.registry.values import Health
from governance.traffic.values import Balancing
from tests.gateway.xds.fleets import endpoint, fleet, governed
from tests.gateway.xds.wire import PATIENCE_S


class Reported:
    """What was reported, and a bell for it."""

    def __init__(self) -> None:
        self.health: dict[str, Health] = {}
        self.detail: dict[str, str] = {}
        self.batches = 0
        self.rang = asyncio.Event()

    async def __call__(self, flips: Flips) -> None:
        self.batches += 1
        for path, (found, detail) in flips.items():
            self.health[path.rsplit("/", 1)[1]], self.detail[path.rsplit("/", 1)[1]] = found, detail
        self.rang.set()

    async def until(self, **wanted: Health) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while any(self.health.get(name) != found for name, found in wanted.items()):
                self.rang.clear()
                await self.rang.wait()


@asynccontextmanager
async def server(*, protocol: bool = True, status: str = "SERVING") -> AsyncIterator[int]:
    """A gRPC server; without `protocol` it knows no health service."""
    running = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    if protocol:
        servicer = health.aio.HealthServicer()
        await servicer.set("", health_pb2.HealthCheckResponse.ServingStatus.Value(status))
        health_pb2_grpc.add_HealthServicer_to_server(servicer, running)
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    yield port
    await running.stop(None)


@pytest.fixture
async def checks() -> AsyncIterator[tuple[HealthChecks, Reported]]:
    reported = Reported()
    running = HealthChecks(reported)
    running.start()
    yield running, reported
    await running.stop()


async def test_what_serves_is_healthy_and_what_does_not_is_unhealthy(checks: tuple[HealthChecks, Reported]) -> None:
    running, reported = checks
    async with server() as well, server(status="NOT_SERVING") as sick, server(protocol=False) as silent:
        endpoints = [
            endpoint(name, port=port, health="unknown")
            for name, port in (("well", well), ("sick", sick), ("silent", silent), ("gone", 1))
        ]
        running.watch(fleet(1, governed(endpoints=endpoints)))
        await reported.until(well="healthy", silent="healthy", sick="unhealthy", gone="unhealthy")
        assert reported.detail["sick"] == "NOT_SERVING"
        assert reported.detail["gone"].startswith("UNAVAILABLE")


async def test_what_is_believed_already_is_not_reported(checks: tuple[HealthChecks, Reported]) -> None:
    running, reported = checks
    async with server() as well, server() as new:
        running.watch(
            fleet(1, governed(endpoints=[endpoint("well", port=well), endpoint("new", port=new, health="unknown")]))
        )
        await reported.until(new="healthy")
        assert "well" not in reported.health


async def test_an_endpoint_that_left_is_not_checked_any_more(checks: tuple[HealthChecks, Reported]) -> None:
    running, _ = checks
    running.watch(fleet(1, governed(endpoints=[endpoint("a", port=1), endpoint("b", port=2)])))
    running.watch(fleet(2, governed(endpoints=[endpoint("b", port=2)])))
    assert set(running.watched) == {"default/checkout/b"}


async def test_two_thousand_endpoints_are_checked_from_one_loop(checks: tuple[HealthChecks, Reported]) -> None:
    running, reported = checks
    async with server() as port:
        endpoints = [endpoint(f"e{n}", port=port, health="unknown") for n in range(2000)]
        running.watch(fleet(1, governed(endpoints=endpoints)))
        async with asyncio.timeout(60):
            while len(reported.health) < 2000:
                reported.rang.clear()
                await reported.rang.wait()
        assert reported.batches < 1000  # flips travel together
        await running.stop()


async def test_servers_that_never_answer_hold_up_their_own_namespace_alone(
    checks: tuple[HealthChecks, Reported],
) -> None:
    running, reported = checks
    writers, full = [], asyncio.Event()

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if len(writers) == AT_ONCE:
            full.set()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as silent, server() as well:
        port = silent.sockets[0].getsockname()[1]
        mute = [endpoint(f"m{n}", port=port, health="unknown") for n in range(AT_ONCE + 6)]
        patient = Balancing(policy="round_robin", timeout_ms=60_000)
        stuck = governed("mute", namespace="other", endpoints=mute, balancing=patient)
        running.watch(fleet(1, stuck))
        await asyncio.wait_for(full.wait(), PATIENCE_S)
        running.watch(fleet(2, stuck, governed(endpoints=[endpoint("well", port=well, health="unknown")])))
        await reported.until(well="healthy")
        running.watch(fleet(3))
        for writer in writers:
            writer.close()
