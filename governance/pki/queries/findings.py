"""What was found out about certificates, logs and ports."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Count, Q

from governance.kernel.actor import EVERYWHERE
from governance.pki import models
from governance.pki.ct.room import ALWAYS, MORE
from governance.pki.ct.standing import FindingView
from governance.pki.queries import logs

# What is so; what is so and nobody said that it may be; what somebody did; what is so no more; everything.
FINDING_STATES = ("open", "alarming", "acknowledged", "closed", "all")
_IN_STATE = {
    "open": Q(closed_at=None),
    "alarming": Q(closed_at=None, acknowledged_at=None),
    "acknowledged": Q(closed_at=None, acknowledged_at__isnull=False),
    "closed": Q(closed_at__isnull=False),
    "all": Q(),
}


def findings(
    *,
    namespaces: Collection[str] = (EVERYWHERE,),
    kind: str = "",
    state: str = "open",
    before: tuple[datetime, str] | None = None,
    limit: int | None = None,
) -> list[FindingView]:
    """Findings in one of FINDING_STATES, newest first; those after (opened_at, id) of the last one of a page before."""
    rows = models.Finding.objects.filter(_IN_STATE[state]).order_by("-opened_at", "id")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    if kind:
        rows = rows.filter(kind=kind)
    if before is not None:
        rows = rows.filter(Q(opened_at__lt=before[0]) | Q(opened_at=before[0], id__gt=before[1]))
    return _as_it_is([_view(row) for row in rows[:limit]])


def finding(finding_id: str) -> FindingView | None:
    """One finding, or None."""
    row = models.Finding.objects.filter(pk=finding_id).first()
    return _as_it_is([_view(row)])[0] if row else None


def _as_it_is(found: Sequence[FindingView]) -> list[FindingView]:
    """What waits for its proof with what it lacks by now: that changes from check to check and is no news."""
    serials = {each.key: str(each.detail.get("serial", "")) for each in found if each.kind == "pending"}
    lacks = {serial: each.why for serial, each in logs.checks(serials.values()).items()} if serials else {}
    return [
        replace(each, message=f"{each.message.partition(': ')[0]}: {why}")
        if each.closed_at is None and (why := lacks.get(serials.get(each.key, "")))
        else each
        for each in found
    ]


def alarming(*, namespaces: Collection[str] = (EVERYWHERE,)) -> dict[str, int]:
    """How many findings of each kind are so without that anybody has said that they may be."""
    rows = models.Finding.objects.filter(closed_at=None, acknowledged_at=None)
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    return dict(rows.order_by().values_list("kind").annotate(Count("id")))


def any_closed(*, before: datetime) -> bool:
    """Whether anything was closed before that moment."""
    return models.Finding.objects.filter(closed_at__lt=before).exists()


def taking_room(*, without: Sequence[str] = ()) -> dict[tuple[str, str], int]:
    """How many of each kind and namespace are open and unanswered, without those for which there is always room.

    Those whose keys are in `without` do not count either.
    """
    rows = models.Finding.objects.filter(closed_at=None, acknowledged_at=None)
    rows = rows.exclude(kind__in=ALWAYS).exclude(key__startswith=MORE)
    signed = set(rows.filter(detail__by_our_key=True).values_list("key", flat=True))
    spared = signed.union(without)
    places = rows.values_list("key", "kind", "namespace")
    return Counter((kind, namespace) for key, kind, namespace in places if key not in spared)


def open_keys(prefix: str) -> set[str]:
    """The keys of what is open that begin with `prefix`."""
    return set(models.Finding.objects.filter(closed_at=None, key__startswith=prefix).values_list("key", flat=True))


def open_among(keys: Collection[str]) -> set[str]:
    """Those of them that are open."""
    wanted, found = list(keys), set[str]()
    for start in range(0, len(wanted), 500):
        rows = models.Finding.objects.filter(closed_at=None, key__in=wanted[start : start + 500])
        found |= set(rows.values_list("key", flat=True))
    return found


def _view(row: models.Finding) -> FindingView:
    """A finding as a value."""
    return FindingView(
        id=row.id,
        key=row.key,
        kind=row.kind,  # type: ignore[arg-type]  # the column holds only what is declared
        namespace=row.namespace,
        subject=row.subject,
        message=row.message,
        detail=dict(row.detail),
        opened_at=row.opened_at,
        acknowledged_at=row.acknowledged_at,
        closed_at=row.closed_at,
        revision=row.revision,
    )
