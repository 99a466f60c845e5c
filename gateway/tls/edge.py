"""HTTPS whose certificates change while it serves, one for each name that is asked for."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.tls.names import covers, in_order
from gateway.tls.pair import Pair, check_valid
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.kernel.unwritten import file_of

# What uvicorn speaks.
PROTOCOLS = ("http/1.1",)
# RFC 9325, section 4.2: forward secrecy and authenticated encryption; TLS 1.3 has nothing else.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


@dataclass(frozen=True, slots=True)
class _Set:
    """The contexts of one generation. Tickets are sealed with keys of `first`, and so end with the generation."""

    pairs: tuple[Pair, ...]
    contexts: tuple[ssl.SSLContext, ...]

    @property
    def first(self) -> ssl.SSLContext:
        return self.contexts[0]

    def context_for(self, name: str) -> ssl.SSLContext:
        """By exact name, then by wildcard, else that of the default."""
        for pair, context in zip(self.pairs, self.contexts, strict=True):
            if covers(pair.dns_names, name):
                return context
        return self.first


class EdgeContext:
    """Hands each new connection the certificates in force at that moment; `context` is what a server is given.

    The default answers for names that nobody has, and for clients that ask for none. Without one nobody is answered:
    every handshake fails until the first `use`.
    """

    def __init__(self, default: Pair | None = None, pairs: Sequence[Pair] = ()) -> None:
        self._set = _made(default, pairs) if default is not None else _Set((), (_bare(),))
        self.context: ssl.SSLContext = _Door(self)

    @property
    def current(self) -> ssl.SSLContext:
        """The context of the connections that begin now."""
        return self._set.first

    def use(self, pairs: Sequence[Pair], *, default: Pair) -> bool:
        """Serve with these from now on; False when nothing changes. What is refused leaves everything as it was.

        No session of before is resumed after.
        """
        if in_order(default, pairs) == self._set.pairs:
            return False
        self._set = _made(default, pairs)
        return True


class _Door(ssl.SSLContext):
    """Looks like one context to the server that holds it, and gives every connection the context of the moment."""

    _edge: EdgeContext

    def __new__(cls, edge: EdgeContext) -> "_Door":
        door = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        door._edge = edge
        return door

    def wrap_bio(self, *given: Any, **more: Any) -> ssl.SSLObject:
        return self._edge.current.wrap_bio(*given, **more)

    def wrap_socket(self, *given: Any, **more: Any) -> ssl.SSLSocket:
        return self._edge.current.wrap_socket(*given, **more)


def _made(default: Pair, pairs: Sequence[Pair]) -> _Set:
    ordered = in_order(default, pairs)
    at = now()
    for pair in ordered:
        check_valid(pair, at)
    made = _Set(ordered, tuple(map(_context, ordered)))

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            connection.context = made.context_for(name)

    made.first.sni_callback = choose
    return made


def _context(pair: Pair) -> ssl.SSLContext:
    context = _bare()
    with file_of(pair.key_pem + b"\n" + pair.chain_pem) as path:
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise Invalid(f"the certificate {pair.serial} is refused by OpenSSL: {error.reason}") from None
    return context


def _bare() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(list(PROTOCOLS))
    return context
