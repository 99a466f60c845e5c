"""One service: its head, and a tab each for endpoints, balancing, clients, history and events."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages import balancing, charts
from gateway.pages.door import needs
from gateway.pages.fleet import RATE_WINDOW_S, visible_clients
from gateway.pages.signs import Sign, endpoint_signs, service_state
from governance.dataplane import queries as dataplane
from governance.dataplane.values import Client, Load
from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import NotFound
from governance.ledger import queries as ledger
from governance.registry import queries as registry
from governance.registry.values import Endpoint, Service, Summary
from governance.traffic import queries as traffic
from governance.traffic.progress import Share, answers, observed_shares
from governance.traffic.queries import InForce, thing_of

CHART_S, STEP_S = 600, 10
EVENTS, MARKS = 100, 20
# Calls of the first second after a switch are not counted: clients were still changing.
SETTLING = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A service with everything its tabs draw on, read once."""

    service: Service
    force: InForce
    clients: tuple[Client, ...]
    loads: Mapping[str, Load]
    shares: Mapping[str, Share]
    window_s: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """One endpoint with what was observed of it."""

    endpoint: Endpoint
    signs: tuple[Sign, ...]
    share: Share
    load: Load | None
    calls_per_s: float | None
    demo: bool
    slow: bool
    killed: bool


@needs("registry.read")
def service(request: HttpRequest, actor: Actor, namespace: str, name: str) -> HttpResponse:
    """The page of a service, on the tab that the address asks for."""
    seen = _see(actor, namespace, name)
    tabs = _tabs(actor, namespace)
    tab = request.GET.get("tab", "endpoints")
    tab = tab if tab in tabs else "endpoints"
    context = {"seen": seen, "service": seen.service, "tab": tab, "tabs": tabs, "head": _head(seen)}
    return render(request, "service.html", {**context, **_TABS[tab](request, seen)})


@needs("traffic.read")
def preview(request: HttpRequest, actor: Actor, namespace: str, name: str) -> HttpResponse:
    """How calls are meant to be shared if the named endpoints stood as the address says."""
    seen = _see(actor, namespace, name)
    wanted = frozenset(request.GET.getlist("endpoint"))
    changes: dict[str, Any] = {}
    for field in ("isolated", "draining"):
        if field in request.GET:
            changes[field] = request.GET[field] == "true"
    if request.GET.get("weight", "").isdigit():
        changes["weight"] = int(request.GET["weight"])
    then = [replace(each, **changes) if each.name in wanted else each for each in seen.service.endpoints]
    groups = balancing.simulated(seen.force.balancing, seen.service.endpoints, then)
    return render(request, "service/preview.html", {"groups": groups})


def _see(actor: Actor, namespace: str, name: str) -> Seen:
    found = registry.service(namespace, name) if actor.may("registry.read", namespace) else None
    if found is None:
        raise NotFound(balancing.no_service(namespace, name))
    at = now()
    force = traffic.in_force([found])[found.uid]
    everyone = visible_clients(dataplane.clients_of(namespace, name), actor.namespaces("dataplane.read"))
    since = at - timedelta(seconds=RATE_WINDOW_S)
    if force.at is not None:
        since = max(since, force.at + SETTLING)
    loads = {load.endpoint: load for load in dataplane.loads(namespace, name, since=since)}
    zones: Counter[str] = Counter()
    calls = dataplane.calls_by_client(namespace, name, since=since)
    for client in everyone:
        zones[client.zone] += calls.get(client.name, 0)
    shares = observed_shares(force.balancing, found.endpoints, loads.values(), zones)
    return Seen(
        service=found,
        force=force,
        clients=tuple(everyone),
        loads=loads,
        shares={share.endpoint: share for share in shares},
        window_s=max(1.0, (at - since).total_seconds()),
        at=at,
    )


def _tabs(actor: Actor, namespace: str) -> list[str]:
    needed = {
        "endpoints": "registry.read",
        "balancing": "traffic.read",
        "clients": "dataplane.read",
        "history": "traffic.read",
        "events": "audit.read",
    }
    return [tab for tab, permission in needed.items() if actor.may(permission, namespace)]


def _head(seen: Seen) -> dict[str, Any]:
    service = seen.service
    samples = dataplane.load_over_time(
        since=seen.at - timedelta(seconds=CHART_S), namespaces=[service.namespace], service=service.name
    )
    steps = charts.rates(samples, until=seen.at, window_s=CHART_S, step_s=STEP_S)[:-1]
    calls = sum(load.issued for load in seen.loads.values())
    states = Counter(client.state(seen.at) for client in seen.clients)
    return {
        "state": service_state(_summary(service)),
        "healthy": sum(endpoint.health == "healthy" for endpoint in service.endpoints),
        "calls_per_s": calls / seen.window_s if calls else None,
        "error_ppm": sum(load.errors for load in seen.loads.values()) * 1_000_000 // calls if calls else None,
        "spark": charts.spark([step and step[0] for step in steps]),
        "in_sync": states["in_sync"],
        "nacked": states["nacked"],
    }


def _summary(service: Service) -> Summary:
    health = Counter(endpoint.health for endpoint in service.endpoints)
    return Summary(
        uid=service.uid,
        namespace=service.namespace,
        name=service.name,
        owner=service.owner,
        zones=service.zones,
        total=len(service.endpoints),
        healthy=health["healthy"],
        unhealthy=health["unhealthy"],
        isolated=sum(endpoint.isolated for endpoint in service.endpoints),
        last_revision=service.revision,
    )


def _endpoints(request: HttpRequest, seen: Seen) -> dict[str, Any]:
    switches = traffic.revisions(seen.service.namespace, seen.service.name, limit=MARKS)
    return {
        "rows": [_row(seen, endpoint) for endpoint in seen.service.endpoints],
        "marks": charts.marks(switches, until=seen.at, window_s=CHART_S),
    }


def _row(seen: Seen, endpoint: Endpoint) -> EndpointRow:
    load = seen.loads.get(endpoint.name)
    return EndpointRow(
        endpoint=endpoint,
        signs=endpoint_signs(endpoint),
        share=seen.shares[endpoint.name],
        load=load,
        calls_per_s=load.issued / seen.window_s if load else None,
        demo=endpoint.metadata.get("demo") == "true",
        slow="demo.latency_ms" in endpoint.metadata,
        killed="demo.down" in endpoint.metadata,
    )


def _balancing(request: HttpRequest, seen: Seen) -> dict[str, Any]:
    return balancing.editor(seen.service, seen.force, seen.shares)


def _clients(request: HttpRequest, seen: Seen) -> dict[str, Any]:
    verdicts = {each.client.name: each.verdict for each in answers(seen.force.balancing, seen.clients)}
    return {"rows": [(client, client.state(seen.at), verdicts[client.name]) for client in seen.clients]}


def _history(request: HttpRequest, seen: Seen) -> dict[str, Any]:
    return balancing.history(seen.service, request.GET)


def _events(request: HttpRequest, seen: Seen) -> dict[str, Any]:
    service = seen.service
    path = f"{service.namespace}/{service.name}"
    things = [f"service/{path}", f"endpoints/{path}", thing_of(service.namespace, service.name)]
    things += [f"endpoint/{path}/{endpoint.name}" for endpoint in service.endpoints]
    return {"changes": ledger.search(things=things, limit=EVENTS)}


_TABS: Mapping[str, Callable[[HttpRequest, Seen], dict[str, Any]]] = {
    "endpoints": _endpoints,
    "balancing": _balancing,
    "clients": _clients,
    "history": _history,
    "events": _events,
}
