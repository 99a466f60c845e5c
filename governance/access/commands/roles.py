"""What people may do."""

from dataclasses import dataclass
from typing import ClassVar

from governance.access.commands.of_person import OfPerson, check_holds, keep_an_admin, roles_of
from governance.access.models import Grant, Person
from governance.access.values import RoleGrant
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.errors import NotFound
from governance.ledger.command import Change, handles


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRole(OfPerson):
    """Give someone `role` in `namespace`; nobody can give what they do not hold there themselves."""

    permission: ClassVar[str] = "access.write"
    action: ClassVar[str] = "access.role.grant"
    role: str

    def __post_init__(self) -> None:
        super(GrantRole, self).__post_init__()
        RoleGrant(role=self.role, namespace=self.namespace)

    def check_actor(self, by: Actor) -> None:
        """The role must not hold more than the actor."""
        check_holds(by, (RoleGrant(role=self.role, namespace=self.namespace),), "role")


@handles(GrantRole)
def grant_role(command: GrantRole, revision: int) -> Change:
    """Insert the grant unless it stands."""
    before = roles_of(command.username, command.namespace)
    Grant.objects.get_or_create(
        username=command.username, role=command.role, namespace=command.namespace, defaults={"revision": revision}
    )
    Person.objects.filter(username=command.username).update(revision=revision)
    return Change(before, roles_of(command.username, command.namespace))


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRole(OfPerson):
    """Take `role` in `namespace` from someone; the last admin keeps theirs."""

    permission: ClassVar[str] = "access.write"
    action: ClassVar[str] = "access.role.withdraw"
    role: str

    def __post_init__(self) -> None:
        super(WithdrawRole, self).__post_init__()
        RoleGrant(role=self.role, namespace=self.namespace)


@handles(WithdrawRole)
def withdraw_role(command: WithdrawRole, revision: int) -> Change:
    """Delete the grant; NotFound when it does not stand."""
    before = roles_of(command.username, command.namespace)
    grant = Grant.objects.filter(username=command.username, role=command.role, namespace=command.namespace).first()
    if grant is None:
        raise NotFound(f"{command.username} is not {command.role} in namespace {command.namespace}", field="role")
    if (command.role, command.namespace) == ("admin", EVERYWHERE):
        keep_an_admin(command.username)
    grant.delete()
    Person.objects.filter(username=command.username).update(revision=revision)
    return Change(before, roles_of(command.username, command.namespace))
