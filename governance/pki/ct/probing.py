"""Looks at what TLS ports show: a handshake with each, and nothing after it.

Nothing is judged here: neither the certificate nor its name is verified, for what is looked for are wrong ones.
"""

import hashlib
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from cryptography import x509

from governance.kernel.addresses import is_here_only
from governance.kernel.errors import GovernanceError, Unavailable
from governance.kernel.unwritten import file_of
from governance.pki.ct.listeners import split

# From the name to the end of the handshake.
TIMEOUT_S = 3.0
# So many ports that let everybody wait do not fill a round: 100 at once, for 3 s each, are 400 in 12 s.
AT_ONCE, ROUND_S = 100, 12.0
# gRPC's servers end the handshake of whoever does not offer h2, web servers that of whoever offers only that.
PROTOCOLS = ("h2", "http/1.1")
# A chain beyond this is cut off after the leaf; OpenSSL itself takes no more than 100 kB of certificates.
KEPT_BYTES = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A TLS port (host:port), and the name that is asked for there; without a name the port shows what it likes."""

    address: str
    server_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A port, for whom it is looked at; `service` is that of an endpoint, and empty for any other port."""

    namespace: str
    service: str = ""
    port: Port


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a port showed: its chain in DER, the leaf first. Without one, `error` says in a sentence why."""

    port: Port
    chain: tuple[bytes, ...] = ()
    error: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the leaf in hex; empty without one."""
        return hashlib.sha256(self.chain[0]).hexdigest() if self.chain else ""

    @property
    def serial(self) -> str:
        """The leaf's serial number in hex; empty when it cannot be read."""
        try:
            return f"{x509.load_der_x509_certificate(self.chain[0]).serial_number:x}" if self.chain else ""
        except Exception:  # parsers of strangers' bytes fail in more ways than they tell
            return ""

    @property
    def chain_pem(self) -> str:
        """The leaf, and what was sent with it if that is not too much."""
        whole = sum(map(len, self.chain)) <= KEPT_BYTES
        return "".join(map(ssl.DER_cert_to_PEM_cert, self.chain if whole else self.chain[:1]))


