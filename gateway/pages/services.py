"""The list of services: filtered, sorted and cut into pages here, so that a thousand are no more work than ten."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages import fleet
from gateway.pages.door import needs, visible
from gateway.pages.signs import SERVICE
from governance.dataplane import queries as dataplane
from governance.kernel.actor import Actor
from governance.kernel.clock import now

PAGE_SIZE = 50
_STATES = ("down", "degraded", "unknown", "empty", "healthy")
_KEYS: dict[str, Callable[[fleet.Row], Any]] = {
    "name": lambda row: (row.service.name, row.service.namespace),
    "namespace": lambda row: (row.service.namespace, row.service.name),
    "owner": lambda row: row.service.owner.lower(),
    "health": lambda row: (_STATES.index(row.state), row.service.healthy),
    "policy": lambda row: (row.policy, row.policy_revision),
    "calls": lambda row: row.calls_per_s or -1.0,
    "errors": lambda row: -1 if row.error_ppm is None else row.error_ppm,
    "sync": lambda row: (row.in_sync - row.clients, -row.clients),
    "changed": lambda row: row.last_revision,
}


@needs("registry.read")
def services(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One page of the list."""
    at = now()
    spaces = visible(request, actor, "registry.read")
    clients = dataplane.clients(connected_only=True) if actor.namespaces("dataplane.read") else []
    everything = fleet.rows(spaces, clients, at)
    query, state = request.GET.get("q", "").strip().lower(), request.GET.get("state", "")
    found = [row for row in everything if _matches(row, query) and state in ("", row.state)]
    sort = request.GET.get("sort", "name")
    key = sort.removeprefix("-")
    found.sort(key=_KEYS.get(key, _KEYS["name"]), reverse=sort.startswith("-"))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    changes = fleet.last_changes(page.object_list)
    context = {
        "page": page,
        "rows": [replace(row, last_change=changes.get(row.path)) for row in page.object_list],
        "total": len(everything),
        "found": len(found),
        "q": request.GET.get("q", ""),
        "state": state,
        "states": [(name, SERVICE[name].word) for name in _STATES],
        "sort": sort,
    }
    return render(request, "services.html", context)


def _matches(row: fleet.Row, query: str) -> bool:
    service = row.service
    return not query or any(query in text.lower() for text in (row.path, service.owner, row.policy, *service.zones))
