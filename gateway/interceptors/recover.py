"""Turns whatever goes wrong into a status that says no more than it should."""

import asyncio
from typing import Any

import grpc

from gateway.interceptors.call import Call, Explain, Refusal
from gateway.interceptors.chain import Interceptor, Proceed


class Recover(Interceptor):
    """Outermost. `explain` gives the status of an exception; it is asked once per error."""

    name = "recover"

    def __init__(self, explain: Explain) -> None:
        self._explain = explain

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Let no exception out but a Refusal, an abort that was sent already, and cancellation."""
        call.explain = self._explain
        try:
            return await proceed()
        except (Refusal, grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:
            call.ended_by(error)
            raise Refusal(call.status) from None
