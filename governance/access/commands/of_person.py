"""What the commands about a person share."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from governance.access import queries
from governance.access.models import Person
from governance.access.values import RoleGrant, as_roles, check_username, permissions_of
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import stamp
from governance.kernel.errors import Conflict, Forbidden, NotFound
from governance.ledger.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPerson(Command):
    """A command about one person, named by `username`."""

    username: str

    def __post_init__(self) -> None:
        check_username(self.username)

    @property
    def thing(self) -> str:
        """The person."""
        return f"person/{self.username}"


def user_of(username: str) -> User:
    """Django's user; raises NotFound."""
    found = User.objects.filter(username=username).first()
    if found is None:
        raise NotFound(f"there is no person {username}", field="username")
    return found


def state_of(username: str) -> dict[str, Any]:
    """A person as recorded in facts: never a password nor its hash."""
    user, kept = user_of(username), Person.objects.get(username=username)
    return {
        "username": username,
        "active": user.is_active,
        "roles": as_roles(queries.grants_of(username)),
        "password_set_at": stamp(kept.password_set_at),
        "must_change_password": kept.must_change_password,
    }


def roles_of(username: str, namespace: str) -> dict[str, Any]:
    """What a fact of `namespace` may say of a person: what is true elsewhere concerns others."""
    if namespace == EVERYWHERE:
        return state_of(username)
    user_of(username)
    held = tuple(grant for grant in queries.grants_of(username) if grant.namespace == namespace)
    return {"username": username, "roles": as_roles(held)}


def check_holds(by: Actor, grants: tuple[RoleGrant, ...], field: str) -> None:
    """Refuse `by` what would hand out, or take control of, more than `by` holds."""
    for space, permissions in permissions_of(grants).items():
        if missing := sorted(permission for permission in permissions if not by.may(permission, space)):
            raise Forbidden(f"{by.name} lacks {missing[0]} in namespace {space}, which is part of it", field=field)


def keep_an_admin(leaving: str) -> None:
    """Refuse when nobody but `leaving` is admin in all namespaces."""
    if queries.admins() == {leaving}:
        raise Conflict(f"{leaving} is the last admin; make another one first", field="username")


def without_secrets(command: Command, *secret: str) -> dict[str, Any]:
    """The content of `command` but for the fields named in `secret`."""
    return {key: value for key, value in Command.as_json(command).items() if key not in secret}
