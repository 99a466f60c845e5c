"""Writes one line per call."""

from typing import Any

import grpc
import structlog

from gateway.interceptors.call import Call
from gateway.interceptors.chain import Interceptor, Proceed

_OURS = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS})


class AccessLog(Interceptor):
    """One structlog line when the call ends: an error when the fault is ours, else information."""

    name = "logging"

    def __init__(self, logger: Any = None) -> None:
        self._log = logger if logger is not None else structlog.get_logger("gateway.calls")

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call, then write its line."""
        try:
            return await proceed()
        finally:
            self._write(call)

    def refused(self, call: Call) -> None:
        """Write the line of the refusal."""
        self._write(call)

    def _write(self, call: Call) -> None:
        status = call.status
        (self._log.error if status.code in _OURS else self._log.info)(
            "call",
            method=call.method[:200],
            code=status.code.name,
            message=status.details,
            duration_us=call.duration_us,
            actor=call.actor.name,
            door=call.door,
            address=call.address,
            trace_id=call.trace_id,
            reference=call.reference,
        )
