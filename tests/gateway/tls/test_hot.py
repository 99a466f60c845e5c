"""Certificates that change while a gRPC server serves."""

import asyncio
from pathlib import Path

import grpc
import pytest
from prometheus_client import REGISTRY

from gateway.tls.hot import HotCredentials
from gateway.tls.pair import Pair
from governance.kernel.errors import GovernanceError, Invalid, Unavailable
from governance.pki.keys import make_key
from tests.gateway.tls.issuing import House, seconds
from tests.gateway.tls.wires import (
    Resuming,
    Served,
    chat,
    connected,
    echoed,
    hangs_up,
    kept,
    openssl,
    refusal,
    say,
    serving,
)


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def serving_pair(pair: Pair, house: House) -> HotCredentials:
    return HotCredentials(pair, require_client_certificate=True, roots_pem=house.roots_pem)


async def asked(served: Served, options: tuple[str, ...], name: str = "") -> str:
    """The serial of the certificate with which the server answers a client that asks for `name`."""
    wanted = ("-servername", name) if name else ("-noservername",)
    return (await openssl(served.port, "-alpn", "h2", *wanted, *options)).serial


async def test_three_rotations_lose_no_call_and_end_no_stream(house: House, tmp_path: Path) -> None:
    first = house.server()
    hot, client = serving_pair(first, house), house.client()
    options = kept(tmp_path, client, house.roots_pem)
    rotating, answered = True, 0

    async with serving(hot) as served, connected(served, client, house.roots_pem) as channel:

        async def keep_calling() -> None:
            nonlocal answered
            while rotating:
                assert await say(channel) == b"hello"
                answered += 1

        async def call_anew() -> None:
            """A connection of its own for each call."""
            while rotating:
                async with connected(served, client, house.roots_pem) as once:
                    assert await say(once) == b"hello"

        stream = chat(channel)
        callers = [asyncio.ensure_future(each()) for each in (keep_calling, keep_calling, call_anew)]
        shown = [await asked(served, options)]
        expected = [first.serial]
        for turn in range(3):
            assert await echoed(stream, b"%d" % turn)
            fresh = house.server()
            hot.use((), default=fresh, roots_pem=house.roots_pem)
            expected.append(fresh.serial)
            shown.append(await asked(served, options))
            before = answered
            while answered < before + 1000 and not any(each.done() for each in callers):
                await asyncio.wait(callers, timeout=0.05)
        rotating = False
        await asyncio.gather(*callers)
        assert await echoed(stream, b"still open")
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
    assert shown == expected
    assert answered >= 3000


async def test_each_name_gets_its_certificate_and_an_unknown_one_that_of_nobody(house: House, tmp_path: Path) -> None:
    nobody, red, blue = house.server("nobody.invalid"), house.server("red.example"), house.server("*.blue.example")
    special = house.server("special.blue.example")
    hot = serving_pair(nobody, house)
    hot.use([blue, red, special], default=nobody, roots_pem=house.roots_pem)
    options = kept(tmp_path, house.client(), house.roots_pem)
    async with serving(hot) as served:
        assert await asked(served, options, "red.example") == red.serial
        assert await asked(served, options, "a.blue.example") == blue.serial
        assert await asked(served, options, "special.blue.example") == special.serial
        for unknown in ("green.example", "blue.example", "a.b.blue.example", ""):
            assert await asked(served, options, unknown) == nobody.serial
        hot.use([red, special], default=nobody, roots_pem=house.roots_pem)
        assert await asked(served, options, "a.blue.example") == nobody.serial
    assert hot.serves("red.example")
    assert hot.serves("RED.example")
    assert not hot.serves("a.blue.example")
    assert not hot.serves("")


