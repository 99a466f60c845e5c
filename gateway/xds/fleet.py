"""All services with the balancing in force, as one immutable value that the event loop may read; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.registry.values import Service
from governance.traffic.values import Balancing


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """One service and how its calls are balanced, by the revision that set it."""

    service: Service
    balancing: Balancing
    balancing_revision: int = 0

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """Equal for two readings between which nothing changed."""
        service = self.service
        members = tuple((endpoint.name, endpoint.revision) for endpoint in service.endpoints)
        return service.uid, service.revision, self.balancing_revision, members


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What stood at `revision` (or just after it): services by (namespace, name), in that order."""

    revision: int
    services: Mapping[tuple[str, str], Governed] = field(default_factory=dict)

    def changed(self, revision: int, parts: Mapping[tuple[str, str], Governed | None]) -> "Fleet":
        """The fleet at a later `revision` with `parts` put in place; None takes a service out."""
        services = {**self.services, **parts}
        kept = sorted((name, governed) for name, governed in services.items() if governed is not None)
        return Fleet(revision=revision, services=dict(kept))
