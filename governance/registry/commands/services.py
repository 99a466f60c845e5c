"""Creating, changing and deleting services."""

from dataclasses import dataclass
from typing import ClassVar

from governance.kernel.errors import Conflict, Invalid
from governance.kernel.ids import uuid7
from governance.ledger.command import Change, Command, handles
from governance.registry.commands.named import OfService, service_row
from governance.registry.models import Service
from governance.registry.values import ServiceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateService(Command):
    """Add a service; Conflict when its name is taken."""

    permission: ClassVar[str] = "registry.write"
    action: ClassVar[str] = "registry.service.create"
    spec: ServiceSpec

    def __post_init__(self) -> None:
        if self.namespace != self.spec.namespace:
            raise Invalid("must be the namespace of the service", field="namespace")

    @property
    def thing(self) -> str:
        """The new service."""
        return f"service/{self.spec.namespace}/{self.spec.name}"


@handles(CreateService)
def createservice_row(command: CreateService, revision: int) -> Change:
    """Insert the service."""
    spec = command.spec
    if Service.objects.filter(namespace=spec.namespace, name=spec.name).exists():
        raise Conflict(f"there is a service {spec.name} in namespace {spec.namespace} already", field="name")
    row = Service(
        uid=uuid7(),
        namespace=spec.namespace,
        name=spec.name,
        owner=spec.owner,
        protocol=spec.protocol,
        description=spec.description,
        grpc_services=list(spec.grpc_services),
        revision=revision,
    )
    row.save(force_insert=True)
    return Change(None, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateService(OfService):
    """Change what its owner says about a service; None leaves a field as it is."""

    permission: ClassVar[str] = "registry.write"
    action: ClassVar[str] = "registry.service.update"
    owner: str | None = None
    description: str | None = None
    grpc_services: tuple[str, ...] | None = None

    @property
    def thing(self) -> str:
        """The service."""
        return f"service/{self.namespace}/{self.service}"


@handles(UpdateService)
def updateservice_row(command: UpdateService, revision: int) -> Change:
    """Check the whole as a new ServiceSpec, then save."""
    row = service_row(command.namespace, command.service)
    before = row.as_json()
    wanted = dict(before, grpc_services=tuple(before["grpc_services"]))
    for name in ("owner", "description", "grpc_services"):
        if (value := getattr(command, name)) is not None:
            wanted[name] = value
    spec = ServiceSpec(**wanted)
    row.owner, row.description, row.grpc_services = spec.owner, spec.description, list(spec.grpc_services)
    row.revision = revision
    row.save()
    return Change(before, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteService(OfService):
    """Remove a service that has no endpoints left."""

    permission: ClassVar[str] = "registry.write"
    action: ClassVar[str] = "registry.service.delete"

    @property
    def thing(self) -> str:
        """The service."""
        return f"service/{self.namespace}/{self.service}"


@handles(DeleteService)
def deleteservice_row(command: DeleteService, revision: int) -> Change:
    """Delete the row; Conflict while endpoints are registered."""
    row = service_row(command.namespace, command.service)
    if count := row.endpoints.count():
        raise Conflict(f"{command.service} still has {count} endpoints; deregister them first", field="service")
    before = row.as_json()
    row.delete()
    return Change(before, None)