def context_of(identity: bytes = b"") -> ssl.SSLContext:
    """How ports are asked. `identity`, a chain and its key in PEM, is shown to those that demand a certificate.

    It proves who asks and gives nothing away: what a handshake signs is good for no other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET
    # Also a server that few would speak with shows something that somebody should see.
    context.set_ciphers("ALL:!aNULL:@SECLEVEL=1")
    context.set_alpn_protocols(list(PROTOCOLS))
    if identity:
        with file_of(identity) as path:
            try:
                context.load_cert_chain(path)
            except ssl.SSLError as error:
                raise Unavailable(f"our own certificate cannot be shown: {error.reason}") from None
    return context


def look_at(port: Port, context: ssl.SSLContext, *, timeout_s: float = TIMEOUT_S) -> Shown:
    """Shake hands with a port, and hang up."""
    until = monotonic() + timeout_s
    try:
        host, number = split(port.address)
        with _connected(host, number, until) as connection:
            return _shown(port, connection, context, until)
    except GovernanceError as error:
        return Shown(port=port, error=error.message)


def look_at_all(
    ports: Sequence[Port],
    context: ssl.SSLContext,
    *,
    at_once: int = AT_ONCE,
    round_s: float = ROUND_S,
    timeout_s: float = TIMEOUT_S,
) -> list[Shown]:
    """What the ports show, `at_once` of them at a time, in the order given; those left after `round_s` are left out.

    The threads end with the process and are waited for no longer than the round: looking up a name has no timeout.
    """
    waiting, done, until = SimpleQueue[Port](), SimpleQueue[Shown](), monotonic() + round_s
    for port in ports:
        waiting.put(port)

    def work() -> None:
        while monotonic() < until:
            try:
                port = waiting.get_nowait()
            except Empty:
                return
            done.put(_answer(port, context, timeout_s))

    for _ in range(min(at_once, len(ports))):
        Thread(target=work, name="probe", daemon=True).start()
    found: list[Shown] = []
    while len(found) < len(ports):
        try:
            found.append(done.get(timeout=max(0.0, until - monotonic())))
        except Empty:
            break
    return found


def _answer(port: Port, context: ssl.SSLContext, timeout_s: float) -> Shown:
    """An answer in any case: a port that makes the library fail in a new way is not passed over in silence."""
    try:
        return look_at(port, context, timeout_s=timeout_s)
    except Exception as error:
        return Shown(port=port, error=f"it cannot be asked: {type(error).__name__}")


def _connected(host: str, number: int, until: float) -> socket.socket:
    """A connection with one of the addresses of `host`."""
    try:
        places = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unavailable(f"the name {host} is not known") from None
    refusal = f"{host} has no address"
    for family, kind, protocol, _, place in places:
        try:
            _check(place[0])
            connection = socket.socket(family, kind, protocol)
        except (OSError, Unavailable) as error:
            refusal = str(error)
            continue
        try:
            connection.settimeout(_left(until))
            connection.connect(place)
        except OSError as error:
            connection.close()
            refusal = _why(error)
        else:
            return connection
    raise Unavailable(refusal)


def _check(place: Any) -> None:
    """Refuse addresses that mean something on this machine or this wire only, as the registry does for endpoints."""
    address = ipaddress.ip_address(str(place).partition("%")[0])
    if is_here_only(address):
        raise Unavailable(f"{address} is a link-local, unspecified or multicast address, which is not asked")


def _left(until: float) -> float:
    return max(0.01, until - monotonic())


def _shown(port: Port, connection: socket.socket, context: ssl.SSLContext, until: float) -> Shown:
    try:
        # A name that is none is refused here; whoever wrote it down was not stopped by a check of ours.
        secured = context.wrap_socket(
            connection, server_hostname=port.server_name or None, do_handshake_on_connect=False
        )
    except (OSError, ValueError) as error:
        raise Unavailable(f"it cannot be asked for {port.server_name!r}: {error}") from None
    with secured:
        refusal = ""
        try:
            secured.settimeout(_left(until))
            secured.do_handshake()
        except OSError as error:
            refusal = _why(error)
            # Up to TLS 1.2 a server that refuses our certificate has shown its own before, and proven its key.
            if not isinstance(error, ssl.SSLError) or "ALERT" not in (error.reason or ""):
                raise Unavailable(refusal) from None
        if chain := _chain(secured):
            return Shown(port=port, chain=chain)
        raise Unavailable(refusal or "it showed no certificate")


def _chain(connection: ssl.SSLSocket) -> tuple[bytes, ...]:
    """The certificates as they were sent, which Python shows officially from 3.13 on."""
    if hasattr(connection, "get_unverified_chain"):
        return tuple(connection.get_unverified_chain() or ())
    sent = connection._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001  (see above)
    return tuple(ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in sent or ())


_WORDS = {
    "WRONG_VERSION_NUMBER": "it speaks no TLS",
    "UNSUPPORTED_PROTOCOL": "it speaks no TLS of version 1.2 or later",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks no TLS of version 1.2 or later",
    "TLSV1_UNRECOGNIZED_NAME": "it has no certificate for the name that was asked for",
    "UNEXPECTED_EOF_WHILE_READING": "it closed the connection during the handshake",
}


def _why(error: OSError) -> str:
    """In words of ours: nothing that a stranger's port sent is repeated."""
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        if "ALERT" in reason and reason not in _WORDS:
            return f"it refuses the handshake: {reason.partition('ALERT_')[2].lower().replace('_', ' ')}"
        return _WORDS.get(reason, "it speaks no TLS that can be understood")
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    closed = isinstance(error, ConnectionError)
    return "it closed the connection during the handshake" if closed else "it cannot be reached"
