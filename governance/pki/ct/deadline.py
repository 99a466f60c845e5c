"""A moment by which everything that is asked of a server ends, however it lets its bytes trickle; pure."""

import math
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

# A write is taken apart so that the time left is looked at in between: whoever reads slowly must not lengthen it.
_PIECE_BYTES = 4096
# A name may have as many addresses as whoever answers for it likes, and each would be waited for.
_MOST_ADDRESSES = 4
_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


def end_at(moment: float) -> None:
    """Let everything that this thread asks from now on end by this moment of the monotonic clock."""
    _ends_at.set(min(moment, _ends_at.get()))


@contextmanager
def within(seconds: float) -> Iterator[float]:
    """Let everything that is asked in the block, over whatever connection, end in so much time; the moment.

    What is not over by then raises a timeout of httpx. A block within another may end earlier, and not later.
    """
    before = _ends_at.set(min(time.monotonic() + seconds, _ends_at.get()))
    try:
        yield _ends_at.get()
    finally:
        _ends_at.reset(before)


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    """How long the next step may wait: `timeout`, or what is left when that is less; raises `late` at the end."""
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise late("the time for it is over")
    return timeout if math.isinf(left) else min(left, math.inf if timeout is None else timeout)


class Transport(httpx.HTTPTransport):
    """Connections that end in time, and may be shared by threads: whose time it is knows the thread that waits.

    A timeout of httpx is one for each read, of which a response has as many as its server likes: one for each byte of
    a header, and for each `103 Early Hints`.
    """

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        # httpx has no way to name the backend; the tests see that this one is in use.
        self._pool._network_backend = _Backend(self._pool._network_backend)  # noqa: SLF001


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in _addresses(host, port):
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _addresses(host: str, port: int) -> list[str]:
    """Some of the addresses that a name has; how long that takes is bounded by the system's resolver."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from None
    return list(dict.fromkeys(str(place[0]) for *_, place in found))[:_MOST_ADDRESSES]


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), _PIECE_BYTES):
            self._inner.write(buffer[at : at + _PIECE_BYTES], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
