"""Every table, where Django looks for them."""

from governance.access.models import Grant, Person, Token
from governance.compliance.models import CallCheckpoint, CallEvent, CallHead
from governance.dataplane.models import DataPlaneClient, LoadSample
from governance.ledger.models import Checkpoint, Cursor, Fact, Head
from governance.registry.models import Endpoint, Lease, Service
from governance.traffic.models import BalancingPolicy

__all__ = [
    "BalancingPolicy",
    "CallCheckpoint",
    "CallEvent",
    "CallHead",
    "Checkpoint",
    "Cursor",
    "DataPlaneClient",
    "Endpoint",
    "Fact",
    "Grant",
    "Head",
    "Lease",
    "LoadSample",
    "Person",
    "Service",
    "Token",
]
