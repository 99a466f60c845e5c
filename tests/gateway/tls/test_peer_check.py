"""The caller's certificate, looked at on every call."""

import asyncio
import time
from datetime import timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.interceptors.audit import Audit
from gateway.interceptors.chain import Chain
from gateway.interceptors.context import current_call
from gateway.interceptors.peer import PeerCheck
from gateway.interceptors.recover import Recover
from gateway.rpc.status import explain
from gateway.tls.hot import HotCredentials
from gateway.tls.pair import Pair
from gateway.tls.peers import OpenConnections, Peer, RevokedSerials, check_peer, peer_of
from governance.kernel.clock import moved, now
from governance.kernel.errors import Unauthenticated
from tests.gateway.interceptors.links import Record, chain
from tests.gateway.interceptors.wires import wired
from tests.gateway.tls.issuing import CART, House, seconds
from tests.gateway.tls.wires import Resuming, chat, connected, echoed, refusal, say, serving, until

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture(scope="module")
def house() -> House:
    return House()


class Guard:
    """A server's credentials and the check before it."""

    def __init__(self, house: House, *, required: bool = False, by_name: bool = False, recheck_s: float = 60.0) -> None:
        self.hot = HotCredentials(house.server(), require_client_certificate=True, roots_pem=house.roots_pem)
        self.revoked = RevokedSerials()
        self.opened = OpenConnections()
        self.record = Record()
        check = PeerCheck(
            revoked=self.revoked,
            opened=self.opened,
            required=required,
            serves=self.hot.serves if by_name else None,
            recheck_s=recheck_s,
        )
        self.chain: Chain = chain(Recover(explain), check, Audit(self.record))

    def revoke(self, pair: Pair) -> int:
        self.revoked.replace([pair.serial])
        return self.opened.end([pair.serial])


