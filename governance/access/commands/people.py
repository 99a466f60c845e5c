"""Who there is: people and their passwords."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import User

from governance.access import queries
from governance.access.commands.of_person import (
    OfPerson,
    check_holds,
    keep_an_admin,
    state_of,
    user_of,
    without_secrets,
)
from governance.access.models import Person
from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Forbidden, Invalid
from governance.ledger.command import Change, handles


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePerson(OfPerson):
    """Add someone without any role. `password_hash` is Django's encoded form, "" for nobody can sign in yet.

    With `must_change_password` nothing but changing it is possible after the first sign-in.
    """

    permission: ClassVar[str] = "access.write"
    action: ClassVar[str] = "access.person.create"
    password_hash: str = field(default="", repr=False)
    must_change_password: bool = True

    def __post_init__(self) -> None:
        super(CreatePerson, self).__post_init__()
        _check_hash(self.password_hash)

    def as_json(self) -> dict[str, Any]:
        """The content without the password's hash."""
        return without_secrets(self, "password_hash")


def _check_hash(encoded: str) -> None:
    try:
        if encoded:
            identify_hasher(encoded)
    except ValueError:
        raise Invalid("is not a hash that this installation can check", field="password") from None


@handles(CreatePerson)
def create_person(command: CreatePerson, revision: int) -> Change:
    """Insert the user; Conflict when the name is or was taken."""
    if User.objects.filter(username=command.username).exists():
        raise Conflict(f"there is a person {command.username} already", field="username")
    User(username=command.username, password=command.password_hash or "!").save(force_insert=True)
    Person(
        username=command.username,
        must_change_password=command.must_change_password,
        password_set_at=now(),
        revision=revision,
    ).save(force_insert=True)
    return Change(None, state_of(command.username))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPassword(OfPerson):
    """Change a password: one's own, or with access.write that of someone who holds no more than oneself."""

    permission: ClassVar[str] = "access.self"
    action: ClassVar[str] = "access.password.set"
    password_hash: str = field(repr=False)
    must_change_password: bool = False

    def __post_init__(self) -> None:
        super(SetPassword, self).__post_init__()
        _check_hash(self.password_hash)

    def as_json(self) -> dict[str, Any]:
        """The content without the password's hash."""
        return without_secrets(self, "password_hash")

    def check_actor(self, by: Actor) -> None:
        """A token changes nobody's password; a person their own or that of someone with fewer rights."""
        if by.kind == "token":
            raise Forbidden("a token cannot change a password; sign in")
        if by.kind == "person" and by.name == self.username:
            return
        if not by.may("access.write"):
            raise Forbidden(f"{by.name} lacks the permission access.write to set the password of {self.username}")
        check_holds(by, queries.grants_of(self.username), "username")


@handles(SetPassword)
def set_password(command: SetPassword, revision: int) -> Change:
    """Replace the hash, which ends every session of the person."""
    user, before = user_of(command.username), state_of(command.username)
    user.password = command.password_hash or "!"
    user.save(update_fields=["password"])
    Person.objects.filter(username=command.username).update(
        password_set_at=now(), must_change_password=command.must_change_password, revision=revision
    )
    return Change(before, state_of(command.username))


@dataclass(frozen=True, slots=True, kw_only=True)
class DisablePerson(OfPerson):
    """Keep someone from signing in and stop their tokens; the last admin cannot be disabled."""

    permission: ClassVar[str] = "access.write"
    action: ClassVar[str] = "access.person.disable"


@handles(DisablePerson)
def disable_person(command: DisablePerson, revision: int) -> Change:
    """Clear the active flag."""
    keep_an_admin(command.username)
    return _set_active(command.username, active=False, revision=revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnablePerson(OfPerson):
    """Let someone who was disabled sign in again, with the roles they still hold."""

    permission: ClassVar[str] = "access.write"
    action: ClassVar[str] = "access.person.enable"

    def check_actor(self, by: Actor) -> None:
        """Giving access back is granting it."""
        check_holds(by, queries.grants_of(self.username), "username")


@handles(EnablePerson)
def enable_person(command: EnablePerson, revision: int) -> Change:
    """Set the active flag."""
    return _set_active(command.username, active=True, revision=revision)


def _set_active(username: str, *, active: bool, revision: int) -> Change:
    user, before = user_of(username), state_of(username)
    user.is_active = active
    user.save(update_fields=["is_active"])
    Person.objects.filter(username=username).update(revision=revision)
    return Change(before, state_of(username))
