"""What the data planes reported."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Sum
from django.db.models.functions import TruncSecond

from governance.dataplane.models import DataPlaneClient, LoadSample
from governance.dataplane.values import Client, Load, TypeSync
from governance.kernel.actor import EVERYWHERE


def clients(*, connected_only: bool = False) -> list[Client]:
    """Every known client, by node id and name."""
    rows = DataPlaneClient.objects.order_by("node_id", "name")
    if connected_only:
        rows = rows.filter(connected=True)
    return [_client(row.state) for row in rows]


def clients_of(namespace: str, service: str, *, connected_only: bool = True) -> list[Client]:
    """The clients that subscribe to a service."""
    path = f"{namespace}/{service}"
    return [client for client in clients(connected_only=connected_only) if path in client.services]


def client(name: str) -> Client | None:
    """One client, or None."""
    row = DataPlaneClient.objects.filter(name=name).first()
    return _client(row.state) if row else None


def loads(namespace: str, service: str, *, since: datetime) -> list[Load]:
    """Calls per endpoint of a service in intervals that began at or after `since`, by endpoint."""
    rows = (
        LoadSample.objects.filter(namespace=namespace, service=service, started_at__gte=since)
        .values("endpoint")
        .annotate(issued=Sum("issued"), errors=Sum("errors"), in_progress=Max("in_progress"))
        .order_by("endpoint")
    )
    return [Load(**row) for row in rows]


def calls_by_client(namespace: str, service: str, *, since: datetime) -> dict[str, int]:
    """Calls per client name to a service in intervals that began at or after `since`."""
    rows = LoadSample.objects.filter(namespace=namespace, service=service, started_at__gte=since)
    return dict(rows.values_list("client").annotate(issued=Sum("issued")))


def load_by_service(*, since: datetime) -> dict[tuple[str, str], tuple[int, int]]:
    """(calls, errors) per (namespace, service) since `since`."""
    rows = (
        LoadSample.objects.filter(at__gt=since)
        .values(space=F("namespace"), name=F("service"))
        .annotate(issued=Sum("issued"), errors=Sum("errors"))
    )
    return {(row["space"], row["name"]): (row["issued"], row["errors"]) for row in rows}


def load_over_time(
    *, since: datetime, namespaces: Collection[str] = (EVERYWHERE,), service: str = ""
) -> list[tuple[datetime, int, int]]:
    """(second, calls, errors) of the intervals that ended since `since`, oldest first."""
    rows = LoadSample.objects.filter(at__gt=since)
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    if service:
        rows = rows.filter(service=service)
    seconds = rows.values(second=TruncSecond("at")).annotate(calls=Sum("issued"), failed=Sum("errors"))
    return list(seconds.order_by("second").values_list("second", "calls", "failed"))


def _client(state: dict[str, Any]) -> Client:
    types = tuple(_type(item) for item in state["types"])
    times = {name: _time(state[name]) for name in ("connected_at", "seen_at")}
    lists = {name: tuple(state[name]) for name in ("lb_extensions", "services")}
    return Client(**{**state, **times, **lists, "types": types})


def _type(state: dict[str, Any]) -> TypeSync:
    times = {name: _time(state[name]) for name in ("sent_at", "acked_at", "nacked_at")}
    lists = {name: tuple(state.get(name, ())) for name in ("resources", "refused")}
    return TypeSync(**{**state, **times, **lists})


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
