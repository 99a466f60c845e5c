"""Which balancing is in force, and which was."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.ledger import queries as ledger
from governance.ledger.queries import Entry
from governance.registry.values import Service
from governance.traffic.models import BalancingPolicy
from governance.traffic.values import DEFAULT, Balancing


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The balancing of one service; revision 0 and `at` None for the default."""

    balancing: Balancing = DEFAULT
    revision: int = 0
    at: datetime | None = None


def thing_of(namespace: str, service: str) -> str:
    """Name under which the ledger keeps a service's balancing."""
    return f"balancing/{namespace}/{service}"


def in_force(services: Collection[Service]) -> Mapping[str, InForce]:
    """The balancing of each service, by its uid."""
    rows = BalancingPolicy.objects.filter(service_uid__in=[service.uid for service in services])
    found = {
        row.service_uid: InForce(balancing=Balancing.from_json(row.balancing), revision=row.revision, at=row.at)
        for row in rows
    }
    return {service.uid: found.get(service.uid, InForce()) for service in services}


def policies() -> Mapping[str, tuple[str, int]]:
    """(name, revision) of the policy of each service that has one of its own, by the service's uid."""
    rows = BalancingPolicy.objects.values_list("service_uid", "balancing__policy", "revision")
    return {uid: (policy, revision) for uid, policy, revision in rows}


def revisions(namespace: str, service: str, *, before: int | None = None, limit: int = 100) -> list[Entry]:
    """Every switch and restore of a service's balancing, newest first; `after` holds the balancing set."""
    return ledger.history(thing_of(namespace, service), before=before, limit=limit)
