"""The answer to one call: a head, messages, and always trailers in the body."""

import asyncio
import base64
import contextlib

from gateway.interceptors.call import Pairs, Status
from gateway.rpc.sonora.admission import BINARY, TEXT
from gateway.rpc.sonora.asgi_types import Headers, Send
from gateway.rpc.sonora.frames import TRAILERS, frame
from gateway.rpc.sonora.metadata import as_headers, trailers

SAFE: Headers = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


class Reply:
    """Writes one answer. Its content type follows the request's, never the Accept header."""

    def __init__(self, send: Send, *, text: bool, foreign_origin: str) -> None:
        self._send = send
        self._text = text
        self._origin = foreign_origin
        self._lock = asyncio.Lock()  # the timer for the head and the handler's first message may meet
        self._timer: asyncio.TimerHandle | None = None
        self._heading: asyncio.Task[None] | None = None
        self.started = False
        self.initial: Pairs = ()

    async def start(self) -> None:
        """Send the head, once, with the initial metadata known by now."""
        async with self._lock:
            if not self.started:
                self.started = True
                await self._put({"type": "http.response.start", "status": 200, "headers": self._head()})
                # Some servers hold the head back until the first piece of the body.
                await self._body(b"", more=True)

    def start_within(self, seconds: float) -> None:
        """Send the head after `seconds` unless it was sent by then."""
        loop = asyncio.get_running_loop()

        def begin() -> None:
            self._heading = loop.create_task(self.start())

        self._timer = loop.call_later(seconds, begin)

    async def message(self, payload: bytes) -> None:
        """Send one message of a stream; returns when the server has taken it."""
        await self.start()
        await self._body(frame(0, payload), more=True)

    async def end(self, status: Status, trailing: Pairs, *, message: bytes | None = None) -> None:
        """Send the status, after `message` if there is one; nothing follows."""
        body = frame(0, message) if message is not None else b""
        body += frame(TRAILERS, trailers(status, trailing))
        size = len(body) if not self._text else (len(body) + 2) // 3 * 4
        self.close()
        async with self._lock:
            if not self.started:
                self.started = True
                head = self._head()
                head.append((b"content-length", str(size).encode()))
                await self._put({"type": "http.response.start", "status": 200, "headers": head})
            await self._body(body, more=False)

    def close(self) -> None:
        """Forget the timer of the head."""
        if self._timer is not None:
            self._timer.cancel()

    def _head(self) -> Headers:
        head = [(b"content-type", TEXT if self._text else BINARY), *SAFE, *as_headers(self.initial)]
        if self._origin:
            head.append((b"access-control-allow-origin", self._origin.encode("latin-1")))
            names = ", ".join(sorted({name for name, _ in self.initial}))
            head += [(b"access-control-expose-headers", names.encode())] if names else []
        head.append((b"vary", b"origin"))
        return head

    async def _body(self, piece: bytes, *, more: bool) -> None:
        body = base64.b64encode(piece) if self._text else piece
        await self._put({"type": "http.response.body", "body": body, "more_body": more})

    async def _put(self, event: dict[str, object]) -> None:
        with contextlib.suppress(OSError):  # the client is gone; whoever watches for that ends the call
            await self._send(event)


async def refuse(send: Send, http_status: int, message: str, headers: Headers | None = None) -> None:
    """Answer at the level of HTTP, as plain text that no browser will take for anything else."""
    body = message.encode()
    head = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *SAFE]
    await send({"type": "http.response.start", "status": http_status, "headers": head + (headers or [])})
    await send({"type": "http.response.body", "body": body, "more_body": False})
