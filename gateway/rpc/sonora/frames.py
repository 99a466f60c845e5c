"""The frames of a request body (PROTOCOL-WEB; PROTOCOL-HTTP2, "Length-Prefixed-Message")."""

import base64
import binascii
import re
import struct

import grpc

from gateway.interceptors.call import Refusal, Status

HEADER = struct.Struct(">BI")
COMPRESSED = 0x01
TRAILERS = 0x80
_RUN = re.compile(rb"[^=]+={0,2}|=+")  # a client may send several padded pieces in a row


def invalid(message: str) -> Refusal:
    """The refusal of a request that is not well formed."""
    return Refusal(Status(grpc.StatusCode.INVALID_ARGUMENT, message))


def frame(flags: int, payload: bytes) -> bytes:
    """`payload` as one frame."""
    return HEADER.pack(flags, len(payload)) + payload


class Frames:
    """Cuts a body into messages, however the network has cut it. It never holds more than one message and a chunk."""

    def __init__(self, *, text: bool, limit_bytes: int) -> None:
        self._text = text
        self._limit = limit_bytes
        self._undecoded = b""
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The messages that `chunk` completes; raises Refusal for one that is too large, compressed or no message."""
        self._buffer += self._decoded(chunk) if self._text else chunk
        messages, at, held = [], 0, len(self._buffer)
        while held - at >= HEADER.size:
            flags, size = HEADER.unpack_from(self._buffer, at)
            self._check(flags, size)
            end = at + HEADER.size + size
            if end > held:
                break
            messages.append(bytes(self._buffer[at + HEADER.size : end]))
            at = end
        del self._buffer[:at]
        return messages

    def finish(self) -> None:
        """Refuse a body that ended within a frame."""
        if self._buffer or self._undecoded:
            raise invalid("the request ends in the middle of a message")

    def _check(self, flags: int, size: int) -> None:
        if flags & COMPRESSED:
            raise Refusal(Status(grpc.StatusCode.UNIMPLEMENTED, "compressed messages are not accepted"))
        if flags:
            raise invalid(f"a frame with the flags 0x{flags:02x} is no message")
        if size > self._limit:
            text = f"the message has {size} bytes; at most {self._limit} are accepted"
            raise Refusal(Status(grpc.StatusCode.RESOURCE_EXHAUSTED, text))

    def _decoded(self, chunk: bytes) -> bytes:
        pending = self._undecoded + chunk
        whole = len(pending) // 4 * 4
        self._undecoded = pending[whole:]
        try:
            return b"".join(base64.b64decode(run, validate=True) for run in _RUN.findall(pending[:whole]))
        except binascii.Error:
            raise invalid("the body is not base64") from None
