"""The connected data planes: what each was sent, and what it made of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from gateway.pages import fleet
from gateway.pages.door import needs, visible
from gateway.pages.signs import SYNC
from governance.dataplane import queries as dataplane
from governance.dataplane.values import Client, SyncState, TypeSync, type_state
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.kernel.errors import NotFound

PAGE_SIZE = 50
OUT_OF_SYNC = "out_of_sync"
_ORDER: tuple[SyncState, ...] = ("nacked", "stale", "sent", "in_sync", "offline")


@dataclass(frozen=True, slots=True)
class Row:
    """One client with the state of each of its types."""

    client: Client
    state: SyncState
    types: Sequence[tuple[TypeSync, SyncState]]

    @property
    def nack_text(self) -> str:
        """What it last said against a version, empty when it accepts everything."""
        return next((sync.nack_text for sync, state in self.types if state == "nacked"), "")

    @property
    def round_trip_ms(self) -> float | None:
        """The longest time between a send and its answer."""
        return max((sync.round_trip_ms for sync, _state in self.types if sync.round_trip_ms is not None), default=None)


@needs("dataplane.read")
def clients(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list, those that need attention first."""
    spaces = visible(request, actor, "dataplane.read")
    everyone = _rows(fleet.visible_clients(dataplane.clients(), spaces), now())
    query, state = request.GET.get("q", "").strip().lower(), request.GET.get("state", "")
    found = sorted(
        (row for row in everyone if _matches(row, query, state)),
        key=lambda row: (_ORDER.index(row.state), row.client.node_id, row.client.name),
    )
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": list(page.object_list),
        "total": len(everyone),
        "found": len(found),
        "counts": Counter(row.state for row in everyone),
        "q": request.GET.get("q", ""),
        "state": state,
        "states": [(OUT_OF_SYNC, _("Not in sync")), *((name, SYNC[name].word) for name in _ORDER)],
    }
    return render(request, "clients.html", context)


@needs("dataplane.read")
def client(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """Everything known of one client."""
    found = dataplane.client(name)
    held = actor.namespaces("dataplane.read")
    if found is None or not fleet.visible_clients([found], held):
        raise NotFound(_("There is no client %(name)s.") % {"name": name})
    row = _rows([found], now())[0]
    services = [path for path in found.services if EVERYWHERE in held or path.split("/")[0] in held]
    return render(request, "client.html", {"row": row, "client": found, "services": services})


def _rows(found: Iterable[Client], at: datetime) -> list[Row]:
    return [Row(client, client.state(at), [(sync, type_state(sync, at)) for sync in client.types]) for client in found]


def _matches(row: Row, query: str, state: str) -> bool:
    client = row.client
    if state == OUT_OF_SYNC and row.state in ("in_sync", "offline"):
        return False
    if state not in ("", OUT_OF_SYNC, row.state):
        return False
    texts = (client.node_id, client.kind, client.zone, client.address, *client.services)
    return not query or any(query in text.lower() for text in texts)
