"""A client's channel whose certificate changes while it calls."""

import asyncio
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.tls.channels import HotChannel
from gateway.tls.hot import HotCredentials
from gateway.tls.pair import Pair
from gateway.tls.peers import peer_of
from governance.kernel.errors import Invalid
from tests.gateway.tls.issuing import House, seconds
from tests.gateway.tls.wires import Served, chat, echoed, refusal, say, serving, until

NAMED = (("grpc.ssl_target_name_override", "localhost"),)


@pytest.fixture(scope="module")
def house() -> House:
    return House()


@pytest.fixture
def hot(house: House) -> HotCredentials:
    return HotCredentials(house.server(), require_client_certificate=True, roots_pem=house.roots_pem)


class Callers:
    """An act that notes whose certificate each message came with."""

    def __init__(self) -> None:
        self.serials: list[str] = []

    async def __call__(self, _: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        peer = peer_of(context.auth_context())
        self.serials.append(peer.serial if peer else "")


def channel_to(served: Served, house: House, pair: Pair) -> HotChannel:
    return HotChannel(served.target, pair, roots_pem=house.roots_pem, options=NAMED)


def connections(served: Served) -> int:
    """How many TCP connections to the server are open."""
    tables = (Path("/proc/net") / name for name in ("tcp", "tcp6"))  # gRPC speaks IPv4 through sockets of IPv6
    lines = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    return sum(1 for line in lines if line[2].endswith(f":{served.port:04X}") and line[3] == "01")


async def test_three_changes_lose_no_call_and_the_old_connection_ends_with_its_last_call(
    house: House, hot: HotCredentials
) -> None:
    pairs = [house.client() for _ in range(4)]
    callers, changing, answered = Callers(), True, 0
    async with serving(hot, act=callers) as served, channel_to(served, house, pairs[0]) as channel:

        async def keep_calling() -> None:
            nonlocal answered
            while changing:
                assert await say(channel) == b"hello"
                answered += 1

        stream = chat(channel)
        assert await echoed(stream, b"open")
        calling = [asyncio.ensure_future(keep_calling()) for _ in range(3)]
        for pair in pairs[1:]:
            channel.use(pair, roots_pem=house.roots_pem)
            await channel.settled()
            before = answered
            while answered < before + 300 and not any(each.done() for each in calling):
                await asyncio.wait(calling, timeout=0.05)
            assert callers.serials[-1] == pair.serial
        changing = False
        await asyncio.gather(*calling)
        assert await echoed(stream, b"still open")
        assert callers.serials[-1] == pairs[0].serial
        await until(lambda: connections(served) == 2, "those that were in between are closed")
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        del stream  # a call that is kept keeps its connection
        await until(lambda: connections(served) == 1, "the first is closed")
        assert await say(channel) == b"hello"


async def test_generated_stubs_work_on_it(house: House, hot: HotCredentials) -> None:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_secure_port("127.0.0.1:0", hot.credentials())
    await server.start()
    async with channel_to(Served([port]), house, house.client()) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
        channel.use(house.client(), roots_pem=house.roots_pem)
        await channel.settled()
        async for answer in stub.Watch(health_pb2.HealthCheckRequest()):
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            break
        await channel.channel_ready()
        assert channel.get_state() is grpc.ChannelConnectivity.READY
    await server.stop(0)


async def test_a_certificate_that_the_server_does_not_know_yet_costs_no_call(house: House) -> None:
    old, other, server = house.client(), House("other"), house.server()
    fresh, callers = other.client(), Callers()
    hot = HotCredentials(server, require_client_certificate=True, roots_pem=house.roots_pem)
    async with serving(hot, act=callers) as served, channel_to(served, house, old) as channel:
        assert await say(channel) == b"hello"
        channel.use(fresh, roots_pem=house.roots_pem)
        settled = asyncio.ensure_future(channel.settled())
        await asyncio.wait({settled}, timeout=0.5)
        assert (settled.done(), channel.pair) == (False, old)
        assert await say(channel) == b"hello"
        hot.use((), default=server, roots_pem=house.roots_pem + other.roots_pem)
        await settled
        assert await say(channel) == b"hello"
    assert callers.serials == [old.serial, old.serial, fresh.serial]


async def test_a_later_change_replaces_one_that_waits(house: House, hot: HotCredentials) -> None:
    unknown, known, callers = House("other").client(), house.client(), Callers()
    async with serving(hot, act=callers) as served, channel_to(served, house, house.client()) as channel:
        assert await say(channel) == b"hello"
        assert connections(served) == 1
        channel.use(unknown, roots_pem=house.roots_pem)
        channel.use(known, roots_pem=house.roots_pem)
        await channel.settled()
        assert await say(channel) == b"hello"
        await until(lambda: connections(served) == 1, "the others are closed")
    assert callers.serials[-1] == known.serial


async def test_distrust_can_be_at_once(house: House, hot: HotCredentials) -> None:
    other, pair = House("other"), house.client()
    async with serving(hot) as served, channel_to(served, house, pair) as channel:
        assert await say(channel) == b"hello"
        channel.use(pair, roots_pem=other.roots_pem, at_once=True)
        assert (await refusal(say(channel)))[0] is grpc.StatusCode.UNAVAILABLE
        channel.use(pair, roots_pem=house.roots_pem)
        await channel.settled()
        assert await say(channel) == b"hello"


async def test_an_expired_certificate_is_given_up_although_its_connection_stands(house: House) -> None:
    old, unknown, server = house.client(life=seconds(3)), House("other").client(), house.server()
    hot = HotCredentials(server, require_client_certificate=True, roots_pem=house.roots_pem)
    async with serving(hot) as served, channel_to(served, house, old) as channel:
        assert await say(channel) == b"hello"
        channel.use(unknown, roots_pem=house.roots_pem)
        await asyncio.wait_for(channel.settled(), 20)
        assert channel.pair == unknown


async def test_what_could_never_work_is_refused_and_changes_nothing(house: House, hot: HotCredentials) -> None:
    pair = house.client()
    expired = house.make(uris=pair.uris, life=seconds(60), at=house.root.not_before).pair
    async with serving(hot) as served, channel_to(served, house, pair) as channel:
        with pytest.raises(Invalid, match="expired at"):
            channel.use(expired, roots_pem=house.roots_pem)
        with pytest.raises(Invalid, match="roots_pem"):
            channel.use(pair, roots_pem=b"garbage")
        await channel.settled()
        assert await say(channel) == b"hello"
        assert channel.pair == pair
    with pytest.raises(Invalid, match="closed"):
        channel.use(pair, roots_pem=house.roots_pem)


async def test_closing_lets_calls_under_way_finish_within_the_grace(house: House, hot: HotCredentials) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(_: bytes, __: object) -> None:
        started.set()
        await release.wait()

    async with serving(hot, act=wait) as served:
        channel = channel_to(served, house, house.client())
        call = asyncio.ensure_future(say(channel))
        await started.wait()
        channel.use(house.client(), roots_pem=house.roots_pem)
        await channel.settled()
        closing = asyncio.ensure_future(channel.close(10))
        release.set()
        await closing
        assert await call == b"hello"
        await until(lambda: connections(served) == 0, "everything is closed")
