"""Appends groups of events to the calls tree; writers of several processes take turns."""

from collections.abc import Sequence
from typing import Any

from django.db import connections, transaction

from governance.compliance import events
from governance.compliance.events import Draft
from governance.compliance.models import CallEvent, CallHead
from governance.compliance.streams import CALLS
from governance.ledger.merkle import Frontier
from governance.ledger.turn import turn

RECENT = 100_000  # events among which a group is looked for that may have been written already


def append(drafts: Sequence[Draft], *, again: bool = False) -> int:
    """Append `drafts` in one durable transaction and return the tree's new size.

    `again` says that it was tried before: a connection that broke during COMMIT leaves open whether they are there.
    The tree is read from the head row each time: nothing is remembered that a failure could leave ahead of the disk.
    """
    alias = CALLS.database
    with turn(alias), transaction.atomic(using=alias):
        head = CallHead.objects.using(alias).select_for_update().get(pk=1)
        if again and _there(drafts[0], head.size):
            return head.size
        rows = [events.row(draft, seq) for seq, draft in enumerate(drafts, head.size + 1)]
        tree = Frontier.decode(head.size, bytes(head.frontier)).extend(row[-1] for row in rows)
        _insert(alias, rows)
        CallHead.objects.using(alias).filter(pk=1).update(size=tree.size, frontier=tree.encode())
    return tree.size


def _there(first: Draft, size: int) -> bool:
    recent = CallEvent.objects.filter(seq__gt=size - RECENT)
    return recent.filter(event_id=first.event_id).exists()


def _insert(alias: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Not bulk_create: building a model for each row halves the rate."""
    connection = connections[alias]
    names, places = ", ".join(events.ROW), ", ".join(["%s"] * len(events.ROW))
    sql = f"INSERT INTO {CALLS.table(CALLS.rows)} ({names}) VALUES ({places})"  # noqa: S608  (names only)
    adapt, at = connection.ops.adapt_datetimefield_value, events.ROW.index("at")
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(*row[:at], adapt(row[at]), *row[at + 1 :]) for row in rows])


def close() -> None:
    """Close this thread's connection; the next group opens another."""
    connections[CALLS.database].close()
