"""Registering, changing and removing instances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.ids import uuid7
from governance.ledger.command import Change, handles
from governance.registry.commands.named import OfService, service_row
from governance.registry.models import Endpoint, Lease
from governance.registry.values import EndpointSpec, check_metadata, check_ttl, check_weight

MAX_CHANGES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEndpoint(OfService):
    """Add an instance, or register it anew; what operators set (weight, isolated, draining) survives the latter.

    With `ttl_s` above 0 the endpoint has a lease and leaves when it is not kept alive.
    """

    permission: ClassVar[str] = "registry.register"
    action: ClassVar[str] = "registry.endpoint.register"
    spec: EndpointSpec
    ttl_s: int = 0

    def __post_init__(self) -> None:
        super(RegisterEndpoint, self).__post_init__()
        check_ttl(self.ttl_s)

    @property
    def thing(self) -> str:
        """The endpoint."""
        return f"endpoint/{self.namespace}/{self.service}/{self.spec.name}"


@handles(RegisterEndpoint)
def register_endpoint(command: RegisterEndpoint, revision: int) -> Change:
    """Insert or update the endpoint and start its lease."""
    service, spec = service_row(command.namespace, command.service), command.spec
    holder = Endpoint.objects.filter(service=service, host=spec.host, port=spec.port).exclude(name=spec.name).first()
    if holder is not None:
        raise Conflict(f"{spec.address} is registered as {holder.name} already", field="host")
    row = Endpoint.objects.filter(service=service, name=spec.name).first()
    before = None if row is None else row.as_json() | {"ttl_s": _ttl(row)}
    if row is None:
        row = Endpoint(service=service, name=spec.name, weight=spec.weight)
    elif (row.host, row.port) != (spec.host, spec.port):
        row.health, row.health_detail = "unknown", ""
    row.host, row.port, row.zone, row.sub_zone = spec.host, spec.port, spec.zone, spec.sub_zone
    row.metadata, row.version, row.revision = dict(spec.metadata), spec.version, revision
    row.save()
    if command.ttl_s:
        expires_at = now() + timedelta(seconds=command.ttl_s)
        Lease.objects.update_or_create(
            endpoint=row,
            defaults={"ttl_s": command.ttl_s, "expires_at": expires_at},
            create_defaults={"id": uuid7(), "ttl_s": command.ttl_s, "expires_at": expires_at},
        )
    else:
        Lease.objects.filter(endpoint=row).delete()
    return Change(before, row.as_json() | {"ttl_s": command.ttl_s})


def _ttl(row: Endpoint) -> int:
    return Lease.objects.filter(endpoint=row).values_list("ttl_s", flat=True).first() or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterEndpoint(OfService):
    """Remove an instance."""

    permission: ClassVar[str] = "registry.register"
    action: ClassVar[str] = "registry.endpoint.deregister"
    name: str

    @property
    def thing(self) -> str:
        """The endpoint."""
        return f"endpoint/{self.namespace}/{self.service}/{self.name}"


@handles(DeregisterEndpoint)
def deregister_endpoint(command: DeregisterEndpoint, revision: int) -> Change:
    """Delete the endpoint with its lease."""
    row = Endpoint.objects.filter(service=service_row(command.namespace, command.service), name=command.name).first()
    if row is None:
        raise NotFound(f"{command.service} has no endpoint {command.name}", field="name")
    before = row.as_json()
    row.delete()
    return Change(before, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What to change of one endpoint; None leaves it, an empty metadata value removes the key."""

    name: str
    weight: int | None = None
    isolated: bool | None = None
    draining: bool | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateEndpoints(OfService):
    """Change some endpoints of one service in one step."""

    permission: ClassVar[str] = "registry.write"
    action: ClassVar[str] = "registry.endpoint.update"
    changes: tuple[EndpointChange, ...]

    def __post_init__(self) -> None:
        super(UpdateEndpoints, self).__post_init__()
        if not 1 <= len(self.changes) <= MAX_CHANGES:
            raise Invalid(f"names {len(self.changes)} endpoints; 1 to {MAX_CHANGES} are allowed", field="changes")
        names = [change.name for change in self.changes]
        if len(set(names)) < len(names):
            raise Invalid("names an endpoint twice", field="changes")
        for change in self.changes:
            if change.weight is not None:
                check_weight(change.weight)

    @property
    def thing(self) -> str:
        """The service's set of endpoints."""
        return f"endpoints/{self.namespace}/{self.service}"


@handles(UpdateEndpoints)
def update_endpoints(command: UpdateEndpoints, revision: int) -> Change:
    """Apply each change; NotFound when one endpoint is missing."""
    service = service_row(command.namespace, command.service)
    rows = {row.name: row for row in service.endpoints.filter(name__in=[change.name for change in command.changes])}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for change in command.changes:
        if (row := rows.get(change.name)) is None:
            raise NotFound(f"{command.service} has no endpoint {change.name}", field="changes")
        before[change.name] = row.as_json()
        _alter(row, change)
        after[change.name] = row.as_json()
        if before[change.name] != after[change.name]:
            row.revision = revision
            row.save()
    return Change(before, after)


def _alter(row: Endpoint, change: EndpointChange) -> None:
    for name in ("weight", "isolated", "draining"):
        if (value := getattr(change, name)) is not None:
            setattr(row, name, value)
    metadata = {**row.metadata, **change.metadata}
    row.metadata = {key: value for key, value in metadata.items() if value}
    check_metadata(row.metadata)
