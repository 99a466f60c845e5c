"""Puts a chain in front of every method of a grpc.aio server, or of the gRPC-Web edge."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

import grpc
import structlog

from gateway.interceptors.call import Call, Kind, Pairs, Refusal, Status
from gateway.interceptors.chain import Chain, Proceed

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Behaviour = Callable[[Any, Context], Awaitable[Any]]
# A caller's deadline passes earlier than ours, by the time that its request was under way.
TRANSIT_S = 0.05
log = structlog.get_logger(__name__)


class ChainInterceptor(grpc.aio.ServerInterceptor):
    """Runs each call through the chain that is in force when it begins.

    `chain` may be replaced at any time; calls under way keep theirs. Methods that nobody serves pass through
    the chain as well, so that they are counted and recorded, and end UNIMPLEMENTED.
    """

    def __init__(self, chain: Chain, *, door: str = "grpc") -> None:
        self.chain = chain
        self._door = door
        self._wrapped: dict[str, tuple[Handler, Handler]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of the method, surrounded by the chain."""
        method = handler_call_details.method
        handler = await continuation(handler_call_details)
        if handler is None:
            return grpc.stream_stream_rpc_method_handler(self._surround(_unknown, method, "stream_stream", known=False))
        kept = self._wrapped.get(method)
        if kept is None or kept[0] is not handler:
            kept = self._wrapped[method] = (handler, self._wrap(handler, method))
        return kept[1]

    def _wrap(self, handler: Handler, method: str) -> Handler:
        kind, behaviour = behaviour_of(handler)
        return _MAKE[kind](
            self._surround(behaviour, method, kind),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _surround(self, behaviour: Behaviour, method: str, kind: Kind, *, known: bool = True) -> Any:
        single = kind.startswith("unary")

        async def surrounded(request: Any, context: Context) -> Any:
            call = Call(
                method,
                kind,
                context.invocation_metadata() or (),
                context.peer(),
                self._door,
                request if single else None,
                known,
                context,
                _read,
            )
            return await _run(self.chain, call, partial(_serve, behaviour, request, call), context)

        return surrounded


def behaviour_of(handler: Handler) -> tuple[Kind, Behaviour]:
    """The kind of `handler`, and its code as a coroutine function that sends a stream by `context.write`.

    Raises TypeError for a synchronous handler: it would stop the event loop for every other call.
    """
    method: Any
    for kind in _MAKE:
        method = getattr(handler, kind)
        if method is not None:
            break
    forms = (method, type(method).__call__)  # a function, or an object that is called like one
    if any(map(inspect.isasyncgenfunction, forms)):
        return kind, _written(method)
    if any(map(inspect.iscoroutinefunction, forms)):
        return kind, method
    raise TypeError(f"{getattr(method, '__qualname__', method)} is synchronous; write it as async def")


def _written(method: Callable[[Any, Context], AsyncIterator[Any]]) -> Behaviour:
    async def write_all(request: Any, context: Context) -> None:
        messages = method(request, context)
        try:
            async for message in messages:
                await context.write(message)
        finally:
            await messages.aclose()  # type: ignore[attr-defined]  # what an async generator function returns has it

    return write_all


async def _unknown(_request: Any, _context: Context) -> None:
    raise Refusal(Status(grpc.StatusCode.UNIMPLEMENTED, "there is no such method"))


async def _serve(behaviour: Behaviour, request: Any, call: Call) -> Any:
    if call.trailing:  # now, so that it is sent even when the handler aborts
        call.context.set_trailing_metadata(call.trailing)
    response = await behaviour(request, call.context)
    if (code := call.context.code()) is not None and code is not grpc.StatusCode.OK:
        call.status = Status(code, call.context.details())
    return response


async def _run(chain: Chain, call: Call, serve: Proceed, context: Context) -> Any:
    try:
        response = await chain.run(call, serve)
    except (grpc.aio.AbortError, asyncio.CancelledError):
        raise
    except Refusal as refusal:
        await context.abort_with_status(_with_trailing(refusal.status, _answer(call, context)))
    except Exception:
        log.exception("the chain failed", method=call.method)
        await context.abort_with_status(Status(grpc.StatusCode.INTERNAL, "internal error", _answer(call, context)))
    if (trailing := _answer(call, context)) != tuple(context.trailing_metadata()):
        context.set_trailing_metadata(trailing)
    return response


def _answer(call: Call, context: Context) -> Pairs:
    """The handler's trailing metadata and the chain's."""
    sent = tuple(context.trailing_metadata())
    return (*sent, *(pair for pair in call.trailing if pair not in sent))


def _with_trailing(status: Status, trailing: Pairs) -> Status:
    return Status(status.code, status.details, (*trailing, *status.trailing_metadata)) if trailing else status


def _read(error: BaseException, call: Call) -> Status | None:
    """The status that the transport has decided already, or must decide, for aborts, cancellation and deadlines."""
    if not isinstance(error, grpc.aio.AbortError | asyncio.CancelledError):
        return None
    code = call.context.code()
    if code is not None and code is not grpc.StatusCode.OK:
        return Status(code, call.context.details())
    remaining = call.context.time_remaining()
    late = remaining is not None and remaining <= TRANSIT_S
    return Status(grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED)


_MAKE: dict[Kind, Callable[..., Handler]] = {
    "unary_unary": grpc.unary_unary_rpc_method_handler,
    "unary_stream": grpc.unary_stream_rpc_method_handler,
    "stream_unary": grpc.stream_unary_rpc_method_handler,
    "stream_stream": grpc.stream_stream_rpc_method_handler,
}
