"""The first page: is everything well, and what happened last."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages import charts, fleet
from gateway.pages.door import needs, visible
from gateway.pages.signs import LOGGED
from governance.dataplane import queries as dataplane
from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.pki.queries import alarms, board
from governance.pki.queries.certificates import renewal_times
from governance.pki.renewal import CRITICAL
from governance.pki.standing import STATES

WORST, CHANGES = 8, 20
CHART_S, STEP_S = 600, 10
_BADNESS = {"down": 0, "degraded": 1, "empty": 3, "unknown": 3, "healthy": 4}


@needs("registry.read")
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Cards, the worst services, the last changes."""
    at = now()
    spaces = visible(request, actor, "registry.read")
    sees_clients = bool(actor.namespaces("dataplane.read"))
    clients = fleet.visible_clients(dataplane.clients(), spaces) if sees_clients else []
    rows = fleet.rows(spaces, clients, at)
    sync = Counter(client.state(at) for client in clients)
    context = {
        "rows": rows,
        "states": Counter(row.state for row in rows),
        "sync": sync,
        "sees_clients": sees_clients,
        "service_order": tuple(_BADNESS),
        "sync_order": ("in_sync", "sent", "stale", "nacked"),
        "connected": sum(sync.values()) - sync["offline"],
        "worst": sorted(rows, key=_badness)[:WORST],
        "loads": _loads(spaces, at),
        "certificates": _certificates(request, actor, at),
        "transparency": _transparency(request, actor),
        "changes": _changes(request, actor),
        "marks": charts.marks(_switches(request, actor), until=at, window_s=CHART_S),
    }
    return render(request, "overview.html", context)


def _badness(row: fleet.Row) -> tuple[int, int, int, float]:
    rank = 2 if row.nacked and row.state == "healthy" else _BADNESS[row.state]
    return rank, -row.nacked, -(row.error_ppm or 0), -(row.calls_per_s or 0)


def _loads(spaces: frozenset[str], at: datetime) -> dict[str, Any]:
    samples = dataplane.load_over_time(since=at - timedelta(hours=1), namespaces=spaces)
    calls = sum(sample[1] for sample in samples)
    steps = charts.rates(samples, until=at, window_s=CHART_S, step_s=STEP_S)
    # The newest step is still being reported.
    finished = steps[:-1]
    recent = [step[0] for step in finished[-3:] if step]
    return {
        "known": bool(samples),
        "per_s": sum(recent) / len(recent) if recent else None,
        "calls": calls,
        "errors": sum(sample[2] for sample in samples),
        "since": samples[0][0] if samples else None,
        "spark": charts.spark([step and step[0] for step in finished]),
        "error_spark": charts.spark([step and step[1] for step in finished]),
    }


def _certificates(request: HttpRequest, actor: Actor, at: datetime) -> dict[str, Any] | None:
    """How many renewals are due within 72 h, and how many certificates stand badly; None for who may not see them."""
    spaces = visible(request, actor, "pki.read")
    if not spaces:
        return None
    counts = Counter(each.state(at) for each in board.pressing(at, namespaces=spaces))
    return {
        "due": len(renewal_times(namespaces=spaces, until=at + CRITICAL)),
        "counts": [(state, counts[state]) for state in STATES if counts[state]],
        "total": sum(counts.values()),
    }


def _transparency(request: HttpRequest, actor: Actor) -> dict[str, Any] | None:
    """How many certificates are in the logs; None for who may not see them."""
    spaces = visible(request, actor, "pki.read")
    if not spaces:
        return None
    standing = Counter(alarms.standings(namespaces=spaces).values())
    return {
        "logged": standing["logged"],
        "issued": sum(standing.values()) - standing["none"],
        "standings": [(name, standing[name]) for name in alarms.STANDS if name in LOGGED and standing[name]],
    }


def _switches(request: HttpRequest, actor: Actor) -> list[ledger.Entry]:
    spaces = visible(request, actor, "traffic.read")
    return ledger.search(namespaces=spaces, action="traffic", limit=CHANGES) if spaces else []


def _changes(request: HttpRequest, actor: Actor) -> list[ledger.Entry] | None:
    spaces = visible(request, actor, "audit.read")
    return ledger.search(namespaces=spaces, limit=CHANGES) if spaces else None
