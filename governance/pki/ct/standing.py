"""How an issued certificate stands towards the logs, in the words of everybody outside of the tables; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

Mode = Literal["gate", "alarm", "off"]
GATE: Mode = "gate"

Logged = Literal["logged", "not_logged", "unknown"]
# "unknown" is no verdict: a log could not be read, or may take its time; "not_logged" is one.

_AGAIN = timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FindingKind = Literal[
    "not_logged",
    "cannot_tell",
    "log_unreadable",
    "log_lies",
    "log_backlog",
    "list_stale",
    "list_invalid",
    "not_issued",
    "served_not_issued",
    "served_old",
    "not_served",
    "not_ours",
    "pending",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An issue that waits for its proof: since when, and what lacks."""

    serial: str
    number: int
    generation: int
    since: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """The proofs by log id (hex) that a certificate is in these logs, each a whole tlog-proof file."""

    serial: str
    proofs: Mapping[str, str]
    proven_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the last check found."""

    serial: str
    state: Logged
    why: str
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something to be reported: `key` says what it is about, so that the same is one finding however often it is seen.

    `namespace` is that of the people who may see it, "*" for what belongs to the installation.
    """

    key: str
    kind: FindingKind
    namespace: str
    subject: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """A finding as it stands."""

    id: str
    key: str
    kind: FindingKind
    namespace: str
    subject: str
    message: str
    detail: Mapping[str, Any]
    opened_at: datetime
    acknowledged_at: datetime | None
    closed_at: datetime | None
    revision: int

    @property
    def reopened(self) -> bool:
        """Whether it was closed before: its id is a UUIDv7, and tells when it was opened first."""
        first = _EPOCH + timedelta(milliseconds=UUID(self.id).int >> 80)
        return self.opened_at - first > _AGAIN

    @property
    def alarming(self) -> bool:
        """Whether it is so, and nobody has said that it may be."""
        return self.closed_at is None and self.acknowledged_at is None
