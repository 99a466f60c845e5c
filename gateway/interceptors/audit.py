"""Hands every finished call to the record of calls."""

from collections.abc import Callable
from typing import Any

from gateway.interceptors.call import Call
from gateway.interceptors.chain import Interceptor, Proceed

Sink = Callable[[Call], None]


class Audit(Interceptor):
    """Innermost. `record` is called once per call, when it ended or was refused; it must neither block nor raise."""

    name = "audit"

    def __init__(self, record: Sink) -> None:
        self._record = record

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call, then record it."""
        try:
            return await proceed()
        finally:
            self._record(call)

    def refused(self, call: Call) -> None:
        """Record the refusal."""
        self._record(call)
