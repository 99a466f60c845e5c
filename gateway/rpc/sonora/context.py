"""What a handler knows of its call: grpc.aio's own context, for gRPC-Web."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Never

import grpc
import structlog

from gateway.interceptors.call import OK, Pairs, Status
from gateway.rpc.sonora.frames import invalid
from gateway.rpc.sonora.intake import Intake
from gateway.rpc.sonora.metadata import checked
from gateway.rpc.sonora.reply import Reply

log = structlog.get_logger(__name__)


class WebContext(grpc.aio.ServicerContext[Any, Any]):
    """Behaves as grpc.aio's context does, so that servicers and interceptors need not know which they have."""

    def __init__(self, *, metadata: Pairs, peer: str, timeout_s: float | None, intake: Intake, reply: Reply) -> None:
        self._metadata = metadata
        self._peer = peer
        self._deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        self._intake = intake
        self._reply = reply
        self._handler: Any = None
        self._status: Status | None = None
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._trailing: Pairs = ()
        self._cancelled = False
        self._done = False
        self._callbacks: list[Callable[[Any], None]] = []

    def serve(self, handler: Any) -> None:
        """Read and write messages as `handler` declares them."""
        self._handler = handler

    def parse(self, data: bytes) -> Any:
        """`data` as the handler's request; raises Refusal when it is none."""
        read = self._handler.request_deserializer
        if read is None:
            return data
        try:
            return read(data)
        except Exception:
            raise invalid("the message cannot be parsed") from None

    def pack(self, message: Any) -> bytes:
        """`message` as bytes."""
        write = self._handler.response_serializer
        packed = message if write is None else write(message)
        if not isinstance(packed, bytes):
            raise TypeError(f"the handler answered {type(message).__name__}, which is no message")
        return packed

    async def messages(self) -> AsyncIterator[Any]:
        """The messages of a client stream."""
        while (data := await self._intake.next()) is not None:
            yield self.parse(data)

    async def read(self) -> Any:
        """The next message of a client stream, grpc.aio.EOF after the last."""
        data = await self._intake.next()
        return grpc.aio.EOF if data is None else self.parse(data)

    async def write(self, message: Any) -> None:
        """Send one message of a server stream."""
        if not self._handler.response_streaming:
            raise grpc.aio.UsageError("a unary method returns its message")
        if self._status is not None:
            raise grpc.aio.UsageError("the call has ended")
        await self._reply.message(self.pack(message))

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        """Send the head of the answer with `initial_metadata`; possible once, before the first message."""
        if self._reply.started:
            raise grpc.aio.UsageError("the initial metadata was sent already")
        self._reply.initial = checked(initial_metadata)
        await self._reply.start()

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> Never:
        """End the call with `code`, whatever the handler does then."""
        await self.abort_with_status(Status(code, details, trailing_metadata))
        raise AssertionError("unreachable")

    async def abort_with_status(self, status: grpc.Status) -> Never:
        """End the call with `status`, whatever the handler does then."""
        if self._status is not None:
            raise grpc.aio.UsageError("abort was called already")
        code = status.code
        if code is grpc.StatusCode.OK:
            log.warning("a handler aborted with OK, which is UNKNOWN")
            code = grpc.StatusCode.UNKNOWN
        if status.trailing_metadata:
            self._trailing = checked(status.trailing_metadata)
        self._status = Status(code, status.details or "")
        raise grpc.aio.AbortError("aborted")

    def stop(self, status: Status) -> None:
        """Let the call end with `status` from outside: the deadline passed, the client or the server goes away."""
        if self._status is None:
            self._status, self._cancelled = status, True

    def finish(self) -> None:
        """Tell those who asked that the call is over."""
        self._done = True
        for callback in self._callbacks:
            callback(self)

    @property
    def status(self) -> Status:
        """How the call ends, as far as that is known."""
        if self._status is not None:
            return self._status
        return OK if self._code is None else Status(self._code, self._details)

    @property
    def aborted(self) -> bool:
        """Whether the status is decided, whatever the handler still does."""
        return self._status is not None

    def set_code(self, code: Any) -> None:
        """The status to end with; also as a number."""
        if not isinstance(code, grpc.StatusCode):
            code = next(each for each in grpc.StatusCode if each.value[0] == code)
        self._code = code

    def set_details(self, details: str) -> None:
        """The message to end with."""
        self._details = details

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        """Replace the trailing metadata; raises ValueError for what must not be sent."""
        self._trailing = checked(trailing_metadata)

    def trailing_metadata(self) -> Any:
        """The trailing metadata so far."""
        return self._trailing

    def invocation_metadata(self) -> Any:
        """What the caller sent."""
        return self._metadata

    def code(self) -> Any:
        """The code so far, None when none was set."""
        return self._status.code if self._status is not None else self._code

    def details(self) -> str:
        """The message so far."""
        return self._status.details if self._status is not None else self._details

    def time_remaining(self) -> Any:
        """Seconds until the deadline, None without one."""
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)

    def cancelled(self) -> bool:
        """Whether the call was ended from outside."""
        return self._cancelled

    def done(self) -> bool:
        """Whether the call is over."""
        return self._done

    def add_done_callback(self, callback: Any) -> None:
        """Call `callback` with this context when the call is over."""
        self._callbacks.append(callback)

    def set_compression(self, compression: grpc.Compression) -> None:
        """Do nothing: gRPC-Web answers are not compressed here."""

    def disable_next_message_compression(self) -> None:
        """Do nothing: gRPC-Web answers are not compressed here."""

    def peer(self) -> str:
        """The caller's address in gRPC's form, "ipv4:192.0.2.1:50000"."""
        return self._peer

    def peer_identities(self) -> Iterable[bytes] | None:
        """Nothing: browsers show no certificate here."""
        return None

    def peer_identity_key(self) -> str | None:
        """Nothing: browsers show no certificate here."""
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """Nothing: browsers show no certificate here."""
        return {}


def peer_of(client: Any) -> str:
    """ASGI's (host, port), or None, as gRPC writes a peer."""
    if not client or client[1] is None:
        return "unix:"
    host, port = client[0], client[1]
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
