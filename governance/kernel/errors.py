"""The few ways in which Governor refuses."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with one field of a request."""

    field: str
    message: str


class GovernanceError(Exception):
    """A refusal that may be shown to the caller word for word.

    `message` says what was wrong, where, and what is allowed. `field` is the name of the request's
    field that caused it, or empty when no single field did.
    """

    reason = "GOVERNANCE_ERROR"

    def __init__(self, message: str, *, field: str = "", violations: Sequence[Violation] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.violations = tuple(violations) or ((Violation(field, message),) if field else ())

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Invalid(GovernanceError):
    """The request can never succeed as it stands."""

    reason = "INVALID"


class NotFound(GovernanceError):
    """The named thing does not exist, or the actor may not know that it does."""

    reason = "NOT_FOUND"


class Unauthenticated(GovernanceError):
    """Nobody has proven who is calling."""

    reason = "UNAUTHENTICATED"


class Forbidden(GovernanceError):
    """The actor lacks the named permission."""

    reason = "FORBIDDEN"


class Conflict(GovernanceError):
    """The request contradicts something that already happened."""

    reason = "CONFLICT"


class StaleRevision(GovernanceError):
    """The thing changed since the caller read it: read it again and decide anew."""

    reason = "STALE_REVISION"


class TooMany(GovernanceError):
    """The caller is over a limit; trying later may succeed."""

    reason = "TOO_MANY"


class Unavailable(GovernanceError):
    """Something that is needed cannot be reached or written; nothing was changed; trying later may succeed."""

    reason = "UNAVAILABLE"


def raise_all(violations: Sequence[Violation]) -> None:
    """Refuse with every violation at once, so that a form can mark each field; no violation, no refusal."""
    if violations:
        first = violations[0]
        raise Invalid(first.message, field=first.field, violations=violations)
