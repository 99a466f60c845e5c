"""How a managed certificate stands, in the one word by which boards are sorted, filtered and counted; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from governance.pki.renewal import urgency
from governance.pki.status import Certificate

State = Literal["expired", "revoked", "critical", "failing", "overdue", "due", "ok"]
# The most pressing first.
STATES: tuple[State, ...] = ("expired", "revoked", "critical", "failing", "overdue", "due", "ok")
# What nobody has to be told of: it is as it should be, or somebody wanted it so.
QUIET: frozenset[State] = frozenset({"ok", "due", "revoked"})
FAR = timedelta(days=36_500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One certificate as a board needs it for sorting; `revoked` is about its newest issue."""

    uid: str
    namespace: str
    name: str
    not_before: datetime | None
    not_after: datetime | None
    renew_at: datetime | None
    attempt_at: datetime | None
    failures: int
    reason: str
    revoked: bool

    def state(self, at: datetime) -> State:
        """The most pressing of all that is true of it."""
        if self.not_before is None or self.not_after is None:
            return "failing" if self.failures else "due"
        pressing = urgency(not_before=self.not_before, not_after=self.not_after, renew_at=self.renew_at, at=at)
        if pressing == "expired":
            return "expired"
        if self.revoked:
            return "revoked"
        if pressing == "critical":
            return "critical"
        if self.failures:
            return "failing"
        return "due" if pressing == "ok" and self.reason else pressing

    def pressing(self, at: datetime) -> tuple[int, timedelta, str, str]:
        """What to sort by so that the most pressing comes first; of those alike, the one with the least time left."""
        left = self.not_after - at if self.not_after else FAR
        return STATES.index(self.state(at)), left, self.namespace, self.name


def standing_of(certificate: Certificate) -> Standing:
    """How a certificate stands of which everything is known."""
    return Standing(
        uid=certificate.uid,
        namespace=certificate.namespace,
        name=certificate.name,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        renew_at=certificate.renew_at,
        attempt_at=certificate.attempt_at,
        failures=certificate.failures,
        reason=certificate.reason,
        revoked=bool(certificate.revoked_reason),
    )