async def test_an_expired_certificate_is_refused_on_a_resumed_session_which_tls_alone_lets_in(house: House) -> None:
    client = house.client(life=seconds(4))
    guard = Guard(house)
    reused: list[object] = []

    async def look(_: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        reused.append(context.auth_context()["ssl_session_reused"])

    async with serving(guard.hot, act=look) as bare, serving(guard.hot, chain=guard.chain, act=look) as checked:
        plainly, safely = (Resuming(served, client, house.roots_pem) for served in (bare, checked))
        assert await plainly.say() == await safely.say() == b"hello"
        await until(lambda: now() >= client.not_after, "the certificate expires")
        assert await plainly.say() == b"hello"
        assert reused == [[b"false"], [b"false"], [b"true"]]
        code, said = await refusal(safely.say())
    assert (code, said) == (
        UNAUTHENTICATED,
        f"the certificate {client.serial} expired at {client.not_after:%Y-%m-%dT%H:%M:%S}.000Z",
    )
    assert len(reused) == 3


async def test_revocation_refuses_the_next_call_on_an_open_connection_and_nobody_elses(house: House) -> None:
    guard, mine, yours = Guard(house), house.client(), house.client("spiffe://shop.example/ns/shop/sa/till")
    async with (
        serving(guard.hot, chain=guard.chain) as served,
        connected(served, mine, house.roots_pem) as channel,
        connected(served, yours, house.roots_pem) as other,
    ):
        assert await say(channel) == await say(other) == b"hello"
        guard.revoke(mine)
        assert await refusal(say(channel)) == (UNAUTHENTICATED, f"the certificate {mine.serial} was revoked")
        assert await say(other) == b"hello"
        guard.revoked.replace([])
        assert await say(channel) == b"hello"


async def test_revocation_ends_open_streams_within_two_seconds(house: House) -> None:
    guard, mine, yours = Guard(house), house.client(), house.client()
    async with (
        serving(guard.hot, chain=guard.chain) as served,
        connected(served, mine, house.roots_pem) as channel,
        connected(served, yours, house.roots_pem) as other,
    ):
        first, second, theirs = chat(channel), chat(channel), chat(other)
        for stream in (first, second, theirs):
            assert await echoed(stream, b"open")
        assert (guard.opened.of(mine.serial), guard.opened.of(yours.serial)) == (2, 1)
        began = time.monotonic()
        assert await asyncio.to_thread(guard.revoke, mine) == 2
        for stream in (first, second):
            assert await refusal(stream.read()) == (UNAUTHENTICATED, f"the certificate {mine.serial} was revoked")
        assert time.monotonic() - began < 2
        assert await echoed(theirs, b"still open")
        await until(lambda: guard.opened.serials() == {yours.serial: 1}, "what has ended is forgotten")
        theirs.cancel()
        await until(lambda: not guard.opened.serials(), "who leaves is forgotten")
    assert [call.status.code for call in guard.record.calls[:2]] == [UNAUTHENTICATED, UNAUTHENTICATED]


async def test_a_revoked_certificate_opens_no_stream(house: House) -> None:
    guard, mine = Guard(house), house.client()
    async with serving(guard.hot, chain=guard.chain) as served, connected(served, mine, house.roots_pem) as channel:
        guard.revoke(mine)
        assert (await refusal(chat(channel).read()))[0] is UNAUTHENTICATED
        assert guard.opened.of(mine.serial) == 0


async def test_a_stream_ends_when_its_certificate_expires(house: House) -> None:
    guard, client = Guard(house), house.client(life=seconds(4))
    async with serving(guard.hot, chain=guard.chain) as served, connected(served, client, house.roots_pem) as channel:
        stream = chat(channel)
        assert await echoed(stream, b"open")
        code, said = await refusal(stream.read())
        assert (code, "expired at" in said) == (UNAUTHENTICATED, True)
        assert seconds(0) <= now() - client.not_after < seconds(3)


async def test_a_stream_ends_when_the_clock_is_set_past_the_end_of_its_certificate(house: House) -> None:
    guard, client = Guard(house, recheck_s=0.05), house.client()
    async with serving(guard.hot, chain=guard.chain) as served, connected(served, client, house.roots_pem) as channel:
        stream = chat(channel)
        assert await echoed(stream, b"open")
        later = now() + timedelta(hours=2)
        with moved(lambda: later):
            assert (await refusal(stream.read()))[0] is UNAUTHENTICATED


async def test_the_handler_knows_the_certificate_of_its_caller(house: House) -> None:
    guard, client = Guard(house), house.client()
    seen: list[Peer | None] = []

    async def look(_: bytes, __: object) -> None:
        call = current_call()
        seen.append(call.peer_certificate if call else None)

    async with serving(guard.hot, chain=guard.chain, act=look) as served:
        caller = Resuming(served, client, house.roots_pem)
        await caller.say()
        await caller.say()
    leaf = x509.load_pem_x509_certificate(client.chain_pem)
    assert seen == [
        Peer(
            serial=f"{leaf.serial_number:x}",
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            uris=(CART,),
            dns_names=(),
            fingerprint=leaf.fingerprint(SHA256()).hex(),
            resumed=resumed,
        )
        for resumed in (False, True)
    ]


async def test_who_asked_for_a_name_that_is_not_served_is_refused(house: House) -> None:
    guard, client = Guard(house, by_name=True), house.client()
    nobody = house.make(dns=("nobody.invalid",)).pair
    gone = house.server("gone.example", "localhost")
    guard.hot.use([gone], default=nobody, roots_pem=house.roots_pem)
    async with (
        serving(guard.hot, chain=guard.chain) as served,
        connected(served, client, house.roots_pem, name="gone.example") as channel,
    ):
        assert await say(channel) == b"hello"
        guard.hot.use([house.server("localhost")], default=nobody, roots_pem=house.roots_pem)
        code, said = await refusal(say(channel))
    assert (code, "'gone.example'" in said) == (grpc.StatusCode.PERMISSION_DENIED, True)


@pytest.mark.parametrize("required", [False, True])
async def test_a_caller_without_a_certificate_is_let_in_unless_one_is_required(house: House, required: bool) -> None:
    guard = Guard(house, required=required)
    hot = HotCredentials(house.server(), require_client_certificate=False)
    async with serving(hot, chain=guard.chain) as served, connected(served, None, house.roots_pem) as channel:
        if required:
            assert await refusal(say(channel)) == (UNAUTHENTICATED, "no certificate was shown")
        else:
            assert await say(channel) == b"hello"


async def test_a_port_without_tls_is_not_asked_for_names(house: House) -> None:
    async with wired("native gRPC", Guard(house, by_name=True).chain) as on:
        assert (await on.call("unary_unary", b"hello")).code is grpc.StatusCode.OK
    async with wired("gRPC-Web", Guard(house, by_name=True).chain) as on:
        assert (await on.call("stream_stream", b"hello")).code is grpc.StatusCode.OK


def test_a_certificate_is_judged_at_a_given_time(house: House) -> None:
    pair = house.client()
    peer = peer_of({"x509_pem_cert": [pair.chain_pem[: pair.chain_pem.index(b"-----END") + 25]]})
    assert peer is not None
    nobody = RevokedSerials()
    check_peer(peer, revoked=nobody, at=peer.not_before)
    for at, said in ((peer.not_after, "expired"), (peer.not_before - seconds(1), "not valid before")):
        with pytest.raises(Unauthenticated, match=said):
            check_peer(peer, revoked=nobody, at=at)
    with pytest.raises(Unauthenticated, match="was revoked"):
        check_peer(peer, revoked=RevokedSerials([peer.serial]), at=now())
    with pytest.raises(Unauthenticated, match="cannot be read"):
        peer_of({"x509_pem_cert": [b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]})
    assert peer_of({}) is None


def test_replacing_the_revoked_tells_what_is_new() -> None:
    revoked = RevokedSerials(["1", "2"])
    assert revoked.replace(["2", "3"]) == {"3"}
    assert ("1" in revoked, "3" in revoked, len(revoked)) == (False, True, 2)
