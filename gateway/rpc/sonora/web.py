"""The gRPC-Web server of the edge."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from sonora.asgi import grpcASGI

from gateway.interceptors.call import Pairs, Refusal, Status
from gateway.interceptors.server import Behaviour, behaviour_of
from gateway.rpc.sonora import metadata
from gateway.rpc.sonora.admission import Admitted, NotAdmitted, Origins, admit, check_preflight
from gateway.rpc.sonora.asgi_types import App, Receive, Scope, Send
from gateway.rpc.sonora.context import WebContext, peer_of
from gateway.rpc.sonora.exchange import GONE, Exchange, Handler
from gateway.rpc.sonora.intake import Intake
from gateway.rpc.sonora.limits import Limits
from gateway.rpc.sonora.reply import Reply, refuse

UNKNOWN = Status(grpc.StatusCode.UNIMPLEMENTED, "there is no such method")
LEAVING = Status(grpc.StatusCode.UNAVAILABLE, "the server is going away; call again")
CROWDED = Status(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls are open")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRefusal:
    """A request that was refused before it reached the chain."""

    path: str
    status: str  # an HTTP status, or the name of a gRPC code
    message: str
    address: str
    origin: str


@dataclass(slots=True)
class CallDetails:
    """What grpc.aio tells an interceptor of a call."""

    method: str
    invocation_metadata: Any


class Web(grpcASGI):  # type: ignore[misc]  # sonora has no types
    """Serves gRPC-Web in front of `application`, and hands it every request that is not for a gRPC service.

    `interceptors` are grpc.aio's, run unchanged. `on_refusal` learns of what was refused before they were reached.
    """

    def __init__(
        self,
        application: App | None = None,
        *,
        origins: Origins,
        interceptors: Iterable[grpc.aio.ServerInterceptor] = (),
        limits: Limits | None = None,
        on_refusal: Callable[[EdgeRefusal], None] = lambda refusal: None,
    ) -> None:
        super().__init__(application, enable_cors=False)
        self._origins = origins
        self._interceptors = tuple(interceptors)
        self._limits = limits or Limits()
        self._on_refusal = on_refusal
        self._methods: dict[str, Handler] = {}
        self._services: set[str] = set()
        self._behaviours: dict[str, tuple[Handler, Behaviour]] = {}
        self._open: set[Exchange] = set()
        self._per_address: Counter[str] = Counter()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._leaving = False

    # What is served.

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Serve the methods of `handlers`."""
        handlers = tuple(handlers)
        super().add_generic_rpc_handlers(handlers)
        self._services |= {each.service_name() for each in handlers if isinstance(each, grpc.ServiceRpcHandler)}

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Handler]) -> None:
        """Serve the methods of one service; raises TypeError when one is not async."""
        for name, handler in method_handlers.items():
            behaviour_of(handler)
            self._methods[f"/{service_name}/{name}"] = handler
        self._services.add(service_name)

    def _get_rpc_handler(self, path: str, sent: Pairs = ()) -> Handler | None:
        if (handler := self._methods.get(path)) is not None:
            return handler
        details = CallDetails(path, sent)
        found: Iterable[Handler | None] = (generic.service(details) for generic in self._handlers)
        return next((handler for handler in found if handler is not None), None)

    def _is_ours(self, scope: Scope) -> bool:
        path, raw = scope["path"], scope.get("raw_path")
        if raw and raw.partition(b"?")[0] != path.encode():
            return False  # no other spelling of a method's path is that method
        service, slash, method = path[1:].rpartition("/")
        if not slash or not service or "/" in service or not method:
            return False
        return service in self._services or self._get_rpc_handler(path) is not None or _claims_grpc_web(scope)

    # How a request is served.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http" or not self._is_ours(scope):
            await self._elsewhere(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await self._do_cors_preflight(scope, receive, send)
        else:
            try:
                admitted = admit(scope, self._origins)
            except NotAdmitted as error:
                await self._turn_away(error, scope, receive, send)
            else:
                await self._do_grpc_request(scope, admitted, receive, send)

    async def _do_grpc_request(self, scope: Scope, admitted: Admitted, receive: Receive, send: Send) -> None:
        reply = Reply(send, text=admitted.text, foreign_origin=admitted.foreign_origin)
        intake = Intake(receive, text=admitted.text, limits=self._limits, gone=lambda: exchange.stop(GONE))
        address = _address(scope)
        try:
            self._check_room(address)
            context = self._create_context(scope, admitted, intake, reply)
        except Refusal as refusal:
            await intake.discard()
            await reply.end(refusal.status, ())
            self._report(scope, refusal.status.code.name, refusal.status.details)
            return
        exchange = Exchange(context, intake, reply, self._limits)
        self._enter(exchange, address)
        try:
            status = await exchange.serve(partial(self._find, scope["path"]))
        finally:
            self._leave(exchange, address)
        if not exchange.entered and status is not GONE:
            self._report(scope, status.code.name, status.details)

    def _create_context(self, scope: Scope, admitted: Admitted, intake: Intake, reply: Reply) -> WebContext:
        headers = scope["headers"]
        if sum(len(name) + len(value) + 32 for name, value in headers) > self._limits.metadata_bytes:
            text = f"the headers hold more than {self._limits.metadata_bytes} bytes"
            raise Refusal(Status(grpc.StatusCode.RESOURCE_EXHAUSTED, text))
        return WebContext(
            metadata=metadata.received(headers, with_cookies=not admitted.foreign_origin),
            peer=peer_of(scope.get("client")),
            timeout_s=metadata.timeout_s(headers),
            intake=intake,
            reply=reply,
        )

    async def _find(self, path: str, context: WebContext) -> tuple[Handler, Behaviour]:
        async def look_up(details: grpc.HandlerCallDetails) -> Handler | None:
            return self._get_rpc_handler(details.method, details.invocation_metadata)

        proceed: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]] = look_up
        for interceptor in reversed(self._interceptors):
            proceed = partial(interceptor.intercept_service, proceed)
        handler = await proceed(CallDetails(path, context.invocation_metadata()))
        if handler is None:
            raise Refusal(UNKNOWN)
        kept = self._behaviours.get(path)
        if kept is None or kept[0] is not handler:
            kept = handler, behaviour_of(handler)[1]
            if self._get_rpc_handler(path) is not None:  # strangers choose the names of unknown methods
                self._behaviours[path] = kept
        return kept

    async def _do_cors_preflight(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = check_preflight(scope, self._origins)
        except NotAdmitted as error:
            await self._turn_away(error, scope, receive, send)
        else:
            await refuse(send, 200, "", headers)

    async def _turn_away(self, error: NotAdmitted, scope: Scope, receive: Receive, send: Send) -> None:
        await Intake(receive, text=False, limits=self._limits, gone=lambda: None).discard()
        allow = [(b"allow", b"POST, OPTIONS")] if error.http_status == 405 else []
        await refuse(send, error.http_status, error.message, allow)
        self._report(scope, str(error.http_status), error.message)

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._application is not None:
            await self._application(scope, receive, send)
        elif scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            await refuse(send, 404, "not found")

    # Who is being served, and how that ends.

    def _check_room(self, address: str) -> None:
        if self._leaving:
            raise Refusal(LEAVING)
        crowded = self._per_address[address] >= self._limits.open_calls_per_address
        if crowded or len(self._open) >= self._limits.open_calls:
            raise Refusal(CROWDED)

    def _enter(self, exchange: Exchange, address: str) -> None:
        self._open.add(exchange)
        self._per_address[address] += 1
        self._none_open.clear()

    def _leave(self, exchange: Exchange, address: str) -> None:
        self._open.discard(exchange)
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]
        if not self._open:
            self._none_open.set()

    async def drain(self, timeout_s: float) -> bool:
        """Refuse new calls, end streams now, and the other calls after `timeout_s`; True when all ended by themselves.

        An ASGI server waits for open responses before it tells the application to shut down: call this before it.
        """
        self._leaving = True
        for exchange in tuple(self._open):
            if exchange.streaming:
                exchange.stop(LEAVING)
        try:
            async with asyncio.timeout(timeout_s):
                await self._none_open.wait()
        except TimeoutError:
            for exchange in tuple(self._open):
                exchange.stop(LEAVING)
            return False
        return True

    def _report(self, scope: Scope, status: str, message: str) -> None:
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
        self._on_refusal(
            EdgeRefusal(
                path=scope["path"][:200],
                status=status,
                message=message,
                address=_address(scope),
                origin=origin[:200].decode("latin-1"),
            )
        )


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _claims_grpc_web(scope: Scope) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"application/grpc-web") for name, value in scope["headers"]
    )
