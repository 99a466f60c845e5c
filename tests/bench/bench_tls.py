"""Mutual TLS: handshakes and calls with the look at the caller's certificate and without, and from revoke to refusal.

`python -m tests.bench.bench_tls`
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
from rich.console import Console
from rich.table import Table

from gateway.interceptors.chain import Chain, Link
from gateway.interceptors.peer import PeerCheck
from gateway.interceptors.recover import Recover
from gateway.interceptors.server import ChainInterceptor
from gateway.rpc.status import explain
from gateway.tls.channels import channel_credentials_of
from gateway.tls.hot import HotCredentials
from gateway.tls.pair import Pair
from gateway.tls.peers import OpenConnections, RevokedSerials
from governance.kernel.clock import now
from governance.pki.authority import Authority, Names, make_intermediate, make_root, to_pem
from governance.pki.keys import make_key
from governance.pki.keys import to_pem as key_pem
from tests.fixtures.leaves import issue

HANDSHAKES, ROUNDS, CALLS, REVOKED, STREAMS = 200, 5, 2_000, 20_000, 50
SAY, WAIT = "/bench.Echo/Say", "/bench.Echo/Wait"


def main() -> None:
    """Print the table."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # that a connection ended is no news
    asyncio.run(_print())


class _Place:
    """An authority, a server's pair and a client's."""

    def __init__(self) -> None:
        at, root_key, key = now(), make_key("ECDSA", 256), make_key("ECDSA", 256)
        root = Authority(
            certificate=make_root(root_key, common_name="bench root", life=timedelta(days=30), at=at), key=root_key
        )
        signer = make_intermediate(root, key.public_key(), common_name="bench", life=timedelta(days=20), at=at)
        self.authority = Authority(certificate=signer, key=key, chain=(signer,))
        self.roots_pem = to_pem(root.certificate).encode()
        self.server, self.client = self.pair("server"), self.pair("client")

    def pair(self, name: str) -> Pair:
        key = make_key("ECDSA", 256)
        names = Names(dns=("localhost",), uris=(f"spiffe://bench/ns/bench/sa/{name}",))
        leaf = issue(self.authority, key.public_key(), names, life=timedelta(hours=1), at=now())
        return Pair(chain_pem=to_pem(leaf, *self.authority.chain).encode(), key_pem=key_pem(key))


@asynccontextmanager
async def _serving(place: _Place, chain: Chain) -> AsyncIterator[str]:
    async def say(request: bytes, context: Any) -> bytes:
        return request

    async def wait(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield request
        await asyncio.Event().wait()

    credentials = HotCredentials(place.server, require_client_certificate=True, roots_pem=place.roots_pem)
    server = grpc.aio.server(interceptors=(ChainInterceptor(chain),))
    handlers: dict[str, Any] = {
        "Say": grpc.unary_unary_rpc_method_handler(say),
        "Wait": grpc.unary_stream_rpc_method_handler(wait),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", handlers),))
    port = server.add_secure_port("127.0.0.1:0", credentials.credentials())
    await server.start()
    try:
        yield f"localhost:{port}"
    finally:
        await server.stop(None)


def _channel(place: _Place, target: str) -> Any:
    credentials = channel_credentials_of(place.client, roots_pem=place.roots_pem)
    return grpc.aio.secure_channel(target, credentials, options=[("grpc.use_local_subchannel_pool", 1)])


async def _handshakes_per_s(place: _Place, target: str) -> float:
    began = time.perf_counter()
    for _ in range(HANDSHAKES):
        async with _channel(place, target) as channel:
            await channel.unary_unary(SAY)(b"x")
    return HANDSHAKES / (time.perf_counter() - began)


async def _us_per_call(place: _Place, target: str) -> float:
    async with _channel(place, target) as channel:
        say = channel.unary_unary(SAY)
        await say(b"x")
        began = time.perf_counter()
        for _ in range(CALLS):
            await say(b"x")
        return (time.perf_counter() - began) / CALLS * 1e6


async def _revoke_to_end_ms(place: _Place) -> list[float]:
    """From the revocation to the end of each of many open streams, as their callers see it."""
    revoked, opened = RevokedSerials(), OpenConnections()
    check = PeerCheck(revoked=revoked, opened=opened, required=True)
    async with (
        _serving(place, Chain([Link(0, Recover(explain)), Link(1, check)])) as target,
        _channel(place, target) as channel,
    ):
        calls = [channel.unary_stream(WAIT)(b"x") for _ in range(STREAMS)]
        for call in calls:
            await call.read()

        async def ended_after(call: Any, began: float) -> float:
            await call.code()
            return (time.perf_counter() - began) * 1e3

        began = time.perf_counter()
        opened.end(revoked.replace({place.client.serial}))
        return list(await asyncio.gather(*(ended_after(call, began) for call in calls)))


async def _print() -> None:
    place = _Place()
    check = PeerCheck(
        revoked=RevokedSerials(f"{serial:x}" for serial in range(REVOKED)), opened=OpenConnections(), required=True
    )
    chains = {
        "without": Chain([Link(0, Recover(explain))]),
        "with": Chain([Link(0, Recover(explain)), Link(1, check)]),
    }
    handshakes: dict[str, list[float]] = {name: [] for name in chains}
    calls: dict[str, list[float]] = {name: [] for name in chains}
    for _ in range(ROUNDS):  # in turns, so that what else the machine does meets both
        for name, chain in chains.items():
            async with _serving(place, chain) as target:
                handshakes[name].append(await _handshakes_per_s(place, target))
                calls[name].append(await _us_per_call(place, target))
    table = Table(title=f"mutual TLS, P-256, {REVOKED:,} revoked serials known", title_justify="left")
    for heading in ("look at the certificate on each call", "handshakes + call /s", "us per call"):
        table.add_column(heading, justify="left" if heading.startswith("look") else "right")
    for name in chains:
        table.add_row(name, f"{statistics.median(handshakes[name]):,.0f}", f"{statistics.median(calls[name]):,.0f}")
    pairs = [statistics.median(each["with"]) / statistics.median(each["without"]) for each in (handshakes, calls)]
    table.add_row("ratio", *(f"{ratio:.2f}" for ratio in pairs))
    console = Console(width=100)
    console.print(table)
    ended = sorted(await _revoke_to_end_ms(place))
    console.print(
        f"from revoke to the end of {STREAMS} open streams: p50 {statistics.median(ended):.1f} ms, "
        f"last {ended[-1]:.1f} ms\n"
    )


if __name__ == "__main__":
    main()
