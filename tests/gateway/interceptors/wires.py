"""One service of all four kinds, reached over native gRPC and over gRPC-Web."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import grpc

from gateway.interceptors.call import Kind
from gateway.interceptors.chain import Chain
from gateway.interceptors.server import ChainInterceptor, Context
from tests.gateway.sonora import wire

METHODS: Mapping[Kind, str] = {
    "unary_unary": "Say",
    "unary_stream": "Watch",
    "stream_unary": "Gather",
    "stream_stream": "Chat",
}
KINDS: tuple[Kind, ...] = tuple(METHODS)
Metadata = Mapping[str, str]
NONE: Metadata = {}
Act = Callable[[bytes, Context], Any]


@dataclass(frozen=True)
class Ended:
    """How a call ended, whichever wire it took."""

    code: grpc.StatusCode
    details: str = ""
    messages: Sequence[bytes] = ()
    trailing: Mapping[str, str | bytes] = field(default_factory=dict)


class Echo:
    """Answers what it is asked; `act` may raise or wait for each message first."""

    def __init__(self, act: Act | None = None) -> None:
        self._act = act

    async def _heard(self, message: bytes, context: Context) -> bytes:
        if self._act is not None:
            await self._act(message, context)
        return message

    async def say(self, request: bytes, context: Context) -> bytes:
        return await self._heard(request, context)

    async def watch(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        for part in request.split(b","):
            yield await self._heard(part, context)

    async def gather(self, requests: Any, context: Context) -> bytes:
        return b",".join([await self._heard(message, context) async for message in requests])

    async def chat(self, requests: Any, context: Context) -> AsyncIterator[bytes]:
        async for message in requests:
            yield await self._heard(message, context)

    def handlers(self) -> dict[str, Any]:
        return wire.handlers(self.say, self.watch, self.gather, self.chat)


Caller = Callable[..., Any]


@asynccontextmanager
async def native(interceptor: ChainInterceptor, service: Echo) -> AsyncIterator[Caller]:
    """Calls through a grpc.aio server and channel."""
    server = grpc.aio.server(interceptors=[interceptor])
    server.add_registered_method_handlers("test.Echo", service.handlers())
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:

        async def call(
            kind: Kind, *messages: bytes, method: str = "", metadata: Metadata = NONE, timeout_s: float = 10
        ) -> Ended:
            start = getattr(channel, kind)(f"/test.Echo/{method or METHODS[kind]}")
            return await asyncio.to_thread(_blocking, start, kind, messages, tuple(metadata.items()), timeout_s)

        yield call
    await server.stop(0)


def _blocking(start: Any, kind: Kind, messages: Sequence[bytes], metadata: Any, timeout_s: float) -> Ended:
    # The blocking client: the one of grpc.aio reports INTERNAL when a stream is refused while it still writes.
    request = messages[0] if kind.startswith("unary") else iter(messages)
    got: list[bytes] = []
    try:
        if kind.endswith("stream"):
            running = start(request, metadata=metadata, timeout=timeout_s)
            got.extend(running)
        else:
            message, running = start.with_call(request, metadata=metadata, timeout=timeout_s)
            got.append(message)
    except grpc.RpcError as error:
        running = error
    return Ended(running.code(), running.details() or "", got, dict(running.trailing_metadata()))


@asynccontextmanager
async def web(interceptor: ChainInterceptor, service: Echo) -> AsyncIterator[Caller]:
    """Calls through the gRPC-Web edge."""
    edge = wire.served(interceptors=[interceptor])
    edge.add_registered_method_handlers("test.Echo", service.handlers())

    async def call(
        kind: Kind, *messages: bytes, method: str = "", metadata: Metadata = NONE, timeout_s: float = 10
    ) -> Ended:
        sent = wire.headers(grpc_timeout=f"{int(timeout_s * 1000)}m")
        sent += [(name.encode(), value.encode()) for name, value in metadata.items()]
        body = b"".join(map(wire.frame, messages))
        answer = await wire.post(edge, body, path=f"/test.Echo/{method or METHODS[kind]}", sent=sent)
        trailers = answer.trailers
        number = int(trailers.pop("grpc-status"))
        code = next(each for each in grpc.StatusCode if each.value[0] == number)
        details = unquote(trailers.pop("grpc-message", ""))
        trailing = {
            name: base64.b64decode(value) if name.endswith("-bin") else value for name, value in trailers.items()
        }
        return Ended(code, details, answer.messages, trailing)

    yield call


WIRES = {"native gRPC": ("grpc", native), "gRPC-Web": ("grpc-web", web)}


@dataclass
class Wired:
    """A chain on one wire: `call` calls, `interceptor` lets the chain be replaced."""

    door: str
    interceptor: ChainInterceptor
    call: Caller


@asynccontextmanager
async def wired(name: str, chain: Chain, act: Act | None = None) -> AsyncIterator[Wired]:
    door, connect = WIRES[name]
    interceptor = ChainInterceptor(chain, door=door)
    async with connect(interceptor, Echo(act)) as call:
        yield Wired(door, interceptor, call)


async def forever(_: bytes, __: Context) -> None:
    """An act that never ends by itself."""
    await asyncio.Event().wait()
