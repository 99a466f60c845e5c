"""What every group is to be sent right now; answers are put together once and shared by all streams of a group."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse

from gateway.xds.compile import Resources
from gateway.xds.names import SHARED
from gateway.xds.resource import Resource

MAX_MEMO = 512


@dataclass(frozen=True, slots=True, eq=False)
class TypeState:
    """All resources of one type; `version` is the ledger revision at which they last changed, as text."""

    type: str
    version: str
    resources: Mapping[str, Resource]
    _bodies: dict[tuple[str, ...], bytes] = field(default_factory=dict, repr=False)
    _since: float = field(default_factory=time.monotonic)

    def age_s(self) -> float:
        """Seconds since it was put in place."""
        return time.monotonic() - self._since

    def body(self, chosen: Mapping[str, Resource]) -> bytes:
        """A state-of-the-world response with `chosen`, all but its nonce."""
        key = tuple(item.hash for item in chosen.values())
        found = self._bodies.get(key)
        if found is None:
            head = DiscoveryResponse(version_info=self.version, type_url=self.type).SerializeToString()
            found = head + b"".join(item.sotw for item in chosen.values())
            if len(self._bodies) < MAX_MEMO:
                self._bodies[key] = found
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One group's resources as of a ledger revision."""

    revision: int
    types: Mapping[str, TypeState]


def snapshot(revision: int, made: Resources, before: Snapshot | None) -> Snapshot:
    """The snapshot after `before`; a type in which nothing changed keeps its state and version."""
    types: dict[str, TypeState] = {}
    for kind in SHARED:
        old = before.types[kind] if before else None
        same = old is not None and _same(old.resources, made[kind])
        types[kind] = old if old is not None and same else TypeState(kind, str(revision), made[kind])
    return Snapshot(revision, types)


def _same(old: Mapping[str, Resource], new: Mapping[str, Resource]) -> bool:
    return old.keys() == new.keys() and all(old[name].hash == item.hash for name, item in new.items())
