"""A control plane on mutual TLS whose trust the test publishes itself, with servers that demand certificates."""

import asyncio
import subprocess
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc

from gateway.proto import demo_pb2 as pb
from gateway.tls.peers import peer_of
from gateway.xds.ads import DiscoveryService
from gateway.xds.compile import Compiler
from gateway.xds.fleet import Fleet
from gateway.xds.names import SECRET
from gateway.xds.secrets import Held
from gateway.xds.streams import Streams
from gateway.xds.trust import Secret
from governance.dataplane.values import TypeSync
from tests.gateway.xds.authority import TestAuthority, control_plane_secret
from tests.interop.backends import SERVICE
from tests.interop.fleet import PATIENCE_S

T = TypeVar("T")


@dataclass
class Server:
    """A gRPC server on mutual TLS and the serials of the client certificates it saw, by call."""

    name: str
    port: int
    running: grpc.aio.Server
    callers: Counter[str] = field(default_factory=Counter)


class Scene(threading.Thread):
    """Everything of ours on one event loop in a thread; the methods are called from the test's."""

    def __init__(self, authority: TestAuthority, first: Fleet) -> None:
        super().__init__(name="tls-scene", daemon=True)
        self.authority, self.address = authority, ""
        self._compiler = Compiler()
        self.streams = Streams(self._compiler, first)
        self._loop = asyncio.new_event_loop()
        self._servers: list[Server] = []

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def open(self) -> None:
        self._discovery = DiscoveryService(self.streams)
        self._ads = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._ads.add_generic_rpc_handlers((self._discovery.handler(),))
        credentials = self.authority.server_credentials(control_plane_secret(self.authority))
        self.address = f"127.0.0.1:{self._ads.add_secure_port('127.0.0.1:0', credentials)}"
        await self._ads.start()

    async def close(self) -> None:
        await self._discovery.close()
        await self._ads.stop(1)
        for server in self._servers:
            await server.running.stop(None)

    def end(self) -> None:
        self.do(self.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(PATIENCE_S)

    def server(self, name: str, secret: Secret) -> Server:
        """A new server of the demo service."""
        return self.do(self._server(name, secret))

    def publish(self, fleet: Fleet) -> None:
        """Put `fleet` in force, as the ledger's follower does."""
        self.do(self._publish(fleet))

    def held(self) -> list[Held]:
        """What the clients acknowledged."""
        return self.do(_now(self.streams.held))

    def sync(self, node_id: str, kind: str = SECRET) -> TypeSync:
        """How one type stands on a client's only stream."""
        return self.do(_now(lambda: self._sync(node_id, kind)))

    def acknowledged(self, *secrets: Secret) -> Callable[[], bool]:
        """Whether each of these is held by somebody."""
        return lambda: {each.serial for each in secrets} <= {each.serial for each in self.held()}

    def _sync(self, node_id: str, kind: str) -> TypeSync:
        (stream,) = (each for each in self.streams if each.node and each.node.id == node_id)
        return stream.subscriptions[kind].report()

    async def _publish(self, fleet: Fleet) -> None:
        made = {group: self._compiler.compile(fleet, group) for group in self.streams.groups}
        self.streams.publish(fleet, made)

    async def _server(self, name: str, secret: Secret) -> Server:
        running = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server = Server(name, 0, running)

        def answer(context: Any) -> pb.Done:
            peer = peer_of(context.auth_context())
            server.callers[peer.serial if peer else ""] += 1
            return pb.Done(instance=name)

        async def place(request: pb.Order, context: Any) -> pb.Done:
            return answer(context)

        async def follow(request: pb.Order, context: Any) -> AsyncIterator[pb.Done]:
            while True:
                yield answer(context)
                await asyncio.sleep((request.every_ms or 200) / 1000)

        read, write = pb.Order.FromString, pb.Done.SerializeToString
        handlers = {
            "PlaceOrder": grpc.unary_unary_rpc_method_handler(place, read, write),
            "FollowOrders": grpc.unary_stream_rpc_method_handler(follow, read, write),
        }
        running.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        server.port = running.add_secure_port("127.0.0.1:0", self.authority.server_credentials(secret))
        await running.start()
        self._servers.append(server)
        return server


async def _now(read: Callable[[], T]) -> T:
    return read()


@contextmanager
def scene(authority: TestAuthority, first: Fleet) -> Iterator[Scene]:
    """A running scene."""
    running = Scene(authority, first)
    running.start()
    running.do(running.open())
    try:
        yield running
    finally:
        running.end()


@dataclass(frozen=True)
class Shake:
    """What a TLS handshake showed: the serial of the server's certificate, the protocol chosen, what went wrong."""

    serial: str
    alpn: str
    alert: str


def handshake(address: str, *options: str, name: str = "", say: str = "") -> Shake:
    """A fresh handshake by the openssl binary, asking for the server `name`, or for none; then it may `say` a thing."""
    asked = ["-servername", name] if name else ["-noservername"]
    command = ["openssl", "s_client", "-connect", address, *asked, *options]
    done = subprocess.run(command, check=False, input=say, capture_output=True, text=True, timeout=PATIENCE_S)
    return Shake(_serial(done.stdout), _after(done.stdout, "ALPN protocol: "), _alert(done.stderr))


def _serial(output: str) -> str:
    if "-----BEGIN CERTIFICATE-----" not in output:
        return ""
    reading = ["openssl", "x509", "-noout", "-serial"]
    done = subprocess.run(reading, input=output, capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("serial=").lower().lstrip("0")


def _after(output: str, word: str) -> str:
    return next((line.removeprefix(word) for line in output.splitlines() if line.startswith(word)), "")


def _alert(output: str) -> str:
    return next((line for line in output.splitlines() if "alert" in line), "")
