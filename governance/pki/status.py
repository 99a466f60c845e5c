"""How certificates, authorities and workloads stand, as everybody outside of the tables sees them; pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from governance.pki.ct.standing import Pending
from governance.pki.renewal import LATE_AFTER, Urgency, alarm_at, urgency
from governance.pki.values import CertificateSpec

AuthorityState = Literal["active", "standby", "retired"]
Phase = Literal["prepared", "distributing", "activated", "reissuing", "retired", "aborted"]

# Why a certificate is to be issued, in cert-manager's words where it has them.
DOES_NOT_EXIST = "DoesNotExist"
INCORRECT_ISSUER = "IncorrectIssuer"
SECRET_MISMATCH = "SecretMismatch"  # noqa: S105  (a reason)
REQUEST_CHANGED = "RequestChanged"
RENEWING = "Renewing"
EXPIRED = "Expired"
REVOKED = "Revoked"
MANUALLY_TRIGGERED = "ManuallyTriggered"
READY = "Ready"
ISSUED = "Issued"
FAILED = "Failed"
PENDING = "NotLogged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One aspect of a certificate: whether it is so, a reason for machines, a message for people."""

    holds: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A managed certificate. `serial` and the times are those of the newest issue; None and empty before the first."""

    uid: str
    namespace: str
    name: str
    spec: CertificateSpec
    generation: int
    issued_generation: int
    number: int
    serial: str
    not_before: datetime | None
    not_after: datetime | None
    renew_at: datetime | None
    plan_warning: str
    reason: str
    attempt_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_failure_at: datetime | None
    last_error: str
    revoked_reason: str
    revision: int
    claim: str = ""
    pending: Pending | None = None

    @property
    def path(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def urgency(self, at: datetime) -> Urgency:
        """How pressing its renewal is; "due" when it was never issued."""
        if self.not_before is None or self.not_after is None:
            return "due"
        return urgency(not_before=self.not_before, not_after=self.not_after, renew_at=self.renew_at, at=at)

    def left(self, at: datetime) -> timedelta | None:
        """How long the newest issue is still valid; None before the first."""
        return self.not_after - at if self.not_after else None

    def ready(self, at: datetime) -> Condition:
        """Whether there is a valid certificate as the spec asks for it."""
        if self.not_after is None:
            return Condition(holds=False, reason=DOES_NOT_EXIST, message="it has not been issued yet")
        if self.revoked_reason:
            return Condition(holds=False, reason=REVOKED, message=f"it was revoked: {self.revoked_reason}")
        if at >= self.not_after:
            return Condition(holds=False, reason=EXPIRED, message=f"it expired at {self.not_after:%Y-%m-%d %H:%M} UTC")
        if self.issued_generation != self.generation:
            return Condition(
                holds=False, reason=REQUEST_CHANGED, message="what is asked for changed since it was issued"
            )
        return Condition(holds=True, reason=READY, message="it is valid and as asked for")

    def issuing(self, at: datetime) -> Condition:
        """Whether it is being issued, or is to be."""
        if self.failures:
            times = "once" if self.failures == 1 else f"{self.failures} times"
            return Condition(holds=True, reason=FAILED, message=f"failed {times}: {self.last_error}")
        if self.pending:
            return Condition(holds=True, reason=PENDING, message=f"it waits for its proof: {self.pending.why}")
        if self.reason:
            return Condition(holds=True, reason=self.reason, message=_WHY.get(self.reason, self.reason))
        if self.attempt_at is not None and self.attempt_at <= at:
            return Condition(holds=True, reason=RENEWING, message=_WHY[RENEWING])
        return Condition(holds=False, reason=ISSUED, message="nothing is to be done before its renewal")

    def alarming(self, at: datetime) -> bool:
        """Whether somebody has to look: critical, overdue, failing for half of the time that was left, revoked."""
        if self.revoked_reason or self.urgency(at) in ("overdue", "critical", "expired"):
            return True
        if self.failing_since is None:
            return False
        if self.not_after is None:  # somebody waits for it, and nothing is in its place
            return at >= self.failing_since + LATE_AFTER
        return at >= alarm_at(self.failing_since, self.not_after)


_WHY = {
    DOES_NOT_EXIST: "it is issued for the first time",
    INCORRECT_ISSUER: "its issuer signs with another authority now",
    SECRET_MISMATCH: "the key is not of the kind that is asked for",
    REQUEST_CHANGED: "what is asked for changed",
    RENEWING: "its renewal is due",
    EXPIRED: "it expired",
    REVOKED: "it was revoked",
    MANUALLY_TRIGGERED: "someone asked for it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """One certificate that was signed. `chain_pem` is the leaf and what is sent with it; keys are never here."""

    serial: str
    authority: str
    holder: str
    number: int
    uris: tuple[str, ...]
    dns_names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    chain_pem: str
    issued_at: datetime
    revoked_at: datetime | None
    revoked_reason: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """One authority; `issued` and `live` count the leaves it signed and those of them that are still valid."""

    id: str
    issuer: str
    kind: str
    parent: str
    state: AuthorityState
    common_name: str
    serial: str
    key_id: str
    not_before: datetime
    not_after: datetime
    pem: str
    cross_pem: str
    imported: bool
    has_key: bool
    crl_number: int
    crl_next_at: datetime | None
    revision: int
    issued: int = 0
    live: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerView:
    """What certificates refer to by name."""

    name: str
    signer: str
    namespaces: tuple[str, ...]
    dns_names: tuple[str, ...]
    max_duration_s: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadView:
    """A program with an identity; the times are those of its newest certificate, None before the first."""

    namespace: str
    name: str
    uri: str
    enabled: bool
    serial: str
    not_before: datetime | None
    not_after: datetime | None
    revoked_reason: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinTokenView:
    """A join token without its secret."""

    id: str
    namespace: str
    workload: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    withdrawn_at: datetime | None
    revision: int

    def state(self, at: datetime) -> Literal["open", "used", "withdrawn", "expired"]:
        """Whether it still opens the door, and why not."""
        if self.used_at:
            return "used"
        if self.withdrawn_at:
            return "withdrawn"
        return "open" if at < self.expires_at else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportView:
    """How the calls to a service travel."""

    namespace: str
    service: str
    mode: str
    server_uris: tuple[str, ...]
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingView:
    """What a consumer was seen to hold; `roots` is the SHA-256 of the roots it trusts, empty when unknown."""

    consumer: str
    process: str
    secret: str
    serial: str
    roots: str
    how: str
    seen_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a step of a root rotation waits for: `missing` names the consumers that were not seen to be there yet."""

    step: str
    open: bool
    message: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationView:
    """A replacement of the root under way or ended, and the gate of its next step."""

    id: str
    phase: Phase
    issuer: str
    old_root: str
    new_root: str
    old_signer: str
    new_signer: str
    began_at: datetime
    phase_at: datetime
    ended_at: datetime | None
    revision: int
    gate: Gate = field(default_factory=lambda: Gate(step="", open=False, message=""))
