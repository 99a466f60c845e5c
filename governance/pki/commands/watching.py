"""What is watched: for which names logs are searched, and which ports are looked at."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.ids import check_label, check_text, uuid7
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.ct.listeners import check_listener
from governance.pki.names import check_dns_name

MAX_NAMES, MAX_LISTENERS = 500, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchNames(Command):
    """Search the logs for certificates for these DNS names and everything below them, besides those that we issue for.

    The list is replaced whole.
    """

    permission: ClassVar[str] = "pki.transparency"
    action: ClassVar[str] = "pki.names.watch"
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.names) > MAX_NAMES:
            raise Invalid(f"are {len(self.names)}; at most {MAX_NAMES}", field="names")
        for name in self.names:
            check_dns_name(name, field="names", wildcard=False)
            if "." not in name:
                raise Invalid(f"{name!r} is a single label, below which is half of the world", field="names")
        if len(set(self.names)) != len(self.names):
            raise Invalid("has a name twice", field="names")

    @property
    def thing(self) -> str:
        """The watched names."""
        return "watched-names"


@handles(WatchNames)
def watch_names(command: WatchNames, revision: int) -> Change:
    """Replace the list."""
    row = models.WatchedNames.objects.filter(pk=1).first() or models.WatchedNames(names=[])
    before = {"names": list(row.names)}
    row.names, row.revision = sorted(command.names), revision
    row.save()
    return Change(before, {"names": list(row.names)})


@dataclass(frozen=True, slots=True, kw_only=True)
class AddListener(Command):
    """Look at what the TLS port `address` (host:port) shows for `server_name`, as at the endpoints of services."""

    permission: ClassVar[str] = "pki.transparency"
    action: ClassVar[str] = "pki.listener.add"
    address: str
    server_name: str = ""
    id: str = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_listener(self.address, self.server_name)

    @property
    def thing(self) -> str:
        """The listener."""
        return f"listener/{self.namespace}/{self.id}"

    def as_json(self) -> dict[str, Any]:
        """What was asked for; the id differs at each attempt."""
        return {"namespace": self.namespace, "address": self.address, "server_name": self.server_name}


@handles(AddListener)
def add_listener(command: AddListener, revision: int) -> Change:
    """Insert it; Conflict when it is looked at already."""
    rows = models.Listener.objects.filter(namespace=command.namespace)
    if rows.filter(address=command.address, server_name=command.server_name).exists():
        raise Conflict(f"{command.address} is looked at already", field="address")
    if models.Listener.objects.count() >= MAX_LISTENERS:
        raise Invalid(f"are {MAX_LISTENERS} already, which is the most", field="address")
    row = models.Listener(
        id=command.id,
        namespace=command.namespace,
        address=command.address,
        server_name=command.server_name,
        revision=revision,
    )
    row.save(force_insert=True)
    return Change(None, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveListener(Command):
    """Look at a port no longer."""

    permission: ClassVar[str] = "pki.transparency"
    action: ClassVar[str] = "pki.listener.remove"
    id: str

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_text(self.id, field="id", limit=36)

    @property
    def thing(self) -> str:
        """The listener."""
        return f"listener/{self.namespace}/{self.id}"


@handles(RemoveListener)
def remove_listener(command: RemoveListener, revision: int) -> Change:
    """Delete it."""
    del revision
    row = models.Listener.objects.filter(pk=command.id, namespace=command.namespace).first()
    if row is None:
        raise NotFound(f"there is no listener {command.id} in namespace {command.namespace}", field="id")
    before = row.as_json()
    row.delete()
    return Change(before, None)
