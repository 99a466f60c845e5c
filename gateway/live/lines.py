"""One event as the line of text that every socket shares, and what a socket asked to see."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from governance.compliance.queries import Call
from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import now, stamp
from governance.ledger.queries import Entry

StreamName = Literal["changes", "calls"]


@dataclass(frozen=True, slots=True)
class Line:
    """An event with the columns that filters look at; `text` is its JSON, made once for all sockets."""

    seq: int
    actor: str
    action: str
    namespace: str
    outcome: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What one socket is shown: `visible` are the namespaces its actor may see; an empty filter matches all.

    `action` matches itself and everything below it: "traffic" matches "traffic.balancing.switch".
    """

    visible: Collection[str]
    namespace: str = ""
    actor: str = ""
    action: str = ""
    outcome: str = ""

    def admits(self, line: Line) -> bool:
        """Whether `line` is to be shown."""
        return (
            (EVERYWHERE in self.visible or line.namespace in self.visible)
            and (not self.namespace or line.namespace == self.namespace)
            and (not self.actor or line.actor == self.actor)
            and (not self.action or line.action == self.action or line.action.startswith(self.action + "."))
            and (not self.outcome or line.outcome == self.outcome)
        )


def line_of_change(entry: Entry) -> Line:
    """A fact as a line."""
    return _line("changes", entry.revision, "success", entry, before=entry.before, after=entry.after)


def line_of_call(entry: Call) -> Line:
    """A call as a line; what it did is told by the changes stream."""
    return _line("calls", entry.seq, entry.outcome, entry, before=None, after=None)


def _line(stream: StreamName, seq: int, outcome: str, entry: Entry | Call, *, before: Any, after: Any) -> Line:
    reason = entry.reason if isinstance(entry, Entry) else entry.message
    event = {
        "kind": "event",
        "stream": stream,
        "seq": seq,
        "at": stamp(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "namespace": entry.namespace,
        "thing": entry.thing,
        "outcome": outcome,
        "reason": reason,
        "door": entry.door,
        "address": entry.address,
        "trace_id": entry.trace_id,
        "before": before,
        "after": after,
        "leaf": entry.leaf.hex(),
    }
    return Line(seq, entry.actor, entry.action, entry.namespace, outcome, text_of(event))


def text_of(frame: Mapping[str, Any]) -> str:
    """`frame` as one line of JSON."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def gap(first: int, last: int) -> str:
    """Tells a reader that was too slow which events it was not sent."""
    return text_of({"kind": "gap", "from": first, "to": last})


def head(seq: int) -> str:
    """Tells a reader that it has seen everything up to `seq`."""
    return text_of({"kind": "head", "seq": seq})


def heartbeat() -> str:
    """Tells a reader that the connection is alive although nothing happens."""
    return text_of({"kind": "heartbeat", "at": stamp(now())})
