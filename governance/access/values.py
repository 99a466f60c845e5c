"""What a role grant, a person and a token are; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from governance.kernel.actor import EVERYWHERE
from governance.kernel.errors import Invalid
from governance.kernel.ids import check_label
from governance.kernel.permissions import ROLES, held_by

MIN_LIFETIME_S = 60
MAX_LIFETIME_S = 366 * 24 * 3600
MAX_GRANTS = 32
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_LIFETIME = re.compile(r"([1-9][0-9]{0,7})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

TokenState = Literal["live", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RoleGrant:
    """A role in a namespace, or in all."""

    role: str
    namespace: str = EVERYWHERE

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise Invalid(f"{self.role!r} is not one of {', '.join(sorted(ROLES))}", field="role")
        if self.namespace != EVERYWHERE:
            check_label(self.namespace, field="namespace")


def permissions_of(grants: Iterable[RoleGrant]) -> dict[str, frozenset[str]]:
    """Namespace -> permissions held there."""
    return held_by(_by_namespace(grants))


def as_roles(grants: Iterable[RoleGrant]) -> dict[str, list[str]]:
    """Namespace -> sorted names of roles, the form in which a token's roles are kept."""
    return {space: sorted(names) for space, names in sorted(_by_namespace(grants).items())}


def from_roles(roles: Mapping[str, Iterable[str]]) -> tuple[RoleGrant, ...]:
    """The inverse of `as_roles`."""
    return tuple(sorted(RoleGrant(role=name, namespace=space) for space, names in roles.items() for name in names))


def _by_namespace(grants: Iterable[RoleGrant]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for grant in grants:
        found.setdefault(grant.namespace, set()).add(grant.role)
    return {space: frozenset(names) for space, names in found.items()}


def check_username(value: str) -> None:
    """Refuse `value` unless it is 1 to 64 of a-z, 0-9 and '._@+-', starting with a letter or digit."""
    if not _USERNAME.fullmatch(value):
        raise Invalid("is 1 to 64 of a-z, 0-9 and '._@+-', first a letter or a digit", field="username")


def seconds_of(lifetime: str) -> int:
    """A length of time such as 90s, 30m, 1h or 7d in seconds."""
    match = _LIFETIME.fullmatch(lifetime)
    if match is None:
        raise Invalid(f"{lifetime!r} is not a length of time such as 90s, 30m, 1h or 7d", field="expires")
    return int(match[1]) * _UNIT_S[match[2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpec:
    """What is asked of a new token; every token expires."""

    name: str
    grants: tuple[RoleGrant, ...]
    lifetime_s: int

    def __post_init__(self) -> None:
        check_label(self.name, field="name")
        if not 1 <= len(set(self.grants)) <= MAX_GRANTS:
            raise Invalid(f"has {len(self.grants)} entries; 1 to {MAX_GRANTS} are allowed", field="roles")
        if not MIN_LIFETIME_S <= self.lifetime_s <= MAX_LIFETIME_S:
            raise Invalid(
                f"is {self.lifetime_s} s; {MIN_LIFETIME_S} s to {MAX_LIFETIME_S // 86_400} days are allowed",
                field="lifetime_s",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it stands; nobody knows its secret any more."""

    id: str
    name: str
    owner: str
    grants: tuple[RoleGrant, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    revision: int

    def state(self, at: datetime) -> TokenState:
        """Whether it opens anything at `at`."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if at < self.expires_at else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can sign in, or could while `active`."""

    username: str
    active: bool
    must_change_password: bool
    grants: tuple[RoleGrant, ...]
    revision: int
