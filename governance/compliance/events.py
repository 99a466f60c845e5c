"""How one call becomes one event: cut, cleaned, redacted, and in canonical form."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.compliance.values import CallRecord
from governance.kernel import canonical
from governance.kernel.clock import stamp
from governance.kernel.ids import uuid7
from governance.kernel.redact import redact, redact_text
from governance.ledger.merkle import salted_leaf

MAX_BODY_BYTES = 64 * 1024
MAX_MESSAGE = 2000
SCANNED = 4096  # cut before it is searched for secrets: whoever calls chooses the length
DROPPED = "compliance.calls.dropped"


@dataclass(frozen=True, slots=True)
class Draft:
    """A call with all that is known before its place in the stream is: what can be prepared outside the lock."""

    event_id: str
    at: datetime
    action: str
    namespace: str
    actor: str
    outcome: str
    body: bytes
    salt: bytes


def draft(call: CallRecord, at: datetime) -> Draft:
    """Prepare `call`, received at `at`. Never refuses: what cannot be written is said in its place."""
    actor = _clean(call.actor, 150)
    return Draft(
        event_id=uuid7(),
        at=at.replace(microsecond=at.microsecond // 1000 * 1000),
        action=_clean(call.action, 120),
        namespace=_clean(call.namespace, 63),
        actor=actor,
        outcome=call.outcome,
        body=_body(call, actor),
        salt=secrets.token_bytes(16),
    )


def dropped(count: int, since: datetime) -> CallRecord:
    """The event that stands for `count` calls that could not be recorded."""
    return CallRecord(
        action=DROPPED,
        actor="system",
        actor_kind="system",
        outcome="failed",
        status="RESOURCE_EXHAUSTED",
        message=f"{count} calls could not be recorded",
        detail={"count": count, "since": stamp(since)},
    )


def header(event: Draft, seq: int) -> bytes:
    """What is proven of the event even when its body has been erased."""
    return canonical.encode(
        {
            "v": 1,
            "stream": "calls",
            "seq": seq,
            "event_id": event.event_id,
            "at": stamp(event.at),
            "action": event.action,
            "namespace": event.namespace,
            "outcome": event.outcome,
        }
    )


def row(event: Draft, seq: int) -> tuple[Any, ...]:
    """The row of the event at `seq`, its leaf last; the columns are ROW."""
    head = header(event, seq)
    return (
        seq,
        event.event_id,
        event.at,
        event.action,
        event.namespace,
        event.actor,
        event.outcome,
        head.decode(),
        event.body.decode(),
        event.salt,
        salted_leaf(head, event.body, event.salt),
    )


ROW = ("seq", "event_id", "at", "action", "namespace", "actor", "outcome", "header", "body", "salt", "leaf")


def _body(call: CallRecord, actor: str) -> bytes:
    body = {
        "actor": actor,
        "actor_kind": call.actor_kind,
        "thing": _clean(redact_text(call.thing[:SCANNED]), 255),
        "status": _clean(call.status, 40),
        "message": _clean(redact_text(call.message[:SCANNED]), MAX_MESSAGE),
        "door": _clean(call.door, 40),
        "address": _clean(call.address, 120),
        "trace_id": _clean(call.trace_id, 64),
        "request_id": _clean(call.request_id, 128),
        "duration_us": call.duration_us,
    }
    written = canonical.encode(body | {"detail": redact(call.detail)})
    if len(written) > MAX_BODY_BYTES:
        return canonical.encode(body | {"detail": {"[TRUNCATED]": len(written)}})
    return written


def _clean(text: str, limit: int) -> str:
    """`text` cut to what its column holds, valid as UTF-8 and without NUL, which PostgreSQL refuses."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\x00", "\ufffd")
