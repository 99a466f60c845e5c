"""A server that never comes to an end, and sends a little of something all the while."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OK = b"HTTP/1.1 200 OK\r\n"
# What it says first, and then over and over.
WAYS = {
    "a byte of a header at a time": (OK + b"x-slow: ", b"a"),
    "one hint after the other": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a byte of the body at a time": (OK + b"content-length: 100000\r\n\r\n", b"x"),
    "the beginning of a chunk that never comes": (OK + b"transfer-encoding: chunked\r\n\r\n1;", b"a"),
    "a refusal a byte at a time": (b"HTTP/1.1 500 Out of order\r\ncontent-length: 9\r\nx-slow: ", b"a"),
    "nothing at all": (b"", b""),
}


@contextmanager
def trickling(begin: bytes, again: bytes, *, every_s: float = 0.02) -> Iterator[str]:
    """Its address."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, begin, again, every_s, over), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            over.set()


def _serve(server: socket.socket, begin: bytes, again: bytes, every_s: float, over: threading.Event) -> None:
    while not over.is_set():
        try:
            connection, _ = server.accept()
        except OSError:
            return
        args = (connection, begin, again, every_s, over)
        threading.Thread(target=_trickle, args=args, daemon=True).start()


def _trickle(connection: socket.socket, begin: bytes, again: bytes, every_s: float, over: threading.Event) -> None:
    with connection:
        try:
            connection.recv(10_000)
            connection.sendall(begin)
            while not over.wait(every_s):
                connection.sendall(again)
        except OSError:
            return  # the reader went away, as it should
