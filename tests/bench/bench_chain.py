"""What the interceptor chain costs per call, beside bare grpc.aio: `python -m tests.bench.bench_chain`."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from gateway.interceptors.audit import Audit
from gateway.interceptors.auth import Auth
from gateway.interceptors.call import Call
from gateway.interceptors.chain import Chain, Interceptor, Link
from gateway.interceptors.limit import Buckets, Limit
from gateway.interceptors.metrics import Metrics
from gateway.interceptors.recover import Recover
from gateway.interceptors.redact import Redact
from gateway.interceptors.server import ChainInterceptor
from gateway.interceptors.tracing import Tracing
from gateway.rpc.status import explain
from governance.kernel.actor import EVERYWHERE, Actor

METHOD = "/bench.Echo/Say"
ROUNDS, PER_ROUND = 15, 4_000
WIRE_ROUNDS, CONCURRENT, CALLS = 5, 16, 3_000
METADATA = (
    ("authorization", "Bearer gov_x"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("user-agent", "bench"),
)
_ALICE = Actor(name="alice", kind="person", grants={EVERYWHERE: frozenset({"echo.say"})})


def main() -> None:
    """Print both tables."""
    asyncio.run(_print())


async def _print() -> None:
    console = Console(width=100)
    console.print(await _alone())
    console.print(await _on_the_wire())


def chains(method: str = METHOD) -> Mapping[str, Chain]:
    """The chains that are compared, by what they are called."""

    async def resolve(_: Call) -> Actor:
        return _ALICE

    links: tuple[Interceptor, ...] = (
        Recover(explain),
        Tracing(),
        Auth(resolve, permissions={method: "echo.say"}),
        Limit(Buckets(per_s=1e9, burst=10**9)),
        Metrics(CollectorRegistry()),
        Redact(),
        Audit(lambda call: None),
    )
    four = [link for link in links if link.name in ("auth", "limit", "metrics", "audit")]
    return {
        "no link": Chain(),
        "four links: auth, limit, metrics, audit": _chain(four),
        "seven links: all but logging": _chain(links),
    }


def _chain(links: Any) -> Chain:
    return Chain(Link(priority, link) for priority, link in enumerate(links))


async def _alone() -> Table:
    """Processor time per call of the chain by itself, the median of rounds that take turns."""
    table = Table(title="the chain alone, processor time per call", title_justify="left")
    for heading in ("", "us", "us per link"):
        table.add_column(heading, justify="left" if not heading else "right")
    compared = chains()
    took: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(ROUNDS):
        for name, chain in compared.items():
            took[name].append(await _round(chain))
    bare = statistics.median(took["no link"])
    for name, chain in compared.items():
        middle = statistics.median(took[name])
        per_link = f"{(middle - bare) / len(chain.links):.2f}" if chain.links else ""
        table.add_row(name, f"{middle:.2f}", per_link)
    return table


async def _round(chain: Chain) -> float:
    async def serve() -> None:
        return None

    gc.collect()
    began = time.process_time()
    for _ in range(PER_ROUND):
        await chain.run(Call(METHOD, "unary_unary", METADATA, "ipv4:192.0.2.7:5"), serve)
    return (time.process_time() - began) / PER_ROUND * 1e6


async def _on_the_wire() -> Table:
    """Through grpc.aio, client and server in one process, the median of rounds that take turns."""
    table = Table(title=f"unary calls through grpc.aio, {CONCURRENT} at a time", title_justify="left")
    for heading in ("", "calls/s", "of bare", "CPU us per call", "more than bare"):
        table.add_column(heading, justify="left" if not heading else "right")
    servers = {"bare grpc.aio": await _server(None)}
    for name, chain in chains().items():
        servers[name] = await _server(chain)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for _ in range(WIRE_ROUNDS):
        for name, (_, say) in servers.items():
            found[name].append(await _rate(say))
    bare_rate, bare_cpu = _medians(found["bare grpc.aio"])
    for name, rounds in found.items():
        rate, cpu = _medians(rounds)
        table.add_row(name, f"{rate:,.0f}", f"{rate / bare_rate:.0%}", f"{cpu:.0f}", f"{cpu - bare_cpu:.0f}")
    for server, _ in servers.values():
        await server.stop(0)
    return table


def _medians(rounds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(rate for rate, _ in rounds), statistics.median(cpu for _, cpu in rounds)


async def _server(chain: Chain | None) -> tuple[grpc.aio.Server, Callable[..., Awaitable[bytes]]]:
    async def say(request: bytes, context: object) -> bytes:
        return request

    server = grpc.aio.server(interceptors=[] if chain is None else [ChainInterceptor(chain)])
    handlers: dict[str, Any] = {"Say": grpc.unary_unary_rpc_method_handler(say)}
    server.add_registered_method_handlers("bench.Echo", handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, grpc.aio.insecure_channel(f"127.0.0.1:{port}").unary_unary(METHOD)


async def _rate(say: Callable[..., Awaitable[bytes]]) -> tuple[float, float]:
    """Calls per second, and microseconds of processor time per call of client and server together."""

    async def caller() -> None:
        for _ in range(CALLS // CONCURRENT):
            await say(b"hello", metadata=METADATA[:2])

    calls = CALLS // CONCURRENT * CONCURRENT
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(CONCURRENT)))
    return calls / (time.perf_counter() - began), (time.process_time() - cpu) / calls * 1e6


if __name__ == "__main__":
    main()
