"""One call from its first byte to its trailers: the handler in a task of its own, and what may end it early."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
import structlog

from gateway.interceptors.call import Refusal, Status
from gateway.interceptors.server import Behaviour
from gateway.rpc.sonora.context import WebContext
from gateway.rpc.sonora.intake import ClientGoneError, Intake
from gateway.rpc.sonora.limits import Limits
from gateway.rpc.sonora.reply import Reply
from governance.kernel.ids import uuid7

log = structlog.get_logger(__name__)

LATE = Status(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed")
GONE = Status(grpc.StatusCode.CANCELLED, "the client went away")

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Find = Callable[[WebContext], Awaitable[tuple[Handler, Behaviour]]]


class Exchange:
    """Serves one call. `entered` tells whether a handler, or the chain before it, was reached."""

    def __init__(self, context: WebContext, intake: Intake, reply: Reply, limits: Limits) -> None:
        self._context = context
        self._intake = intake
        self._reply = reply
        self._limits = limits
        self._ended: asyncio.Future[Status | None] = asyncio.get_running_loop().create_future()
        self.entered = False
        self.streaming = False

    def stop(self, status: Status) -> None:
        """End the call early; the first reason counts."""
        if not self._ended.done():
            self._ended.set_result(status)

    async def serve(self, find: Find) -> Status:
        """Find the handler, run it, answer. The status is the one that was sent, or that would have been."""
        work = asyncio.create_task(self._work(find))
        work.add_done_callback(self._through)
        remaining = self._context.time_remaining()
        timer = None if remaining is None else asyncio.get_running_loop().call_later(remaining, self.stop, LATE)
        try:
            reason = await self._ended
            if reason is not None and not work.done():
                self._context.stop(reason)
                work.cancel()
                await asyncio.wait({work}, timeout=self._limits.wind_down_s)
        finally:
            work.cancel()
            self._intake.close()
            self._reply.close()
            if timer is not None:
                timer.cancel()
        return await self._answer(work, reason)

    def _through(self, _work: asyncio.Task[Any]) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    async def _work(self, find: Find) -> Any:
        handler, behaviour = await find(self._context)
        context = self._context
        context.serve(handler)
        request: Any
        if handler.request_streaming:
            self._intake.follow()
            request = context.messages()
        else:
            request = context.parse(await self._intake.only())
        self.entered = True
        if handler.response_streaming:
            self.streaming = True
            self._reply.start_within(self._limits.head_after_s)
            return await behaviour(request, context)
        response = await behaviour(request, context)
        return context.pack(response) if context.status.code is grpc.StatusCode.OK else None

    async def _answer(self, work: asyncio.Task[Any], reason: Status | None) -> Status:
        message = self._settle(work)
        status = self._context.status
        self._context.finish()
        if reason is not GONE and status is not GONE:
            if not self.entered:
                await self._intake.discard()
            await self._reply.end(status, self._context.trailing_metadata(), message=message)
        return status

    def _settle(self, work: asyncio.Task[Any]) -> bytes | None:
        """The single response, if there is one; every way in which `work` can end becomes a status."""
        context = self._context
        if not work.done():
            log.warning("a handler goes on after it was told to stop", status=context.status.code.name)
            return None
        if work.cancelled():
            context.stop(Status(grpc.StatusCode.CANCELLED, "the call was cancelled"))
            return None
        error = work.exception()
        if error is None:
            return None if context.aborted or self.streaming else work.result()
        if isinstance(error, Refusal):
            context.stop(error.status)
        elif isinstance(error, ClientGoneError):
            context.stop(GONE)
        elif not isinstance(error, grpc.aio.AbortError):
            reference = uuid7()
            log.error("unexpected error", reference=reference, exc_info=error)
            context.stop(Status(grpc.StatusCode.INTERNAL, f"internal error, reference {reference}"))
        return None
