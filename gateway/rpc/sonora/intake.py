"""The request's body, and the watch over the client that sent it."""

import asyncio
import contextlib
from collections.abc import Callable

import grpc

from gateway.interceptors.call import Refusal, Status
from gateway.rpc.sonora.asgi_types import Receive
from gateway.rpc.sonora.frames import Frames, invalid
from gateway.rpc.sonora.limits import Limits

WAITING = 16  # messages of a client stream that are taken from the network before the handler asks for them


class ClientGoneError(Exception):
    """The client closed its connection."""


class Intake:
    """Reads messages from `receive`. When the client goes away, `gone` is called, once, from the watching task."""

    def __init__(self, receive: Receive, *, text: bool, limits: Limits, gone: Callable[[], None]) -> None:
        self._receive = receive
        self._limits = limits
        self._frames = Frames(text=text, limit_bytes=limits.message_bytes)
        self._gone = gone
        self._ended = False
        self._watcher: asyncio.Task[None] | None = None
        self._messages: asyncio.Queue[bytes | Refusal | None] = asyncio.Queue(WAITING)

    async def only(self) -> bytes:
        """The single message of the body; then watch the client."""
        messages: list[bytes] = []
        try:
            async with asyncio.timeout(self._limits.body_within_s):
                while not self._ended:
                    messages += await self._chunk()
                    if len(messages) > 1:
                        raise invalid("the request holds more than one message")
        except TimeoutError:
            raise Refusal(Status(grpc.StatusCode.DEADLINE_EXCEEDED, "the request did not arrive in time")) from None
        if not messages:
            raise invalid("the request holds no message")
        self._watcher = asyncio.create_task(self._watch())
        return messages[0]

    def follow(self) -> None:
        """Take in the messages of a client stream, and watch the client."""
        self._watcher = asyncio.create_task(self._pump())

    async def next(self) -> bytes | None:
        """The next message of a client stream, None at its end; raises Refusal for what is not well formed."""
        message = await self._messages.get()
        if message is None or isinstance(message, Refusal):
            self._messages.put_nowait(message)  # it stays the end, however often it is asked for
        if isinstance(message, Refusal):
            raise message
        return message

    async def discard(self) -> None:
        """Read and forget the rest of a refused body, within bounds: some servers drop the connection otherwise."""
        left = self._limits.discard_bytes
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.discard_within_s):
                while not self._ended and left > 0:
                    event = await self._receive()
                    left -= len(event.get("body", b""))
                    self._ended = event["type"] != "http.request" or not event.get("more_body")

    def close(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()

    async def _chunk(self) -> list[bytes]:
        event = await self._receive()
        if event["type"] != "http.request":
            self._ended = True
            raise ClientGoneError
        self._ended = not event.get("more_body")
        messages = self._frames.feed(event.get("body", b""))
        if self._ended:
            self._frames.finish()
        return messages

    async def _pump(self) -> None:
        try:
            while not self._ended:
                for message in await self._chunk():
                    await self._messages.put(message)
            await self._messages.put(None)
        except ClientGoneError:
            self._gone()
            return
        except Refusal as refusal:
            await self._messages.put(refusal)
        await self._watch()

    async def _watch(self) -> None:
        while (await self._receive())["type"] == "http.request":  # what comes after the body is of no interest
            continue
        self._gone()
