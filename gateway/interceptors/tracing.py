"""Gives each call its place in a distributed trace (W3C Trace Context, section 3.2)."""

import re
from random import getrandbits
from typing import Any

from gateway.interceptors.call import Call, Trace
from gateway.interceptors.chain import Interceptor, Proceed

_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_ID = re.compile(r"(?!0+$)[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0+$)[0-9a-f]{16}")


def continued(traceparent: str, trace_id: str = "", span_id: str = "") -> Trace:
    """A new span below the caller's `traceparent`, else below X-Trace-ID and X-Span-ID, else in a new trace.

    Ids that are not well formed are not taken over: whoever calls may not write arbitrary text into our records.
    """
    # Ids must differ, not be secret: the generator of `random` is seeded by the system and four times as fast.
    span = f"{getrandbits(64):016x}"
    if (match := _PARENT.fullmatch(traceparent)) and (not match[4] or not traceparent.startswith("00")):
        return Trace(match[1], span, match[2], bool(int(match[3], 16) & 1))
    if _TRACE_ID.fullmatch(trace_id.lower()):
        return Trace(trace_id.lower(), span, span_id.lower() if _SPAN_ID.fullmatch(span_id.lower()) else "")
    return Trace(f"{getrandbits(128):032x}", span)


class Tracing(Interceptor):
    """Reads the caller's trace, and answers with the ids of this span in the trailing metadata."""

    name = "trace"

    async def around(self, call: Call, proceed: Proceed) -> Any:
        """Serve the call within its span."""
        parent = trace_id = span_id = ""
        for key, value in call.metadata:
            if isinstance(value, str):
                if key == "traceparent":
                    parent = value
                elif key == "x-trace-id":
                    trace_id = value
                elif key == "x-span-id":
                    span_id = value
        trace = call.trace = continued(parent, trace_id, span_id)
        call.trailing += (
            ("x-trace-id", trace.trace_id),
            ("x-span-id", trace.span_id),
            *((("x-parent-span-id", trace.parent_span_id),) if trace.parent_span_id else ()),
            ("traceparent", f"00-{trace.trace_id}-{trace.span_id}-{'01' if trace.sampled else '00'}"),
        )
        return await proceed()
