"""What the calls stream says was asked."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from governance.compliance.models import CallEvent, CallHead
from governance.kernel.actor import EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One event of the calls stream as a value; what was erased is empty."""

    seq: int
    event_id: str
    at: datetime
    action: str
    namespace: str
    thing: str
    actor: str
    actor_kind: str
    outcome: str
    status: str
    message: str
    door: str
    address: str
    trace_id: str
    request_id: str
    duration_us: int
    detail: Mapping[str, Any]
    leaf: bytes


_TEXTS = ("thing", "actor_kind", "status", "message", "door", "address", "trace_id", "request_id")


def head_seq() -> int:
    """Position of the newest call."""
    return CallHead.objects.values_list("size", flat=True).get(pk=1)


def after(seq: int, *, limit: int = 500) -> list[Call]:
    """The calls after `seq`, oldest first."""
    return [_call(row) for row in CallEvent.objects.filter(seq__gt=seq).order_by("seq")[:limit]]


def search(
    *,
    namespaces: Collection[str] = (EVERYWHERE,),
    actor: str = "",
    action: str = "",
    outcome: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[Call]:
    """Calls newest first that match every given filter and lie in `namespaces` ({EVERYWHERE}: in any).

    `action` matches itself and everything below it: "traffic" matches "traffic.balancing.switch".
    """
    rows = CallEvent.objects.order_by("-seq")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    if actor:
        rows = rows.filter(actor=actor)
    if action:
        rows = rows.filter(Q(action=action) | Q(action__startswith=action + "."))
    if outcome:
        rows = rows.filter(outcome=outcome)
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return [_call(row) for row in rows[:limit]]


def _call(row: CallEvent) -> Call:
    body: dict[str, Any] = json.loads(row.body) if row.body else {}
    return Call(
        seq=row.seq,
        event_id=row.event_id,
        at=row.at,
        action=row.action,
        namespace=row.namespace,
        actor=row.actor,
        outcome=row.outcome,
        duration_us=body.get("duration_us", 0),
        detail=body.get("detail", {}),
        leaf=bytes(row.leaf),
        **{name: body.get(name, "") for name in _TEXTS},
    )
