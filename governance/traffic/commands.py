"""What can be asked of traffic."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from governance.dataplane import queries as dataplane
from governance.kernel.clock import now
from governance.kernel.errors import Invalid, NotFound, Violation, raise_all
from governance.kernel.ids import check_label
from governance.ledger import queries as ledger
from governance.ledger.command import Change, Command, handles
from governance.registry import queries as registry
from governance.registry.values import Service
from governance.traffic.capability import verdict
from governance.traffic.models import BalancingPolicy
from governance.traffic.queries import in_force, thing_of
from governance.traffic.values import DEFAULT, Balancing


@dataclass(frozen=True, slots=True, kw_only=True)
class OfBalancing(Command):
    """A command about one service's balancing; refused when a connected client would reject it, unless `force`."""

    service: str
    force: bool = False

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_label(self.service, field="service")

    @property
    def thing(self) -> str:
        """The service's balancing."""
        return thing_of(self.namespace, self.service)

    def changed_at(self, recorded: int) -> int:
        """The revision that readers are shown: a service made anew under an old name has changed nothing yet."""
        service = registry.service(self.namespace, self.service)
        return in_force([service])[service.uid].revision if service else recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchBalancing(OfBalancing):
    """Put `balancing` in force for a service."""

    permission: ClassVar[str] = "traffic.write"
    action: ClassVar[str] = "traffic.balancing.switch"
    balancing: Balancing


@handles(SwitchBalancing)
def switch(command: SwitchBalancing, revision: int) -> Change:
    """Save the policy after checking it against the service's endpoints and its connected clients."""
    service = registry.service(command.namespace, command.service)
    if service is None:
        raise NotFound(f"there is no service {command.service} in namespace {command.namespace}", field="service")
    return _put(service, command.balancing, revision=revision, force=command.force)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBalancing(OfBalancing):
    """Put the balancing that was set at `to_revision` in force again; 0 is the default."""

    permission: ClassVar[str] = "traffic.write"
    action: ClassVar[str] = "traffic.balancing.restore"
    to_revision: int


@handles(RestoreBalancing)
def restore(command: RestoreBalancing, revision: int) -> Change:
    """Read the balancing from the ledger and put it in force; NotFound when that revision set none here."""
    service = registry.service(command.namespace, command.service)
    if service is None:
        raise NotFound(f"there is no service {command.service} in namespace {command.namespace}", field="service")
    balancing = DEFAULT
    if command.to_revision:
        entry = ledger.get(command.to_revision)
        if entry is None or entry.thing != command.thing or entry.after is None:
            raise NotFound(
                f"revision {command.to_revision} did not set the balancing of {command.service}", field="to_revision"
            )
        balancing = Balancing.from_json(entry.after)
    return _put(service, balancing, revision=revision, force=command.force)


def _check_names(balancing: Balancing, service: Service) -> None:
    """Weights and orders must name what is there: a name that nothing has is a mistake."""
    if balancing.weights:
        by_version = balancing.weigh_by == "version"
        known = {endpoint.version if by_version else endpoint.name for endpoint in service.endpoints}
        raise_all(_unknown("weights[{}]", balancing.weights, known, balancing.weigh_by or "", service.name))
        if by_version and not any(balancing.weights.get(version) for version in known):
            raise Invalid(f"leave no instance of {service.name} with a weight above 0", field="weights")
    if balancing.order:
        known = {endpoint.name for endpoint in service.endpoints}
        raise_all(_unknown("order", balancing.order, known, "instance", service.name))


def _unknown(field: str, names: Iterable[str], known: set[str], what: str, service: str) -> list[Violation]:
    there = ", ".join(sorted(known)[:10]) or "none"
    return [
        Violation(field.format(name), f"{service} has no {what} {name!r}; there are: {there}")
        for name in names
        if name not in known
    ]


def _put(service: Service, balancing: Balancing, *, revision: int, force: bool) -> Change:
    _check_names(balancing, service)
    if not force:
        _check_clients(service, balancing)
    row = BalancingPolicy.objects.filter(service_uid=service.uid).first()
    before = row.balancing if row else None
    after = balancing.as_json()
    if before == after:
        return Change(before, after)
    put = BalancingPolicy(
        service_uid=service.uid,
        namespace=service.namespace,
        service=service.name,
        balancing=after,
        revision=revision,
        at=now(),
    )
    put.save(force_insert=row is None, force_update=row is not None)
    return Change(before, after)


def _check_clients(service: Service, balancing: Balancing) -> None:
    against: dict[str, str] = {}
    for client in dataplane.clients_of(service.namespace, service.name):
        found = verdict(balancing, kind=client.kind, lb_extensions=client.lb_extensions)
        if found.answer == "would_reject":
            against[client.node_id] = found.note
    if against:
        node, note = next(iter(against.items()))
        raise Invalid(
            f"{len(against)} connected clients would reject it, {node} among them ({note}); "
            "set force to send it all the same",
            field="policy",
        )
