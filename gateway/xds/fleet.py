"""All services with the balancing in force, as one immutable value that the event loop may read; pure."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.xds.trust import NOTHING, Transport, Trust
from governance.registry.values import Service
from governance.traffic.values import Balancing


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """One service, how its calls are balanced, by the revision that set it, and how it is spoken to.

    The fleet that it is in sets `transport`; None means in plain text.
    """

    service: Service
    balancing: Balancing
    balancing_revision: int = 0
    transport: Transport | None = None

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """Equal for two readings between which nothing changed."""
        service = self.service
        members = tuple((endpoint.name, endpoint.revision) for endpoint in service.endpoints)
        return service.uid, service.revision, self.balancing_revision, members, self.transport

    @property
    def mutual(self) -> bool:
        """Whether its servers are spoken to by mutual TLS."""
        return self.transport is not None and self.transport.mutual


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What stood at `revision` (or just after it): services by (namespace, name), in that order, and who trusts whom.

    The transports in `trust` are those of the services.
    """

    revision: int
    services: Mapping[tuple[str, str], Governed] = field(default_factory=dict)
    trust: Trust = NOTHING

    def __post_init__(self) -> None:
        transports = self.trust.transports
        moved = {
            name: replace(governed, transport=transports.get(name))
            for name, governed in self.services.items()
            if governed.transport != transports.get(name)
        }
        if moved:
            object.__setattr__(self, "services", {**self.services, **moved})

    def changed(
        self, revision: int, parts: Mapping[tuple[str, str], Governed | None], *, trust: Trust | None = None
    ) -> "Fleet":
        """The fleet at a later `revision` with `parts` put in place; None takes a service out, or keeps the trust."""
        services = {**self.services, **parts}
        kept = sorted((name, governed) for name, governed in services.items() if governed is not None)
        return Fleet(revision=revision, services=dict(kept), trust=self.trust if trust is None else trust)

    def of(self, namespaces: Container[str] | None) -> Iterable[Governed]:
        """The services of `namespaces`; of all with None."""
        return (each for (space, _), each in self.services.items() if namespaces is None or space in namespaces)
