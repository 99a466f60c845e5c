"""Who is calling, who there is, and what they may do."""

from collections.abc import Collection, Mapping

from django.contrib.auth.models import User

from governance.access import models, tokens
from governance.access.values import Person, RoleGrant, Token, from_roles, permissions_of
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Unauthenticated

# One sentence for every reason, so that nobody learns which tokens exist.
BAD_TOKEN = "the token is unknown, expired or revoked"  # noqa: S105  (a message)
NOT_SIGNED_IN = "sign in first"
# What everyone who can sign in may do, whatever their roles.
_ONESELF = frozenset({"access.self"})


def actor_of_token(secret: str) -> Actor:
    """The actor "owner/name" of a live token, holding what the token was given and its owner still holds.

    Raises Unauthenticated, always with the same message.
    """
    if not tokens.well_formed(secret):
        raise Unauthenticated(BAD_TOKEN)
    row = models.Token.objects.filter(digest=tokens.digest(secret)).first()
    if row is None or _token(row).state(now()) != "live" or not _active(row.owner):
        raise Unauthenticated(BAD_TOKEN)
    return Actor(
        name=f"{row.owner}/{row.name}", kind="token", grants=_both(permissions_of(from_roles(row.roles)), row.owner)
    )


def actor_of_user(username: str) -> Actor:
    """The person `username`, holding what their roles grant, and always access.self.

    Django's own permissions and flags count for nothing. While a one-time password is to be changed, no role counts
    either. Raises Unauthenticated when the person is missing or disabled.
    """
    if not _active(username):
        raise Unauthenticated(NOT_SIGNED_IN)
    held = {} if must_change_password(username) else permissions_of(grants_of(username))
    return Actor(name=username, kind="person", grants=held | {EVERYWHERE: held.get(EVERYWHERE, _ONESELF) | _ONESELF})


def must_change_password(username: str) -> bool:
    """Whether the person still has a password that someone else made."""
    return models.Person.objects.filter(username=username, must_change_password=True).exists()


def grants_of(username: str) -> tuple[RoleGrant, ...]:
    """The roles of a person, sorted."""
    rows = models.Grant.objects.filter(username=username)
    return tuple(sorted(RoleGrant(role=row.role, namespace=row.namespace) for row in rows))


def admins() -> frozenset[str]:
    """The active people who are admin in all namespaces."""
    holders = models.Grant.objects.filter(role="admin", namespace=EVERYWHERE).values_list("username", flat=True)
    return frozenset(User.objects.filter(username__in=list(holders), is_active=True).values_list("username", flat=True))


def people(
    *, namespaces: Collection[str] = (EVERYWHERE,), name: str = "", after: str = "", limit: int | None = None
) -> list[Person]:
    """People by name, those after `after`, or the one called `name`.

    Only those with a role in `namespaces` ({EVERYWHERE}: all people), and only those roles.
    """
    users = User.objects.filter(username__gt=after).order_by("username")
    grants = models.Grant.objects.all()
    if name:
        users = users.filter(username=name)
    if EVERYWHERE not in namespaces:
        grants = grants.filter(namespace__in=list(namespaces))
        users = users.filter(username__in=list(grants.values_list("username", flat=True)))
    found = list(users[:limit])
    names = [user.username for user in found]
    held: dict[str, list[RoleGrant]] = {}
    for row in grants.filter(username__in=names):
        held.setdefault(row.username, []).append(RoleGrant(role=row.role, namespace=row.namespace))
    kept = models.Person.objects.in_bulk(names)
    return [_person(user, kept.get(user.username), held.get(user.username, [])) for user in found]


def person(username: str) -> Person | None:
    """One person, or None."""
    return next(iter(people(name=username)), None) if username else None


def owned_tokens(owner: str = "", *, after: str = "", limit: int | None = None) -> list[Token]:
    """Tokens by id, which is the order of their making, those after `after`; of everyone when `owner` is empty."""
    rows = models.Token.objects.filter(id__gt=after).order_by("id")
    if owner:
        rows = rows.filter(owner=owner)
    return [_token(row) for row in rows[:limit]]


def token(token_id: str) -> Token | None:
    """One token, or None."""
    row = models.Token.objects.filter(pk=token_id).first()
    return _token(row) if row else None


def _active(username: str) -> bool:
    return User.objects.filter(username=username, is_active=True).exists()


def _both(given: Mapping[str, frozenset[str]], owner: str) -> dict[str, frozenset[str]]:
    holder = Actor(name=owner, kind="person", grants=permissions_of(grants_of(owner)))
    return narrowed(given, holder)


def narrowed(given: Mapping[str, frozenset[str]], holder: Actor) -> dict[str, frozenset[str]]:
    """Of the permissions `given`, namespace by namespace, those that `holder` holds too."""
    return {
        space: frozenset(permission for permission in held if holder.may(permission, space))
        for space, held in given.items()
    }


def _person(user: User, kept: models.Person | None, grants: list[RoleGrant]) -> Person:
    return Person(
        username=user.username,
        active=user.is_active,
        must_change_password=kept.must_change_password if kept else False,
        grants=tuple(sorted(grants)),
        revision=kept.revision if kept else 0,
    )


def _token(row: models.Token) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        owner=row.owner,
        grants=from_roles(row.roles),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revision=row.revision,
    )
