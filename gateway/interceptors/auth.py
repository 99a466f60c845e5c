"""Finds out who is calling, and refuses what they may nowhere do."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from gateway.interceptors.call import Call
from gateway.interceptors.chain import Interceptor, Proceed
from governance.kernel.actor import Actor, Origin
from governance.kernel.errors import Forbidden

# OWASP ASVS 5.0, 8.3.2: changes of rights take effect at once, also for what is open.
RECHECK_S = 5.0

Resolve = Callable[[Call], Awaitable[Actor]]


class Auth(Interceptor):
    """Deny by default: a method needs a permission that the caller holds in at least one namespace.

    `resolve` raises Unauthenticated for a caller without valid credentials. `permissions` maps full method names to
    permissions; those in `public` need none. In which namespaces the caller may act, the command or query decides.
    Who lost the right to a stream loses the stream within `recheck_s`.
    """

    name = "auth"

    def __init__(
        self,
        resolve: Resolve,
        *,
        permissions: Mapping[str, str],
        public: Collection[str] = (),
        recheck_s: float = RECHECK_S,
    ) -> None:
        self._resolve = resolve
        self._permissions = permissions
        self._public = frozenset(public)
        self._recheck_s = recheck_s

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call in the caller's name."""
        if not call.known or call.method in self._public:
            return await proceed()
        await self._check(call)
        if call.kind == "unary_unary":
            return await proceed()
        return await self._while_allowed(call, proceed)

    async def _check(self, call: Call) -> None:
        """Done again while a stream is open, so that its handler sees the rights of the moment."""
        actor = await self._resolve(call)
        call.actor = actor.via(Origin(door=call.door, address=call.address, trace_id=call.trace_id))
        permission = self._permissions.get(call.method)
        if permission is None:
            raise Forbidden("this method declares no permission, so nobody may call it")
        if not actor.namespaces(permission):
            raise Forbidden(f"{actor.name} lacks the permission {permission}")

    async def _while_allowed(self, call: Call, proceed: Proceed) -> Any:
        serving = asyncio.ensure_future(proceed())
        try:
            while not (await asyncio.wait({serving}, timeout=self._recheck_s))[0]:
                await self._check(call)
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                call.ending = call.explain(error, call)
            serving.cancel()
            await asyncio.wait({serving}, timeout=self._recheck_s)
            raise
        return serving.result()
