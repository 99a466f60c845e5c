"""Following one switch: what its stream remembers between two looks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.interceptors.context import current_actor
from gateway.proto import traffic_pb2 as pb
from gateway.rpc.convert import traffic as convert
from gateway.rpc.convert.common import timestamp
from gateway.rpc.servicers.scope import service_of
from governance.dataplane import queries as dataplane
from governance.kernel.clock import now
from governance.kernel.errors import Invalid, NotFound
from governance.ledger import queries as ledger
from governance.registry import queries as registry
from governance.traffic import queries as traffic
from governance.traffic.progress import Progress, client_progress, observed_shares
from governance.traffic.values import DEFAULT, Balancing

# Older clients' loads are pruned; a switch older than this shows the shares of this long.
WINDOW = timedelta(minutes=10)
# From its acknowledgement a client needs this long to connect anew and to hand over calls under way; calls that were
# routed before must not count as observed after.
GRACE = timedelta(seconds=1)


@dataclass(slots=True)
class SwitchWatch:
    """One watched switch. `acked_after_ms` keeps each client's first acknowledgement: later pushes move its time."""

    namespace: str
    service: str
    revision: int
    balancing: Balancing
    since: datetime
    namespaces: Collection[str]  # of the caller: what others refuse is not shown
    acked_after_ms: dict[str, int] = field(default_factory=dict)
    last: pb.SwitchProgress | None = None

    @classmethod
    def begin(cls, request: pb.WatchSwitchRequest) -> "SwitchWatch":
        """Find the switch; NotFound when the service or the revision is not there."""
        service = service_of("traffic.read", request.namespace, request.service)
        if request.revision < 0:
            raise Invalid(f"is {request.revision}; a revision is not negative", field="revision")
        revision = request.revision or traffic.in_force([service])[service.uid].revision
        namespaces = current_actor().namespaces("traffic.read")
        if revision == 0:
            return cls(service.namespace, service.name, 0, DEFAULT, now() - WINDOW, namespaces)
        entry = ledger.get(revision)
        if entry is None or entry.thing != traffic.thing_of(service.namespace, service.name) or entry.after is None:
            raise NotFound(f"revision {revision} did not set the balancing of {service.name}", field="revision")
        since = max(entry.at, now() - WINDOW)
        return cls(service.namespace, service.name, revision, Balancing.from_json(entry.after), since, namespaces)

    def look(self) -> pb.SwitchProgress | None:
        """The state now, or None when it is as it was at the last look."""
        progress = self._progress()
        for each in progress.clients:
            if each.acked_at is not None and self.revision:
                after_ms = max(0, round((each.acked_at - self.since).total_seconds() * 1000))
                self.acked_after_ms.setdefault(each.client.name, after_ms)
        message = convert.progress(progress, self.acked_after_ms)
        message.ClearField("at")
        if message == self.last:
            return None
        self.last = message
        return pb.SwitchProgress.FromString(message.SerializeToString() + stamped(progress.at))

    def _progress(self) -> Progress:
        found = registry.service(self.namespace, self.service)
        endpoints = found.endpoints if found else ()
        found_clients = dataplane.clients_of(self.namespace, self.service, connected_only=False)
        clients = [seen for each in found_clients if (seen := each.seen_from(self.namespaces)) is not None]
        connected = [each for each in clients if each.connected or each.seen_at > self.since]
        acked_after = timedelta(milliseconds=max(self.acked_after_ms.values(), default=0))
        counted_from = self.since + acked_after + GRACE
        loads = dataplane.loads(self.namespace, self.service, since=counted_from)
        zones = {each.name: each.zone for each in clients}
        path = f"{self.namespace}/{self.service}"
        return Progress(
            revision=self.revision,
            at=now(),
            clients=tuple(client_progress(each, self.revision, self.balancing, path=path) for each in connected),
            shares=observed_shares(self.balancing, endpoints, loads, self._calls_by_zone(zones, counted_from)),
        )

    def _calls_by_zone(self, zones: Mapping[str, str], since: datetime) -> Mapping[str, int]:
        if self.balancing.policy != "zone_aware":
            return {}
        calls: dict[str, int] = {}
        for client, count in dataplane.calls_by_client(self.namespace, self.service, since=since).items():
            zone = zones.get(client, "")
            calls[zone] = calls.get(zone, 0) + count
        return calls


def stamped(at: datetime) -> bytes:
    """The bytes of a message in which only `at` is set."""
    return pb.SwitchProgress(at=timestamp(at)).SerializeToString()
