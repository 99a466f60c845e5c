"""An ASGI server's side of the wire, event by event, and a service to put behind it."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from gateway.interceptors.server import Context
from gateway.rpc.sonora import EdgeRefusal, Limits, Origins, Web

HOST = "governor.example:8000"
ORIGIN = f"http://{HOST}"
PATH = "/test.Echo/Say"
BINARY, TEXT = "application/grpc-web+proto", "application/grpc-web-text+proto"
PATIENCE_S = 10.0
Event = MutableMapping[str, Any]
Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncIterator[Any]]


def frame(payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">BI", flags, len(payload)) + payload


def frames_in(body: bytes) -> list[tuple[int, bytes]]:
    found = []
    while body:
        flags, size = struct.unpack(">BI", body[:5])
        assert len(body) >= 5 + size, "the answer ends in the middle of a frame"
        found.append((flags, body[5 : 5 + size]))
        body = body[5 + size :]
    return found


def headers(**changes: str | None) -> list[tuple[bytes, bytes]]:
    """What a browser's gRPC-Web client sends; a header that is None is left out."""
    usual: dict[str, str | None] = {
        "host": HOST,
        "origin": ORIGIN,
        "content-type": BINARY,
        "x-grpc-web": "1",
        "sec-fetch-site": "same-origin",
    }
    merged = usual | {name.replace("_", "-"): value for name, value in changes.items()}
    return [(name.encode(), value.encode("latin-1")) for name, value in merged.items() if value is not None]


@dataclass
class Answer:
    """What a client would have received so far."""

    events: list[Event] = field(default_factory=list)

    @property
    def status(self) -> int:
        starts = [event for event in self.events if event["type"] == "http.response.start"]
        assert len(starts) == 1, f"{len(starts)} heads were sent"
        return int(starts[0]["status"])

    @property
    def headers(self) -> Mapping[str, str]:
        return {name.decode(): value.decode() for name, value in self.events[0]["headers"]}

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1]["type"] == "http.response.body" and not self._more(self.events[-1])

    @staticmethod
    def _more(event: Event) -> bool:
        return bool(event.get("more_body", False))

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.events if event["type"] == "http.response.body")

    @property
    def _frames(self) -> list[tuple[int, bytes]]:
        if not self.events:
            return []
        if "-text" not in self.headers["content-type"]:
            return frames_in(self.body)
        pieces = [event["body"] for event in self.events if event["type"] == "http.response.body"]
        return frames_in(b"".join(base64.b64decode(piece) for piece in pieces))

    @property
    def messages(self) -> list[bytes]:
        return [payload for flags, payload in self._frames if not flags]

    @property
    def trailers(self) -> dict[str, str]:
        flags, payload = self._frames[-1]
        assert flags == 0x80, "the last frame holds no trailers"
        lines = [line.split(": ", 1) for line in payload.decode("ascii").removesuffix("\r\n").split("\r\n")]
        assert len({name for name, _ in lines}) == len(lines), f"a trailer is sent twice: {lines}"
        return dict(lines)

    @property
    def code(self) -> int:
        return int(self.trailers["grpc-status"])


class Client:
    """One request to `app`: what is put into `sends` is received by it; what it sends is in `answer`."""

    def __init__(
        self,
        app: Any,
        *,
        path: str = PATH,
        method: str = "POST",
        sent: Sequence[tuple[bytes, bytes]] | None = None,
        **scope: Any,
    ) -> None:
        self.answer = Answer()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._arrived = asyncio.Condition()
        self._scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "scheme": "http",
            "headers": headers() if sent is None else list(sent),
            "client": ("192.0.2.7", 50123),
            "server": ("192.0.2.1", 8000),
        } | scope
        self._app = app
        self.task: asyncio.Task[None] | None = None

    def body(self, data: bytes, *, more: bool = False) -> None:
        self.events.put_nowait({"type": "http.request", "body": data, "more_body": more})

    def leave(self) -> None:
        self.events.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Event:
        return await self.events.get()

    async def send(self, event: Event) -> None:
        async with self._arrived:
            self.answer.events.append(event)
            self._arrived.notify_all()

    def start(self) -> "Client":
        self.task = asyncio.create_task(self._app(self._scope, self.receive, self.send))
        return self

    async def until(self, condition: Callable[[Answer], bool]) -> Answer:
        async with asyncio.timeout(PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: condition(self.answer))
        return self.answer

    async def finish(self) -> Answer:
        """Wait until the application is through with the request."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_S):
            await self.task
        return self.answer


async def post(app: Any, *pieces: bytes, **request: Any) -> Answer:
    """POST a body in `pieces` and return the whole answer."""
    client = Client(app, **request)
    for piece in pieces[:-1]:
        client.body(piece, more=True)
    client.body(pieces[-1] if pieces else b"")
    return await client.start().finish()


async def echo(request: bytes, context: Context) -> bytes:
    return request


def served(
    say: Unary | None = None,
    watch: Stream | Unary | None = None,
    gather: Unary | None = None,
    chat: Stream | Unary | None = None,
    *,
    interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
    limits: Limits | None = None,
    application: Any = None,
    refusals: list[EdgeRefusal] | None = None,
    others: Sequence[str] = (),
) -> Web:
    """The edge before a service with one method of each kind: Say, Watch, Gather, Chat; its messages are bytes."""
    web = Web(
        application,
        origins=Origins(hosts=[HOST.partition(":")[0]], others=others),
        interceptors=interceptors,
        limits=limits,
        on_refusal=refusals.append if refusals is not None else lambda refusal: None,
    )
    web.add_registered_method_handlers("test.Echo", handlers(say or echo, watch, gather, chat))
    return web


def handlers(say: Any, watch: Any = None, gather: Any = None, chat: Any = None) -> dict[str, Any]:
    made: dict[str, Any] = {"Say": grpc.unary_unary_rpc_method_handler(say)}
    if watch is not None:
        made["Watch"] = grpc.unary_stream_rpc_method_handler(watch)
    if gather is not None:
        made["Gather"] = grpc.stream_unary_rpc_method_handler(gather)
    if chat is not None:
        made["Chat"] = grpc.stream_stream_rpc_method_handler(chat)
    return made


class Never:
    """A handler that must not be reached, and tells whether it was."""

    def __init__(self) -> None:
        self.reached = False

    async def __call__(self, request: bytes, context: Context) -> bytes:
        self.reached = True
        return b"reached"
