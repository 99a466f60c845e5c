"""Active health checks of servers that demand certificates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.tls.peers import peer_of
from gateway.xds.fleet import Fleet
from gateway.xds.health import Credentials, HealthChecks
from gateway.xds.trust import Secret
from tests.gateway.xds.authority import TestAuthority, uri
from tests.gateway.xds.fleets import endpoint, fleet, governed
from tests.gateway.xds.test_health import Reported
from tests.gateway.xds.wire import settle


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


class Seen(health.aio.HealthServicer):  # type: ignore[misc]  # grpc_health has no types
    """A health service that notes who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.serials: list[str] = []

    async def Check(  # noqa: N802  (the method's name)
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        peer = peer_of(context.auth_context())
        self.serials.append(peer.serial if peer else "")
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


@asynccontextmanager
async def server(authority: TestAuthority, dns: str = "checkout.default.svc") -> AsyncIterator[tuple[int, Seen]]:
    running, seen = grpc.aio.server(options=[("grpc.so_reuseport", 0)]), Seen()
    health_pb2_grpc.add_HealthServicer_to_server(seen, running)
    own = authority.secret("checkout", dns=[dns], uris=[uri("checkout")])
    port = running.add_secure_port("127.0.0.1:0", authority.server_credentials(own))
    await running.start()
    yield port, seen
    await running.stop(None)


def served(authority: TestAuthority, port: int, *, mutual: bool = True, revision: int = 1) -> Fleet:
    trust = authority.trust(mutual={"default/checkout": [uri("checkout")]} if mutual else {})
    one = endpoint("c0", port=port, health="unknown")
    return fleet(revision, governed(endpoints=[one]), trust=trust)


@asynccontextmanager
async def checking(credentials: Credentials) -> AsyncIterator[tuple[HealthChecks, Reported]]:
    reported = Reported()
    running = HealthChecks(reported, credentials=credentials)
    running.start()
    yield running, reported
    await running.stop()


async def test_a_server_that_demands_a_certificate_is_shown_one_and_the_next_one_once_it_is_renewed(
    authority: TestAuthority,
) -> None:
    def shown(secret: Secret) -> grpc.ChannelCredentials:
        return authority.channel_credentials(secret)

    first, second = authority.secret("control-plane"), authority.secret("control-plane")
    current = {("default", "checkout"): shown(first)}
    async with server(authority) as (port, seen), checking(current.get) as (running, reported):
        running.watch(served(authority, port))
        await reported.until(c0="healthy")
        assert set(seen.serials) == {first.serial}
        current["default", "checkout"] = shown(second)
        await settle(lambda: second.serial in seen.serials, what="a check with the new certificate")


async def test_a_server_of_another_service_is_not_taken_for_it(authority: TestAuthority) -> None:
    credentials = authority.channel_credentials(authority.secret("control-plane"))
    async with (
        server(authority, "pay.default.svc") as (port, _),
        checking(lambda service: credentials) as (
            running,
            reported,
        ),
    ):
        running.watch(served(authority, port))
        await reported.until(c0="unhealthy")


async def test_without_a_certificate_to_show_nothing_is_said_of_it_and_then_it_is_checked(
    authority: TestAuthority,
) -> None:
    asked, own = asyncio.Event(), authority.channel_credentials(authority.secret("control-plane"))
    ready = False

    def credentials(service: tuple[str, str]) -> grpc.ChannelCredentials | None:
        asked.set()
        return own if ready else None

    async with server(authority) as (port, _), checking(credentials) as (running, reported):
        running.watch(served(authority, port))
        await asyncio.wait_for(asked.wait(), 5)
        assert reported.health == {}
        ready = True
        await reported.until(c0="healthy")


async def test_a_service_that_turns_to_mutual_tls_is_checked_by_it(authority: TestAuthority) -> None:
    own = authority.channel_credentials(authority.secret("control-plane"))
    async with server(authority) as (port, _), checking(lambda service: own) as (running, reported):
        running.watch(served(authority, port, mutual=False))
        await reported.until(c0="unhealthy")
        running.watch(served(authority, port, revision=2))
        await reported.until(c0="healthy")
