"""Publish to ACK, and commit to the first routed call: `python -m tests.bench.bench_xds`.

Both stand beside the bare limit: grpc.aio streams that are written to and answered, and nothing else.
The clients run in a second process, each with a connection of its own, and share the machine's cores with the server.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console
from rich.table import Table

STREAMS = (1, 100, 1000)
ROUNDS = 12
SWITCHES = 15
PATIENCE_S = 60
FAN = "bench.Fan"


@dataclass(frozen=True)
class Round:
    """One publication: latency per stream, the longest the loop stood still, and CPU time (all ms)."""

    latencies: Sequence[float]
    stall: float
    cpu: float


@dataclass
class FanOut:
    """The bare limit: one write and one read per stream, and nothing else."""

    payload: bytes = b""
    bells: list[asyncio.Event] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)

    def handler(self) -> grpc.GenericRpcHandler:
        """The one method."""
        return grpc.method_handlers_generic_handler(FAN, {"Out": grpc.stream_stream_rpc_method_handler(self.serve)})

    async def serve(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        """Send what is published; note when it is answered."""
        bell = asyncio.Event()
        self.bells.append(bell)
        reading = asyncio.create_task(self._read(requests))
        try:
            while True:
                await bell.wait()
                bell.clear()
                if not self.payload:
                    return
                yield self.payload
        finally:
            reading.cancel()

    def end(self) -> None:
        """End every stream."""
        self.payload = b""
        for bell in self.bells:
            bell.set()

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        async for _ in requests:
            self.answered.append(time.perf_counter())


async def _client(address: str, form: str) -> None:
    channel = grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
    if form == "bare":
        call: Any = channel.stream_stream(f"/{FAN}/Out")()
        while await call.read() is not grpc.aio.EOF:
            await call.write(b"1")
        return
    from envoy.config.core.v3.base_pb2 import Node

    from tests.gateway.xds.wire import Client

    client = Client(
        channel, "delta" if form == "delta" else "sotw", Node(id=f"n{id(channel)}", user_agent_name="gRPC Go")
    )
    await client.ask("cluster", "checkout")
    while (response := await client.call.read()) is not grpc.aio.EOF:
        await client.ack(response, "checkout")


async def _clients(address: str, form: str, count: int) -> None:
    await asyncio.gather(*(_client(address, form) for _ in range(count)))


class _Stall:
    """Measures how long the loop does not come round."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - began - 0.001)


async def _measure(form: str, count: int) -> list[Round]:
    from gateway.xds.ads import DiscoveryService
    from gateway.xds.compile import Compiler
    from gateway.xds.streams import Streams
    from tests.gateway.xds.fleets import fleet, governed

    compiler, fan = Compiler(), FanOut()
    streams = Streams(compiler, fleet(1, governed()))
    service = DiscoveryService(streams)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service.handler(), fan.handler()))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    command = [sys.executable, "-m", "tests.bench.bench_xds", "clients", address, form, str(count)]
    with subprocess.Popen(command) as process:  # noqa: ASYNC220  (it starts in milliseconds)
        try:
            rounds = await (_bare(fan, count) if form == "bare" else _xds(streams, compiler, count))
        finally:
            fan.end()
            await service.close()
            process.kill()
    await server.stop(None)
    return rounds


async def _bare(fan: FanOut, count: int) -> list[Round]:
    fan.payload = b"x" * 400  # about what one cluster takes
    await _until(lambda: len(fan.bells) == count)
    rounds = []
    for _ in range(ROUNDS):
        fan.answered.clear()
        stall, began, cpu = _Stall(), time.perf_counter(), time.process_time()
        watching = asyncio.create_task(stall.watch())
        for bell in fan.bells:
            bell.set()
        await _until(lambda: len(fan.answered) == count)
        watching.cancel()
        latencies = [(at - began) * 1000 for at in fan.answered]
        rounds.append(Round(latencies, stall.longest * 1000, (time.process_time() - cpu) * 1000))
    return rounds


async def _xds(streams: Any, compiler: Any, count: int) -> list[Round]:
    from gateway.xds.names import CLUSTER
    from governance.kernel.clock import now
    from governance.traffic.values import Balancing
    from tests.gateway.xds.fleets import fleet, governed

    def reached(version: str) -> bool:
        held = [each.subscriptions[CLUSTER].acked_version for each in streams if CLUSTER in each.subscriptions]
        return len(held) == count and all(each == version for each in held)

    await _until(lambda: reached("1"))
    rounds = []
    for revision in range(2, 2 + ROUNDS):
        policy = Balancing(policy="least_request" if revision % 2 else "ring_hash")
        after = fleet(revision, governed(balancing=policy, revision=revision))
        made = {group: compiler.compile(after, group) for group in streams.groups}
        stall, began, cpu = _Stall(), now(), time.process_time()
        watching = asyncio.create_task(stall.watch())
        streams.publish(after, made)
        await _until(partial(reached, str(revision)))
        watching.cancel()
        acked = [each.subscriptions[CLUSTER].acked_at for each in streams]
        latencies = [(at - began).total_seconds() * 1000 for at in acked if at is not None]
        rounds.append(Round(latencies, stall.longest * 1000, (time.process_time() - cpu) * 1000))
    return rounds


