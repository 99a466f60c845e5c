"""What is known of a connected data plane; pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from governance.kernel.actor import EVERYWHERE

Kind = Literal["grpc-cpp", "grpc-python", "grpc-go", "grpc-java", "envoy", "agent", "unknown"]
SyncState = Literal["in_sync", "sent", "nacked", "stale", "offline"]
STALE_AFTER_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSync:
    """One resource type on one stream.

    Versions are ledger revisions as text: the revision at which this type last changed for the client's group.
    """

    type: str  # listener, route, cluster, endpoint
    sent_version: str = ""
    acked_version: str = ""
    nonce: str = ""
    sent_at: datetime | None = None
    acked_at: datetime | None = None
    round_trip_ms: float | None = None
    nacks: int = 0
    nack_version: str = ""  # version whose content it refused; empty when it holds what it should
    nack_text: str = ""
    nacked_at: datetime | None = None
    refused: tuple[str, ...] = ()  # "namespace/name" of the services in what it refused, or "*" where it is about all
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One xDS stream.

    `services` are "namespace/name" it subscribes to; `revision` is the ledger revision of the
    newest snapshot that its types were brought to (sent, where it changed something).
    """

    name: str
    node_id: str
    kind: Kind
    version: str
    zone: str
    address: str
    mode: Literal["sotw", "delta"]
    # Names of the load-balancing extensions it lists (Envoy); empty when it lists none.
    lb_extensions: tuple[str, ...]
    connected: bool
    connected_at: datetime
    seen_at: datetime
    types: tuple[TypeSync, ...]
    services: tuple[str, ...]
    revision: int

    def seen_from(self, namespaces: Collection[str]) -> "Client | None":
        """The client as who may see `namespaces` sees it: nothing of other services; None when no service is left."""
        if EVERYWHERE in namespaces:
            return self
        services = tuple(path for path in self.services if path.partition("/")[0] in namespaces)
        if not services:
            return None
        return replace(self, services=services, types=tuple(_narrowed(each, services) for each in self.types))

    def state(self, now: datetime) -> SyncState:
        """The worst of its types: nacked, stale, sent, in_sync; offline when it is gone."""
        if not self.connected:
            return "offline"
        states = {type_state(sync, now) for sync in self.types}
        worst: tuple[SyncState, ...] = ("nacked", "stale", "sent")
        return next((state for state in worst if state in states), "in_sync")


def _narrowed(sync: TypeSync, services: Collection[str]) -> TypeSync:
    refused = tuple(path for path in sync.refused if path in services or path == "*")
    words = sync.nack_text if refused and refused == sync.refused and "*" not in refused else ""
    version = sync.nack_version if refused or not sync.refused else ""
    return replace(sync, resources=(), refused=refused, nack_version=version, nack_text=words)


def type_state(sync: TypeSync, now: datetime) -> SyncState:
    """How one type stands at `now`."""
    if sync.nack_version:
        return "nacked"
    if sync.sent_version == sync.acked_version:
        return "in_sync"
    waiting = (now - sync.sent_at).total_seconds() if sync.sent_at else 0.0
    return "stale" if waiting > STALE_AFTER_S else "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Calls to one endpoint over a window."""

    endpoint: str
    issued: int
    errors: int
    in_progress: int
