"""Every table, where Django looks for them."""

from governance.access.models import Grant, Person, Token
from governance.compliance.models import CallCheckpoint, CallEvent, CallHead
from governance.dataplane.models import DataPlaneClient, LoadSample
from governance.ledger.models import Checkpoint, Cursor, Fact, Head
from governance.pki.ct.models import CtEntry, CtIssuer, CtLog
from governance.pki.models import (
    Authority,
    Certificate,
    Finding,
    Holding,
    Issued,
    Issuer,
    JoinToken,
    KnownLog,
    Listener,
    LogProof,
    NameClaim,
    PendingIssue,
    RootRotation,
    ServedCertificate,
    TransparencyCheck,
    TransparencyGate,
    Transport,
    WatchedNames,
    Workload,
)
from governance.registry.models import Endpoint, Lease, Service
from governance.traffic.models import BalancingPolicy

__all__ = [
    "Authority",
    "BalancingPolicy",
    "CallCheckpoint",
    "CallEvent",
    "CallHead",
    "Certificate",
    "Checkpoint",
    "CtEntry",
    "CtIssuer",
    "CtLog",
    "Cursor",
    "DataPlaneClient",
    "Endpoint",
    "Fact",
    "Finding",
    "Grant",
    "Head",
    "Holding",
    "Issued",
    "Issuer",
    "JoinToken",
    "KnownLog",
    "Lease",
    "Listener",
    "LoadSample",
    "LogProof",
    "NameClaim",
    "PendingIssue",
    "Person",
    "RootRotation",
    "ServedCertificate",
    "Service",
    "Token",
    "TransparencyCheck",
    "TransparencyGate",
    "Transport",
    "WatchedNames",
    "Workload",
]