async def _until(true: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  (what is waited for rings no bell)
            await asyncio.sleep(0.02)


def _fan_out() -> Table:
    table = Table(title="publish to ACK, one cluster changed (ms)", title_justify="left")
    for heading in ("", "streams", "p50", "p99", "of the bare fan-out", "loop stall", "CPU per push"):
        table.add_column(heading, justify="left" if not heading else "right")
    for count in STREAMS:
        bare = 0.0
        for form, shown in (("bare", "bare grpc.aio"), ("sotw", "xDS, state of the world"), ("delta", "xDS, delta")):
            rounds = asyncio.run(_measure(form, count))[2:]
            every = sorted(latency for each in rounds for latency in each.latencies)
            p50, p99 = statistics.median(every), every[int(len(every) * 0.99)]
            bare = bare or p50
            stall, cpu = max(each.stall for each in rounds), statistics.median(each.cpu for each in rounds)
            ratio = f"{p50 / bare:.2f}" if form != "bare" else ""
            table.add_row(shown, str(count), f"{p50:.1f}", f"{p99:.1f}", ratio, f"{stall:.1f}", f"{cpu:.1f}")
    return table


def _first_call() -> Table:
    """Needs Django and a data directory of its own."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    for alias in settings.DATABASES:
        call_command("migrate", database=alias, verbosity=0)
    table = Table(title="commit to the first call answered by the newly chosen instance (ms)", title_justify="left")
    for heading in ("", "p50", "max", "failed calls"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, (latencies, failed) in _switches().items():
        table.add_row(name, f"{statistics.median(latencies):.1f}", f"{max(latencies):.1f}", str(failed))
    return table


def _switches() -> dict[str, tuple[list[float], int]]:
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.traffic.commands import SwitchBalancing
    from governance.traffic.values import Balancing
    from tests.interop.fleet import backends, caller, control_plane, envoy, proxyless, until

    directory = Path(os.environ["GOV_DATA_DIR"])
    found: dict[str, list[float]] = {}
    with ExitStack() as stack:
        stack.enter_context(backends()).register()
        control = stack.enter_context(control_plane()).address
        front = stack.enter_context(envoy(directory, control, node_id="envoy", zone="z1"))
        callers = {
            "grpcio, 300 calls per second": stack.enter_context(
                proxyless(directory, control, node_id="grpcio", zone="z1", rate=300, streams=0)
            ),
            "Envoy, 300 calls per second": stack.enter_context(caller(front, node_id="envoy", rate=300, streams=0)),
        }
        for number in range(SWITCHES):
            chosen = f"c{number % 2}"
            balancing = Balancing(policy="pick_first", order=(chosen,))
            execute(SwitchBalancing(namespace="default", service="checkout", balancing=balancing), by=SYSTEM)
            committed = time.monotonic()
            for name, calling in callers.items():
                until(partial(_at, calling, chosen), what="the switch")
                if number:  # from the second switch on, nothing else answers in between
                    found.setdefault(name, []).append((calling.moved[0] - committed) * 1000)
    return {name: (latencies, callers[name].errors.total()) for name, latencies in found.items()}


def _at(calling: Any, chosen: str) -> bool:
    return bool(calling.moved[1] == chosen)


def main(arguments: Sequence[str]) -> None:
    """Print both tables; the second in a process whose settings name a directory of its own."""
    if arguments[:1] == ["clients"]:
        asyncio.run(_clients(arguments[1], arguments[2], int(arguments[3])))
        return
    console = Console(width=110)
    if arguments == ["first-call"]:
        console.print(_first_call())
        return
    console.print(_fan_out())
    with tempfile.TemporaryDirectory(prefix="governor-bench-") as directory:
        environ = {**os.environ, "GOV_DATA_DIR": directory, "DJANGO_SETTINGS_MODULE": "governance.settings"}
        subprocess.run([sys.executable, "-m", "tests.bench.bench_xds", "first-call"], check=True, env=environ)


if __name__ == "__main__":
    main(sys.argv[1:])
