"""Looks at the caller's certificate on every call, which TLS does only when a connection begins."""

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.interceptors.call import Call
from gateway.interceptors.chain import Interceptor, Proceed
from gateway.tls.peers import OpenCall, OpenConnections, RevokedSerials, check_peer, peer_of
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden, Unauthenticated

# Nothing depends on it: revocations are told, and the end of a certificate is waited for. It is for a clock that is set
# anew and for a machine that slept.
RECHECK_S = 60.0
# How long a handler may take to clean up once its stream must end.
GRACE_S = 5.0


class PeerCheck(Interceptor):
    """Refuses expired and revoked certificates, also on sessions that TLS resumed without looking at them.

    Stands outside of auth and inside of recover, which turns the refusal into UNAUTHENTICATED. A stream ends when its
    caller's certificate expires, or when `opened.end` says so. With `required`, a caller without a certificate is
    refused. `serves` says whether the server has a certificate for the name that the client asked for in its handshake
    (empty when it asked for none): others got the certificate that belongs to nobody, and are refused.
    """

    name = "peer"

    def __init__(
        self,
        *,
        revoked: RevokedSerials,
        opened: OpenConnections,
        required: bool = False,
        serves: Callable[[str], bool] | None = None,
        recheck_s: float = RECHECK_S,
    ) -> None:
        self._revoked = revoked
        self._opened = opened
        self._required = required
        self._serves = serves
        self._recheck_s = recheck_s

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call of a caller whose certificate holds."""
        shown = call.context.auth_context()
        if self._serves is not None and b"ssl" in shown.get("transport_security_type", ()):
            _check_name(b"".join(shown.get("ssl_requested_server_name", ())).decode("ascii", "replace"), self._serves)
        peer = call.peer_certificate = peer_of(shown)
        if peer is None:
            if self._required:
                raise Unauthenticated("no certificate was shown")
            return await proceed()
        if call.kind == "unary_unary":
            check_peer(peer, revoked=self._revoked, at=now())
            return await proceed()
        opened = self._opened.note(peer, call)  # before the check: a revocation between the two is not missed
        try:
            return await self._while_valid(opened, proceed)
        finally:
            self._opened.forget(opened)

    async def _while_valid(self, opened: OpenCall, proceed: Proceed) -> Any:
        check_peer(opened.peer, revoked=self._revoked, at=now())
        serving = asyncio.ensure_future(proceed())
        try:
            while not serving.done():
                left_s = (opened.peer.not_after - now()).total_seconds()
                wait_s = min(max(left_s, 0.0), self._recheck_s)
                await asyncio.wait({serving, opened.ended}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                if not serving.done():
                    self._check_open(opened)
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                opened.call.ending = opened.call.explain(error, opened.call)
            serving.cancel()
            await asyncio.wait({serving}, timeout=GRACE_S)
            raise
        return serving.result()

    def _check_open(self, opened: OpenCall) -> None:
        if opened.ended.done():
            raise opened.ended.result()
        check_peer(opened.peer, revoked=self._revoked, at=now())


def _check_name(asked: str, serves: Callable[[str], bool]) -> None:
    if not serves(asked):
        said = f"no service has the name {asked[:253]!r}" if asked else "the handshake named no server"
        raise Forbidden(f"{said}; connect by a name that is served here")
