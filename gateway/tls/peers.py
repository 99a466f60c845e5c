"""Who is at the other end of a TLS connection, and whether they still may be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from governance.kernel.clock import stamp
from governance.kernel.errors import GovernanceError, Unauthenticated
from governance.pki.certificates import names_of, serial_of

if TYPE_CHECKING:
    from gateway.interceptors.call import Call

MAX_PEERS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The certificate that the other end has shown, in this handshake or (`resumed`) in an earlier one.

    `serial` and `fingerprint` (SHA-256 of the DER form) are in hex.
    """

    serial: str
    not_before: datetime
    not_after: datetime
    uris: tuple[str, ...]
    dns_names: tuple[str, ...]
    fingerprint: str
    resumed: bool = False


def peer_of(auth_context: Mapping[str, Iterable[bytes]]) -> Peer | None:
    """The peer of a gRPC call by its `auth_context()`; None when it has shown no certificate.

    A certificate is read once, not once per call. Unauthenticated when it cannot be read.
    """
    for pem in auth_context.get("x509_pem_cert", ()):
        try:
            fresh, resumed = _read(pem)
        except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
            raise Unauthenticated("the certificate cannot be read") from None
        return resumed if b"true" in auth_context.get("ssl_session_reused", ()) else fresh
    return None


@lru_cache(maxsize=MAX_PEERS)
def _read(pem: bytes) -> tuple[Peer, Peer]:
    certificate = x509.load_pem_x509_certificate(pem)
    fresh = Peer(
        serial=serial_of(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        uris=tuple(names_of(certificate, x509.UniformResourceIdentifier)),
        dns_names=tuple(names_of(certificate, x509.DNSName)),
        fingerprint=certificate.fingerprint(SHA256()).hex(),
    )
    return fresh, replace(fresh, resumed=True)


class RevokedSerials:
    """The serial numbers of revoked certificates, in hex; replaced whole, from whichever thread."""

    def __init__(self, serials: Iterable[str] = ()) -> None:
        self._serials = frozenset(serials)

    def __contains__(self, serial: str) -> bool:
        return serial in self._serials

    def __len__(self) -> int:
        return len(self._serials)

    def replace(self, serials: Iterable[str]) -> frozenset[str]:
        """Let these be revoked and no others; returns those that were not revoked before."""
        fresh = frozenset(serials)
        before, self._serials = self._serials, fresh
        return fresh - before


def check_peer(peer: Peer, *, revoked: RevokedSerials, at: datetime) -> None:
    """Refuse a certificate that has expired, is not valid yet, or was revoked: a resumed session is never asked.

    TLS looks at a certificate in a full handshake alone, and at its dates and not at revocation.
    """
    if at >= peer.not_after:
        raise Unauthenticated(f"the certificate {peer.serial} expired at {stamp(peer.not_after)}")
    if at < peer.not_before:
        raise Unauthenticated(f"the certificate {peer.serial} is not valid before {stamp(peer.not_before)}")
    if peer.serial in revoked:
        raise revocation_of(peer.serial)


def revocation_of(serial: str) -> Unauthenticated:
    """The refusal of a revoked certificate."""
    return Unauthenticated(f"the certificate {serial} was revoked")


class OpenCall:
    """One stream that is open; `ended` holds why it must end, once it must. It belongs to one event loop."""

    __slots__ = ("_loop", "call", "ended", "peer")

    def __init__(self, peer: Peer, call: Call) -> None:
        self.peer = peer
        self.call = call
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[GovernanceError] = self._loop.create_future()

    def end(self, error: GovernanceError) -> None:
        """Let it end with `error`, from whichever thread; the first reason stays."""
        try:
            self._loop.call_soon_threadsafe(self._end, error)
        except RuntimeError:  # the loop is closed, and the stream with it
            return

    def _end(self, error: GovernanceError) -> None:
        if not self.ended.done():
            self.ended.set_result(error)


class OpenConnections:
    """The streams that are open, by the serial number of the caller's certificate; used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, set[OpenCall]] = {}

    def note(self, peer: Peer, call: Call) -> OpenCall:
        """Remember a stream that opens, until `forget`."""
        opened = OpenCall(peer, call)
        with self._lock:
            self._open.setdefault(peer.serial, set()).add(opened)
        return opened

    def forget(self, opened: OpenCall) -> None:
        """The stream has ended."""
        with self._lock:
            same = self._open.get(opened.peer.serial, set())
            same.discard(opened)
            if not same:
                self._open.pop(opened.peer.serial, None)

    def of(self, serial: str) -> int:
        """How many streams the holder of this certificate has open."""
        with self._lock:
            return len(self._open.get(serial, ()))

    def serials(self) -> dict[str, int]:
        """How many streams are open, by serial number."""
        with self._lock:
            return {serial: len(opened) for serial, opened in self._open.items()}

    def end(self, serials: Collection[str], error: GovernanceError | None = None) -> int:
        """End the streams of these certificates, with UNAUTHENTICATED; returns how many there were."""
        with self._lock:
            ending = [opened for serial in serials for opened in self._open.get(serial, ())]
        for opened in ending:
            opened.end(error or revocation_of(opened.peer.serial))
        return len(ending)
