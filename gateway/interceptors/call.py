"""One call on its way through the chain, and how it ended."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import grpc

from governance.kernel.actor import STRANGER, Actor

if TYPE_CHECKING:
    from gateway.tls.peers import Peer

Kind = Literal["unary_unary", "unary_stream", "stream_unary", "stream_stream"]
Pairs = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Status(grpc.Status):
    """How a call ended; what `context.abort_with_status` takes."""

    code: grpc.StatusCode
    details: str = ""
    trailing_metadata: Pairs = ()


OK = Status(grpc.StatusCode.OK)


class Refusal(Exception):
    """Ends a call with exactly this status; the adapter hands it to the transport."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.details)
        self.status = status


Explain = Callable[[BaseException, "Call"], Status]
Read = Callable[[BaseException, "Call"], Status | None]


def explain_plainly(error: BaseException, call: "Call") -> Status:
    """The status of a refusal; anything else is UNKNOWN, and its text stays here."""
    return error.status if isinstance(error, Refusal) else Status(grpc.StatusCode.UNKNOWN, "the call failed")


def nothing_more(error: BaseException, call: "Call") -> Status | None:
    """What a transport knows that knows nothing of aborts, cancellation and deadlines."""
    return None


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a call stands in a distributed trace (W3C Trace Context): ids in lower-case hex, 32 and 16 digits."""

    trace_id: str
    span_id: str
    parent_span_id: str = ""
    sampled: bool = True


class Call:
    """What the links know of one call. It belongs to one task; links fill it in from the outside to the inside.

    `metadata` is what the caller sent, `shown_metadata` what may be written to logs (empty until the redact link ran).
    `request` is the message of a call with a single request. `status` is final once the chain is left: `transport`
    reads it from aborts, cancellation and deadlines, `explain` from what was raised. A link that cancels what it
    surrounds says why in `ending`.
    """

    __slots__ = (
        "_error",
        "actor",
        "context",
        "door",
        "ending",
        "explain",
        "kind",
        "known",
        "metadata",
        "method",
        "peer",
        "peer_certificate",
        "reached",
        "reference",
        "request",
        "shown_metadata",
        "started_ns",
        "status",
        "trace",
        "trailing",
        "transport",
    )

    def __init__(  # positional, because it is made once per call and keywords cost more than all its assignments
        self,
        method: str,
        kind: Kind = "unary_unary",
        metadata: Collection[tuple[str, str | bytes]] = (),
        peer: str = "",
        door: str = "grpc",
        request: Any = None,
        known: bool = True,
        context: Any = None,
        transport: Read = nothing_more,
    ) -> None:
        self.method = method
        self.kind = kind
        self.metadata = metadata
        self.peer = peer
        self.door = door
        self.request = request
        self.known = known
        self.context = context
        self.transport = transport
        self.explain: Explain = explain_plainly
        self.started_ns = time.perf_counter_ns()
        self.actor: Actor = STRANGER
        self.peer_certificate: Peer | None = None
        self.trace: Trace | None = None
        self.trailing: Pairs = ()
        self.shown_metadata: Pairs = ()
        self.status = OK
        self.ending: Status | None = None
        self.reached = -1
        self.reference = ""
        self._error: BaseException | None = None

    def first(self, name: str) -> str:
        """The first text value of the caller's metadata `name` (lower case), or empty."""
        for key, value in self.metadata:
            if key == name and isinstance(value, str):
                return value
        return ""

    @property
    def address(self) -> str:
        """The caller's IP address, without its port; empty for a unix socket."""
        family, _, rest = self.peer.partition(":")
        if family not in ("ipv4", "ipv6"):
            return ""
        return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")

    @property
    def duration_us(self) -> int:
        """Microseconds since the call began."""
        return (time.perf_counter_ns() - self.started_ns) // 1000

    @property
    def trace_id(self) -> str:
        """The trace id, or empty when nothing traces."""
        return self.trace.trace_id if self.trace else ""

    def ended_by(self, error: BaseException) -> None:
        """Let `error` be why the call ended; the same error is explained once."""
        if error is not self._error:
            self._error = error
            self.status = self.ending or self.transport(error, self) or self.explain(error, self)
