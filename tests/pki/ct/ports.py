"""TLS ports of all kinds on this machine, good and bad."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
from cryptography import x509

from governance.kernel.unwritten import file_of
from governance.pki.keys import PrivateKey
from governance.pki.keys import to_pem as key_pem
from governance.pki.pem import to_pem

Act = Callable[[socket.socket], None]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A chain and its key as a server shows them."""

    chain_pem: str
    key_pem: bytes = field(repr=False)

    @property
    def leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificates(self.chain_pem.encode())[0]

    @property
    def serial(self) -> str:
        return f"{self.leaf.serial_number:x}"


def identity(key: PrivateKey, *chain: x509.Certificate) -> Identity:
    return Identity(chain_pem=to_pem(*chain), key_pem=key_pem(key))


@dataclass
class Door:
    """An open port; what it shows may be changed, and what its callers showed is kept."""

    address: str
    show: Identity
    callers: list[x509.Certificate] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)


@contextmanager
def door(
    show: Identity,
    *,
    version: ssl.TLSVersion | None = None,
    demand: str = "",
    by_name: Mapping[str, Identity] | None = None,
) -> Iterator[Door]:
    """A TLS port; with `demand`, roots in PEM, it wants its callers' certificates to be below them."""

    def greet(connection: socket.socket) -> None:
        context = _context(there.show, version=version, demand=demand)
        contexts = {name: _context(each, version=version, demand=demand) for name, each in (by_name or {}).items()}

        def choose(secured: Any, name: str | None, _: ssl.SSLContext) -> None:
            there.names.append(name)
            secured.context = contexts.get(name or "", context)

        context.sni_callback = choose
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            if shown := secured.getpeercert(binary_form=True):
                there.callers.append(x509.load_der_x509_certificate(shown))
            secured.recv(1)  # until the caller hangs up

    with raw(greet) as address:
        there = Door(address, show)
        yield there


def _context(show: Identity, *, version: ssl.TLSVersion | None, demand: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if demand:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=demand)
    with file_of(show.key_pem + b"\n" + show.chain_pem.encode()) as path:
        context.load_cert_chain(path)
    return context


@contextmanager
def raw(act: Act) -> Iterator[str]:
    """A port at which `act` is done with each connection, in a thread of its own; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    threads: list[threading.Thread] = []
    opened: list[socket.socket] = []

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            act(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                opened.append(connection)
                threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join()
        for connection in opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)


def says(content: bytes) -> Act:
    """Says so whatever it is asked, and hangs up."""

    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(content)

    return act


def hang(connection: socket.socket) -> None:
    """Takes what comes, and never says anything."""
    while connection.recv(4096):
        pass


def reset(connection: socket.socket) -> None:
    """Cuts the connection off as soon as something came."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def hang_up(connection: socket.socket) -> None:
    """Reads the greeting and closes."""
    connection.recv(4096)


def drip(connection: socket.socket) -> None:
    """The beginning of a long handshake message, and then one byte after the other."""
    connection.recv(4096)
    connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
    waiting = threading.Event()
    while not waiting.wait(0.02):
        connection.sendall(b"\x00")


def closed_address() -> str:
    """An address of this machine at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        return f"127.0.0.1:{there.getsockname()[1]}"


@contextmanager
def grpc_door(show: Identity, *, demand: str) -> Iterator[str]:
    """A gRPC server with mutual TLS."""
    from concurrent.futures import ThreadPoolExecutor

    credentials = grpc.ssl_server_credentials(
        [(show.key_pem, show.chain_pem.encode())], root_certificates=demand.encode(), require_client_auth=True
    )
    with ExitStack() as stack:
        server = grpc.server(stack.enter_context(ThreadPoolExecutor(1)))
        number = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        stack.callback(lambda: server.stop(None).wait())
        yield f"127.0.0.1:{number}"
