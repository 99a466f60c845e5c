"""How calls to services travel."""

from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings

from governance.kernel.errors import Invalid, NotFound
from governance.kernel.ids import check_label
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.names import workload_of
from governance.registry.queries import service

MODES = ("mutual", "plaintext")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTransport(Command):
    """Let calls to a service go over mutual TLS, to servers with one of `server_uris` only, or in plain text."""

    permission: ClassVar[str] = "pki.write"
    action: ClassVar[str] = "pki.transport.set"
    service: str
    mode: str
    server_uris: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_label(self.service, field="service")
        if self.mode not in MODES:
            raise Invalid(f"{self.mode[:40]!r} is not one of {', '.join(MODES)}", field="mode")
        if (self.mode == "mutual") != bool(self.server_uris) or len(self.server_uris) > 20:
            raise Invalid("names 1 to 20 identities for mutual TLS, and none for plaintext", field="server_uris")
        for uri in self.server_uris:
            if workload_of(uri, settings.GOV.trust_domain) is None:
                raise Invalid(f"{uri[:100]!r} is not a workload of {settings.GOV.trust_domain}", field="server_uris")

    @property
    def thing(self) -> str:
        """The transport of the service."""
        return f"transport/{self.namespace}/{self.service}"


@handles(SetTransport)
def set_transport(command: SetTransport, revision: int) -> Change:
    """Insert or change it."""
    if service(command.namespace, command.service) is None:
        raise NotFound(f"there is no service {command.service} in namespace {command.namespace}", field="service")
    row = models.Transport.objects.filter(namespace=command.namespace, service=command.service).first()
    before = row.as_json() if row else None
    row = row or models.Transport(namespace=command.namespace, service=command.service)
    row.mode, row.server_uris, row.revision = command.mode, list(command.server_uris), revision
    row.save()
    return Change(before, row.as_json())
