"""Tokens for programs."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from governance.access import queries
from governance.access.commands.of_person import check_holds, user_of, without_secrets
from governance.access.models import Token
from governance.access.values import TokenSpec, as_roles, permissions_of
from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Forbidden, NotFound
from governance.kernel.ids import uuid7
from governance.ledger.command import Change, Command, handles


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateToken(Command):
    """Make a token of `owner` whose secret has the SHA-256 `digest`; it holds no more than its owner does."""

    permission: ClassVar[str] = "access.self"
    action: ClassVar[str] = "access.token.create"
    owner: str
    spec: TokenSpec
    digest: str = field(repr=False)
    id: str = field(default_factory=uuid7)

    @property
    def thing(self) -> str:
        """The new token."""
        return f"token/{self.id}"

    def as_json(self) -> dict[str, Any]:
        """What was asked for; the secret, and so the digest and the id, differ at each attempt."""
        return without_secrets(self, "digest", "id")

    def check_actor(self, by: Actor) -> None:
        """People make their own tokens; tokens make none, so that a short-lived one cannot outlive itself."""
        if by.kind == "token":
            raise Forbidden("a token cannot make tokens; sign in, or use manage.py token")
        if by.kind == "person" and by.name != self.owner:
            raise Forbidden(f"{by.name} cannot make tokens of {self.owner}", field="owner")
        if by.kind == "person" and queries.must_change_password(by.name):
            raise Forbidden("change the one-time password first; a token would outlive it")


@handles(CreateToken)
def create_token(command: CreateToken, revision: int) -> Change:
    """Insert the token; Conflict while another of this name is live, Forbidden when the owner holds less."""
    user_of(command.owner)
    holder = Actor(name=command.owner, kind="person", grants=permissions_of(queries.grants_of(command.owner)))
    check_holds(holder, command.spec.grants, "roles")
    same = Token.objects.filter(owner=command.owner, name=command.spec.name, revoked_at=None, expires_at__gt=now())
    if same.exists():
        raise Conflict(f"{command.owner} has a live token {command.spec.name} already", field="name")
    at = now()
    row = Token(
        id=command.id,
        name=command.spec.name,
        owner=command.owner,
        digest=command.digest,
        roles=as_roles(command.spec.grants),
        created_at=at,
        expires_at=at + timedelta(seconds=command.spec.lifetime_s),
        revision=revision,
    )
    row.save(force_insert=True)
    return Change(None, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken(Command):
    """End a token before it expires: one's own, or with access.write anyone's."""

    permission: ClassVar[str] = "access.self"
    action: ClassVar[str] = "access.token.revoke"
    id: str

    @property
    def thing(self) -> str:
        """The token."""
        return f"token/{self.id}"

    def check_actor(self, by: Actor) -> None:
        """Whoever may not see the token is told that there is none."""
        token = queries.token(self.id)
        if token is None or not (by.may("access.write") or by.name.split("/")[0] == token.owner):
            raise NotFound(f"there is no token {self.id}", field="id")


@handles(RevokeToken)
def revoke_token(command: RevokeToken, revision: int) -> Change:
    """Set when it ended; a second time changes nothing."""
    row = Token.objects.get(pk=command.id)
    before = row.as_json()
    if row.revoked_at is None:
        row.revoked_at, row.revision = now(), revision
        row.save(update_fields=["revoked_at", "revision"])
    return Change(before, row.as_json())
