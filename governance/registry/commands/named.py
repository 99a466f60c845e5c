"""What every command about one service has in common."""

from dataclasses import dataclass

from governance.kernel.errors import NotFound
from governance.kernel.ids import check_label
from governance.ledger.command import Command
from governance.registry.models import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class OfService(Command):
    """A command about one service, named by `namespace` and `service`."""

    service: str

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_label(self.service, field="service")


def service_row(namespace: str, name: str) -> Service:
    """The row of a service; NotFound when there is none."""
    found = Service.objects.filter(namespace=namespace, name=name).first()
    if found is None:
        raise NotFound(f"there is no service {name} in namespace {namespace}", field="service")
    return found
