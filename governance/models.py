"""Every table, where Django looks for them."""

from governance.access.models import Grant, Person, Token
from governance.compliance.models import CallCheckpoint, CallEvent, CallHead
from governance.dataplane.models import DataPlaneClient, LoadSample
from governance.ledger.models import Checkpoint, Cursor, Fact, Head
from governance.pki.ct.models import CtEntry, CtIssuer, CtLog
from governance.pki.models import (
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
    "Grant",
    "Head",
    "Holding",
    "Issued",
    "Issuer",
    "JoinToken",
    "Lease",
    "LoadSample",
    "NameClaim",
    "Person",
    "RootRotation",
    "Service",
    "Token",
    "Transport",
    "Workload",
]
