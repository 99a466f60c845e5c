"""The services of a reader's namespaces with what is known of each, as the overview and the list show them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.pages.signs import service_state
from governance.dataplane import queries as dataplane
from governance.dataplane.values import Client, SyncState
from governance.ledger import queries as ledger
from governance.ledger.queries import Entry
from governance.registry import queries as registry
from governance.registry.values import Summary
from governance.traffic import queries as traffic
from governance.traffic.values import DEFAULT

RATE_WINDOW_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One service; what nobody reported is None."""

    service: Summary
    state: str
    policy: str
    policy_revision: int
    calls_per_s: float | None
    error_ppm: int | None
    clients: int
    in_sync: int
    nacked: int
    last_change: Entry | None = None

    @property
    def path(self) -> str:
        """namespace/name."""
        return f"{self.service.namespace}/{self.service.name}"

    @property
    def last_revision(self) -> int:
        """The newest change of the service, its endpoints or its policy."""
        return max(self.service.last_revision, self.policy_revision)


def rows(namespaces: Collection[str], clients: Iterable[Client], at: datetime) -> list[Row]:
    """Every service of `namespaces`, by (namespace, name), without its last change."""
    policies = traffic.policies()
    loads = dataplane.load_by_service(since=at - timedelta(seconds=RATE_WINDOW_S))
    states = _states(clients, at)
    return [_row(service, policies, loads, states) for service in registry.summaries(namespaces=namespaces)]


def visible_clients(clients: Iterable[Client], namespaces: Collection[str]) -> list[Client]:
    """The clients that see a service of `namespaces`, each with those services only."""
    return [seen for each in clients if (seen := each.seen_from(namespaces)) is not None]


def last_changes(rows: Iterable[Row]) -> Mapping[str, Entry]:
    """The newest fact of each row, by its path."""
    by_path = {row.path: row.last_revision for row in rows}
    found = ledger.entries(by_path.values())
    return {path: found[revision] for path, revision in by_path.items() if revision in found}


def _states(clients: Iterable[Client], at: datetime) -> dict[str, list[SyncState]]:
    states: dict[str, list[SyncState]] = {}
    for client in clients:
        state = client.state(at)
        if state != "offline":
            for path in client.services:
                states.setdefault(path, []).append(state)
    return states


def _row(
    service: Summary,
    policies: Mapping[str, tuple[str, int]],
    loads: Mapping[tuple[str, str], tuple[int, int]],
    states: Mapping[str, list[SyncState]],
) -> Row:
    policy, revision = policies.get(service.uid, (DEFAULT.policy, 0))
    calls, errors = loads.get((service.namespace, service.name), (0, 0))
    callers = states.get(f"{service.namespace}/{service.name}", [])
    return Row(
        service=service,
        state=service_state(service),
        policy=policy,
        policy_revision=revision,
        calls_per_s=calls / RATE_WINDOW_S if calls else None,
        error_ppm=errors * 1_000_000 // calls if calls else None,
        clients=len(callers),
        in_sync=callers.count("in_sync"),
        nacked=callers.count("nacked"),
    )
