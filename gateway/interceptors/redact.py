"""Decides what of a caller's metadata may be written down."""

import re
from typing import Any

from gateway.interceptors.call import Call, Pairs
from gateway.interceptors.chain import Interceptor, Proceed

HIDDEN = "[redacted]"
MAX_VALUE = 256
_SECRET = re.compile(
    r"auth|cookie|token|secret|passw|credential|session|csrf|signature|(^|[-_.])key($|[-_.])", re.ASCII
)


def shown(metadata: Pairs) -> Pairs:
    """`metadata` without secrets and without bytes, each value at most 256 characters long."""
    return tuple((name, _shown(name, value)) for name, value in metadata)


def _shown(name: str, value: str | bytes) -> str:
    if _SECRET.search(name.lower()):
        return HIDDEN
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    return value[:MAX_VALUE]


class Redact(Interceptor):
    """Stands outside of whatever writes: where it is absent, nothing of the metadata is shown."""

    name = "redact"

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call with `shown_metadata` filled in."""
        call.shown_metadata = shown(tuple(call.metadata))
        return await proceed()

    def refused(self, call: Call) -> None:
        """Fill in `shown_metadata` for those who write down the refusal."""
        call.shown_metadata = shown(tuple(call.metadata))
