"""Programs with identities, the tokens by which they join, and how services are called."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages.door import needs, visible
from gateway.pages.signs import WORKLOAD
from gateway.pages.times import LifeBar, life_bar
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.pki.names import workload_uri
from governance.pki.queries import authorities
from governance.pki.queries import workloads as found
from governance.pki.status import HoldingView, TransportView, WorkloadView
from governance.registry import queries as registry

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One workload; `state` is a key of WORKLOAD, `processes` those that are connected now."""

    workload: WorkloadView
    state: str
    bar: LifeBar | None
    processes: int
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """How the calls to one service travel; `suggested` is the identity that a server of this name would have."""

    namespace: str
    service: str
    mode: str
    server_uris: Sequence[str]
    revision: int
    suggested: str


@needs("pki.read")
def workloads(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One of the three lists, of the namespaces that the reader may see."""
    spaces = visible(request, actor, "pki.read")
    tab = request.GET.get("tab", "identities")
    tab = tab if tab in _TABS else "identities"
    start = {
        "url": request.build_absolute_uri("/").rstrip("/"),
        "rootsSha256": hashlib.sha256(authorities.roots_pem().encode()).hexdigest(),
    }
    context = {"tab": tab, "tabs": list(_TABS), "start": start, "q": request.GET.get("q", "")}
    return render(request, "workloads.html", {**context, **_TABS[tab](request, actor, spaces)})


def _identities(request: HttpRequest, _actor: Actor, spaces: frozenset[str]) -> dict[str, Any]:
    at, held = now(), _by_consumer()
    text, state = request.GET.get("q", "").strip().lower(), request.GET.get("state", "")
    everyone = [_row(each, held.get(each.uri, []), at) for each in found.workloads(namespaces=spaces)]
    matching = [row for row in everyone if text in row.workload.uri.lower() and state in ("", row.state)]
    page = Paginator(matching, PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "rows": list(page.object_list),
        "total": len(everyone),
        "found": len(matching),
        "state": state,
        "states": [(name, sign.word) for name, sign in WORKLOAD.items()],
    }


def _by_consumer() -> Mapping[str, list[HoldingView]]:
    by: dict[str, list[HoldingView]] = {}
    for each in found.holdings(present=False):
        by.setdefault(each.consumer, []).append(each)
    return by


def _row(workload: WorkloadView, held: Sequence[HoldingView], at: datetime) -> Row:
    bar = None
    state = state_of(workload, at)
    if workload.not_before and workload.not_after:
        tone = {"valid": "good", "expired": "warn"}.get(state, "bad")
        renew_at = workload.not_after - (workload.not_after - workload.not_before) / 3
        bar = life_bar(workload.not_before, workload.not_after, at=at, tone=tone, renew_at=renew_at)
    return Row(
        workload=workload,
        state=state,
        bar=bar,
        processes=len({each.process for each in held if each.gone_at is None}),
        seen_at=max((each.seen_at for each in held), default=None),
    )


def state_of(workload: WorkloadView, at: datetime) -> str:
    """The key of WORKLOAD for a workload as it stands."""
    if not workload.enabled:
        return "disabled"
    if workload.revoked_reason:
        return "revoked"
    return "valid" if workload.not_after and at < workload.not_after else "expired"


def _tokens(_request: HttpRequest, _actor: Actor, spaces: frozenset[str]) -> dict[str, Any]:
    at = now()
    return {"tokens": [(token, token.state(at)) for token in found.join_tokens(namespaces=spaces)]}


def _transports(request: HttpRequest, actor: Actor, spaces: frozenset[str]) -> dict[str, Any]:
    """Every service that the reader may see; one that was never set is called in plain text."""
    known = {(each.namespace, each.service): each for each in found.transports(namespaces=spaces)}
    text = request.GET.get("q", "").strip().lower()
    services = registry.summaries(namespaces=visible(request, actor, "registry.read") if spaces else ())
    shown = [
        _travel(each.namespace, each.name, known.get((each.namespace, each.name)))
        for each in services
        if (EVERYWHERE in spaces or each.namespace in spaces) and text in f"{each.namespace}/{each.name}"
    ]
    page = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    return {"page": page, "travels": list(page.object_list)}


def _travel(namespace: str, service: str, transport: TransportView | None) -> Travel:
    return Travel(
        namespace=namespace,
        service=service,
        mode=transport.mode if transport else "plaintext",
        server_uris=transport.server_uris if transport else (),
        revision=transport.revision if transport else 0,
        suggested=workload_uri(settings.GOV.trust_domain, namespace, service),
    )


_TABS: Mapping[str, Callable[[HttpRequest, Actor, frozenset[str]], dict[str, Any]]] = {
    "identities": _identities,
    "tokens": _tokens,
    "transports": _transports,
}
