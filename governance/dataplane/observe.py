"""Writes what data planes report. Observations are not changes: they leave no fact."""

import dataclasses
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.dataplane.models import DataPlaneClient, LoadSample
from governance.dataplane.values import Client
from governance.kernel.clock import stamp

OFFLINE_KEPT_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Calls to one endpoint that one client reported for the interval from `started_at` to `at`."""

    started_at: datetime
    at: datetime
    client: str
    node_id: str
    namespace: str
    service: str
    endpoint: str
    issued: int
    succeeded: int
    errors: int
    in_progress: int


def clients(process: str, changed: Iterable[Client]) -> None:
    """Store the clients as they stand; `process` names the xDS process that holds their streams."""
    rows = [
        DataPlaneClient(
            name=client.name,
            process=process,
            node_id=client.node_id,
            connected=client.connected,
            seen_at=client.seen_at,
            state=_plain(dataclasses.asdict(client)),
        )
        for client in changed
    ]
    DataPlaneClient.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["process", "node_id", "connected", "seen_at", "state"],
    )


def returned(node_ids: Collection[str]) -> None:
    """Forget the ended streams of nodes that are connected again: one row per node, as long as it has one stream."""
    DataPlaneClient.objects.filter(node_id__in=list(node_ids), connected=False).delete()


def process_gone(process: str, at: datetime) -> None:
    """Mark every client of an xDS process as disconnected (at its start: streams of its past life are gone)."""
    for row in DataPlaneClient.objects.filter(process=process, connected=True):
        row.connected, row.seen_at = False, at
        row.state = {**row.state, "connected": False, "seen_at": stamp(at)}
        row.save()


def loads(samples: Collection[Sample]) -> None:
    """Store load samples."""
    LoadSample.objects.bulk_create([LoadSample(**dataclasses.asdict(sample)) for sample in samples])


def prune(*, samples_before: datetime, clients_before: datetime) -> int:
    """Delete old samples, and clients that have been gone for long; returns how many rows."""
    count, _ = LoadSample.objects.filter(at__lt=samples_before).delete()
    gone, _ = DataPlaneClient.objects.filter(connected=False, seen_at__lt=clients_before).delete()
    return count + gone


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return stamp(value) if isinstance(value, datetime) else value
