"""The tables of the slice."""

from governance.pki.models.certificates import (
    Authority,
    Certificate,
    Holding,
    Issued,
    Issuer,
    JoinToken,
    NameClaim,
    RootRotation,
    Transport,
    Workload,
)
from governance.pki.models.transparency import (
    Finding,
    KnownLog,
    Listener,
    LogProof,
    PendingIssue,
    ServedCertificate,
    TransparencyCheck,
    TransparencyGate,
    WatchedNames,
)

__all__ = [
    "Authority",
    "Certificate",
    "Finding",
    "Holding",
    "Issued",
    "Issuer",
    "JoinToken",
    "KnownLog",
    "Listener",
    "LogProof",
    "NameClaim",
    "PendingIssue",
    "RootRotation",
    "ServedCertificate",
    "TransparencyCheck",
    "TransparencyGate",
    "Transport",
    "WatchedNames",
    "Workload",
]
