"""Who stands behind the credentials of a gRPC call."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from http.cookies import CookieError, SimpleCookie

from django.conf import settings

from gateway.guard import Guard
from gateway.interceptors.call import Call
from gateway.rpc.hop import hop
from gateway.sessions import actor_of_session
from gateway.tls.peers import Peer
from governance.access.queries import NOT_SIGNED_IN, actor_of_token
from governance.kernel.actor import STRANGER, Actor
from governance.kernel.errors import Forbidden, Unauthenticated
from governance.pki.enrolment import actor_of as actor_of_workload

# Both look-ups read the database. A revoked token or an ended session still opens the door for this long.
KEPT_S = 2.0
KEPT = 4096


class Callers:
    """Resolves bearer tokens, session cookies where `sessions` allows them, and certificates where a `guard` stands.

    A token counts before the certificate of the connection: a program shows its machine's certificate and acts in the
    name of a person. A certificate alone lets a workload do what workloads do, in its own namespace. Behind a `guard`
    the methods in `by_certificate` are for workloads alone: what they answer depends on whose the certificate is.
    """

    def __init__(
        self,
        *,
        sessions: bool,
        guard: Guard | None = None,
        by_certificate: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._guard = guard
        self._by_certificate = frozenset(by_certificate)
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()

    async def __call__(self, call: Call) -> Actor:
        """The actor of `call`; raises Unauthenticated. A token that is sent counts alone, even beside a cookie."""
        if self._guard is not None and call.method in self._by_certificate:
            return await self._of_certificate(call, self._guard)
        if authorization := call.first("authorization"):
            scheme, _, secret = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("the authorization must be a bearer token")
            return await self._look_up(actor_of_token, secret.strip())
        if self._sessions and (session := _session_in(call.first("cookie"))):
            # That a stream is still open is no sign of a person: it must not keep the session from ending.
            return await self._look_up(actor_of_session, session, seen=call.actor is STRANGER)
        if self._guard is not None and _workload_in(call):
            return await self._of_certificate(call, self._guard)
        raise Unauthenticated(NOT_SIGNED_IN if self._sessions else "a bearer token is needed")

    async def _of_certificate(self, call: Call, guard: Guard) -> Actor:
        peer, workload = call.peer_certificate, _workload_in(call)
        if peer is None or not workload:
            raise Unauthenticated("this is for workloads: show a certificate with exactly one SPIFFE ID")
        if workload in guard.disabled:
            raise Forbidden(f"the workload {workload} is disabled")
        return await self._look_up(actor_of_workload, workload, peer.serial, peer.fingerprint)

    async def _look_up(self, find: Callable[..., Actor], *shown: str, **how: bool) -> Actor:
        key = hashlib.sha256(" ".join((find.__name__, *shown)).encode()).digest()
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept[1]:
            return kept[0]
        began = self._clock()
        actor = await hop(find, *shown, **how)
        self._kept[key] = actor, began + KEPT_S
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return actor


def _workload_in(call: Call) -> str:
    """The SPIFFE ID in the caller's certificate; a workload's has exactly one URI (gRFC A87)."""
    peer: Peer | None = call.peer_certificate
    return peer.uris[0] if peer is not None and len(peer.uris) == 1 else ""


def _session_in(cookies: str) -> str:
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""
