"""What the ledger says happened."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from governance.kernel.actor import EVERYWHERE
from governance.ledger.models import Cursor, Fact, Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact as a value."""

    revision: int
    event_id: str
    at: datetime
    action: str
    namespace: str
    thing: str
    actor: str
    actor_kind: str
    door: str
    address: str
    trace_id: str
    request_id: str
    reason: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    leaf: bytes


def entry_of(fact: Fact) -> Entry:
    """`fact` as a value; what was erased is empty."""
    body: dict[str, Any] = json.loads(fact.body) if fact.body else {}
    return Entry(
        revision=fact.revision,
        event_id=fact.event_id,
        at=fact.at,
        action=fact.action,
        namespace=fact.namespace,
        thing=fact.thing,
        actor=fact.actor,
        actor_kind=body.get("actor_kind", ""),
        door=body.get("door", ""),
        address=body.get("address", ""),
        trace_id=body.get("trace_id", ""),
        request_id=body.get("request_id", ""),
        reason=body.get("reason", ""),
        before=body.get("before"),
        after=body.get("after"),
        leaf=bytes(fact.leaf),
    )


def head_revision() -> int:
    """Revision of the newest fact."""
    return Head.objects.values_list("revision", flat=True).get(pk=1)


def after(revision: int, *, limit: int = 500) -> list[Entry]:
    """The facts after `revision`, oldest first."""
    return [entry_of(fact) for fact in Fact.objects.filter(revision__gt=revision).order_by("revision")[:limit]]


def get(revision: int) -> Entry | None:
    """The fact at `revision`."""
    fact = Fact.objects.filter(revision=revision).first()
    return entry_of(fact) if fact else None


def entries(revisions: Collection[int]) -> dict[int, Entry]:
    """The facts at `revisions`, by revision."""
    return {fact.revision: entry_of(fact) for fact in Fact.objects.filter(revision__in=list(revisions))}


def last_revision(thing: str) -> int:
    """Revision of the last fact about `thing`; 0 when there is none."""
    newest = Fact.objects.filter(thing=thing).order_by("-revision").values_list("revision", flat=True).first()
    return newest or 0


def history(thing: str, *, before: int | None = None, limit: int = 100) -> list[Entry]:
    """The facts about `thing`, newest first, those before the revision `before` when it is given."""
    return search(things=[thing], before=before, limit=limit)


def search(
    *,
    namespaces: Collection[str] = (EVERYWHERE,),
    things: Collection[str] = (),
    actor: str = "",
    action: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Facts newest first that match every given filter and lie in `namespaces` ({EVERYWHERE}: in any).

    `action` matches itself and everything below it: "traffic" matches "traffic.balancing.switch".
    """
    facts = Fact.objects.order_by("-revision")
    if EVERYWHERE not in namespaces:
        facts = facts.filter(namespace__in=list(namespaces))
    if things:
        facts = facts.filter(thing__in=list(things))
    if actor:
        facts = facts.filter(actor=actor)
    if action:
        facts = facts.filter(Q(action=action) | Q(action__startswith=action + "."))
    if before is not None:
        facts = facts.filter(revision__lt=before)
    return [entry_of(fact) for fact in facts[:limit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a follower stands; `error` says why it stands still, empty while it works."""

    follower: str
    revision: int
    seen_at: datetime
    error: str


def places() -> list[Place]:
    """The last known place of everyone that follows or shows signs of life, by name."""
    rows = Cursor.objects.order_by("follower")
    return [Place(follower=row.follower, revision=row.revision, seen_at=row.seen_at, error=row.error) for row in rows]
