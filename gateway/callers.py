"""Who stands behind the credentials of a gRPC call."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
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
    name of a person. A certificate alone lets a workload do what workloads do, in its own namespace.
    """

    def __init__(
        self, *, sessions: bool, guard: Guard | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions = sessions
        self._guard = guard
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()

    async def __call__(self, call: Call) -> Actor:
        """The actor of `call`; raises Unauthenticated. A token that is sent counts alone, even beside a cookie."""
        if authorization := call.first("authorization"):
            scheme, _, secret = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("the authorization must be a bearer token")
            return await self._look_up(actor_of_token, secret.strip())
        if self._sessions and (session := _session_in(call.first("cookie"))):
            # That a stream is still open is no sign of a person: it must not keep the session from ending.
            return await self._look_up(actor_of_session, session, seen=call.actor is STRANGER)
        if self._guard is not None and (workload := _workload_in(call)):
            if workload in self._guard.disabled:
                raise Forbidden(f"the workload {workload} is disabled")
            return await self._look_up(actor_of_workload, workload)
        raise Unauthenticated(NOT_SIGNED_IN if self._sessions else "a bearer token is needed")

    async def _look_up(self, find: Callable[..., Actor], secret: str, **how: bool) -> Actor:
        key = hashlib.sha256(f"{find.__name__} {secret}".encode()).digest()
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept[1]:
            return kept[0]
        began = self._clock()
        actor = await hop(find, secret, **how)
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