async def test_sessions_of_before_are_not_resumed_once_the_credentials_are_renewed(house: House) -> None:
    hot, client = serving_pair(house.server(), house), house.client()
    resumed: list[bool] = []

    async def look(_: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        resumed.append(context.auth_context()["ssl_session_reused"] == [b"true"])

    async with serving(hot, act=look) as served:
        caller = Resuming(served, client, house.roots_pem)
        await caller.say()
        await caller.say()
        hot.renew()
        await caller.say()
        await caller.say()
    assert resumed == [False, True, False, True]


async def test_a_client_that_does_not_speak_http2_is_dropped(house: House, tmp_path: Path) -> None:
    options = kept(tmp_path, house.client(), house.roots_pem)
    async with serving(serving_pair(house.server(), house)) as served:
        assert await hangs_up(served.port, *options)
        assert await hangs_up(served.port, "-alpn", "http/1.1", *options)
        assert not await hangs_up(served.port, "-alpn", "h2", *options)
        assert (await openssl(served.port, "-alpn", "h2", *options)).alpn == "h2"


async def test_every_port_learns_of_a_change(house: House, tmp_path: Path) -> None:
    hot, fresh = serving_pair(house.server(), house), house.server()
    options = kept(tmp_path, house.client(), house.roots_pem)
    async with serving(hot, hot) as served:
        hot.use((), default=fresh, roots_pem=house.roots_pem)
        for port in served.ports:
            assert (await openssl(port, "-alpn", "h2", *options)).serial == fresh.serial


async def test_clients_are_trusted_below_the_roots_of_the_moment(house: House) -> None:
    other = House("other")
    server, client = house.server(), other.client()
    hot = serving_pair(server, house)
    async with serving(hot) as served:
        async with connected(served, client, house.roots_pem) as channel:
            assert (await refusal(say(channel)))[0] is grpc.StatusCode.UNAVAILABLE
        async with connected(served, None, house.roots_pem) as channel:
            assert (await refusal(say(channel)))[0] is grpc.StatusCode.UNAVAILABLE
        hot.use((), default=server, roots_pem=house.roots_pem + other.roots_pem)
        async with connected(served, client, house.roots_pem) as channel:
            assert await say(channel) == b"hello"


def refused_so_far() -> float:
    return REGISTRY.get_sample_value("governor_tls_credentials_refused_total") or 0.0


async def test_what_is_refused_raises_an_alarm_and_changes_nothing(house: House, tmp_path: Path) -> None:
    alarms: list[GovernanceError] = []
    first = house.server()
    hot = HotCredentials(first, require_client_certificate=True, roots_pem=house.roots_pem, on_refused=alarms.append)
    options = kept(tmp_path, house.client(), house.roots_pem)
    long_ago = house.root.not_before
    expired = house.make(dns=("localhost",), life=seconds(60), at=long_ago).pair
    a, another_a, wild = house.server("a.example"), house.server("a.example"), house.server("*.example.org")
    below = house.server("b.example.org")
    before = refused_so_far()
    bad = [
        ((), expired, house.roots_pem, "expired at"),
        ((house.make(dns=("old.example",), life=seconds(60), at=long_ago).pair,), first, house.roots_pem, "expired at"),
        ((a, another_a), first, house.roots_pem, "a.example is claimed by two certificates"),
        ((below,), wild, house.roots_pem, "b.example.org is claimed by two certificates"),
        ((house.client(),), first, house.roots_pem, "has no DNS name"),
        ((), first, b"", "could be checked"),
        ((), first, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
    ]
    async with serving(hot) as served:
        for pairs, default, roots_pem, said in bad:
            with pytest.raises(Invalid, match=said):
                hot.use(pairs, default=default, roots_pem=roots_pem)
        assert await asked(served, options) == first.serial
    assert len(alarms) == refused_so_far() - before == len(bad)


@pytest.mark.parametrize(("algorithm", "size"), [("RSA", 2048), ("ECDSA", 384)])
async def test_other_kinds_of_keys_serve_as_well(house: House, algorithm: str, size: int) -> None:
    pair = house.make(dns=("localhost",), key=make_key(algorithm, size)).pair
    async with (
        serving(serving_pair(pair, house)) as served,
        connected(served, house.client(), house.roots_pem) as channel,
    ):
        assert await say(channel) == b"hello"


def test_the_same_again_is_no_change(house: House) -> None:
    pair = house.server()
    hot = serving_pair(pair, house)
    assert not hot.use((), default=pair, roots_pem=house.roots_pem)
    assert hot.use((house.server("a.example"),), default=pair, roots_pem=house.roots_pem)


def test_nothing_is_served_before_there_is_a_certificate() -> None:
    with pytest.raises(Unavailable, match="no certificate to serve with"):
        HotCredentials(require_client_certificate=False).credentials()
