"""The fleet as the overview and the lists show it, read at most once a second for all sockets together."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.live.aside import aside
from gateway.live.lines import text_of
from governance.dataplane import queries as dataplane
from governance.dataplane.values import Client
from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import now, stamp
from governance.registry import queries as registry
from governance.registry.values import Service
from governance.traffic import queries as traffic
from governance.traffic.queries import InForce

INTERVAL_S = 1.0
RATE_WINDOW_S = 10
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Services, what balances them, who calls them and how much, at one moment.

    `certificates` is the newest change of certificates, authorities and workloads by namespace.
    """

    at: datetime
    services: Sequence[Service]
    policies: Mapping[str, InForce]
    clients: Sequence[Client]
    loads: Mapping[tuple[str, str], tuple[int, int]]
    certificates: Mapping[str, int] = field(default_factory=dict)
    _frames: dict[frozenset[str], dict[str, Any]] = field(default_factory=dict, compare=False)
    _callers: dict[str, list[Client]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for client in self.clients:
            for path in client.services if client.connected else ():
                self._callers.setdefault(path, []).append(client)

    def frame(self, visible: Collection[str]) -> dict[str, Any]:
        """What an actor who may see the namespaces `visible` is shown; without the time, so that it compares.

        All sockets that may see the same share one frame: at 1,000 services it takes 30 ms of the event loop.
        """
        key = frozenset(visible)
        if key not in self._frames:
            self._frames[key] = self._frame(key)
        return self._frames[key]

    def _frame(self, visible: Collection[str]) -> dict[str, Any]:
        services = [one for one in self.services if EVERYWHERE in visible or one.namespace in visible]
        clients = [seen for one in self.clients if (seen := one.seen_from(visible)) is not None]
        counts = dict.fromkeys(("in_sync", "sent", "nacked", "stale", "offline"), 0)
        for client in clients:
            counts[client.state(self.at)] += 1
        return {
            "kind": "fleet",
            "services": [self._row(one) for one in services],
            "clients": counts,
            "certificates": self._newest(visible),
        }

    def _newest(self, visible: Collection[str]) -> int:
        """What concerns the whole installation, such as its roots, concerns everyone."""
        spaces = self.certificates if EVERYWHERE in visible else {*visible, EVERYWHERE}
        return max((self.certificates.get(space, 0) for space in spaces), default=0)

    def _row(self, service: Service) -> dict[str, Any]:
        path = f"{service.namespace}/{service.name}"
        callers = self._callers.get(path, [])
        states = [client.state(self.at) for client in callers]
        policy = self.policies[service.uid]
        issued, errors = self.loads.get((service.namespace, service.name), (0, 0))
        return {
            "namespace": service.namespace,
            "name": service.name,
            "healthy": sum(endpoint.health == "healthy" for endpoint in service.endpoints),
            "total": len(service.endpoints),
            "policy": policy.balancing.policy,
            "policy_revision": policy.revision,
            # Nothing reported is not the same as nothing called: unknown is null.
            "rps": round(issued / RATE_WINDOW_S, 1) if issued else None,
            "error_ppm": errors * 1_000_000 // issued if issued else None,
            "clients": len(callers),
            "in_sync": states.count("in_sync"),
            "nacked": states.count("nacked"),
            "last_revision": max(
                service.revision, policy.revision, *(endpoint.revision for endpoint in service.endpoints)
            ),
        }


def read_fleet(certificates: Mapping[str, int]) -> Fleet:
    """The fleet as it stands, with the newest change of `certificates` by namespace."""
    at = now()
    services = registry.services()
    return Fleet(
        at=at,
        services=services,
        policies=traffic.in_force(services),
        clients=dataplane.clients(),
        loads=dataplane.load_by_service(since=at - timedelta(seconds=RATE_WINDOW_S)),
        certificates=certificates,
    )


class Pulse:
    """Reads the fleet once a second while someone waits for it. It belongs to one event loop.

    `certificates` is kept by whoever follows the changes; it begins empty with the process.
    """

    def __init__(self) -> None:
        self._next: asyncio.Future[Fleet] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._read_at = 0.0
        self.certificates: dict[str, int] = {}

    async def beat(self) -> Fleet:
        """The next reading; all who wait get the same one."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            self._reading = asyncio.create_task(self._read(self._next))
        return await asyncio.shield(self._next)

    def stop(self) -> None:
        """Read no more; those who wait are cancelled with their sockets."""
        if self._reading:
            self._reading.cancel()

    async def _read(self, answer: "asyncio.Future[Fleet]") -> None:
        loop = asyncio.get_running_loop()
        while not answer.done():
            await asyncio.sleep(max(0.0, self._read_at + INTERVAL_S - loop.time()))
            self._read_at = loop.time()
            try:
                fleet = await aside(read_fleet, dict(self.certificates))
            except Exception:  # the outermost edge of this task: those who wait go on waiting
                log.exception("fleet not read")
                continue
            self._next = None
            answer.set_result(fleet)


def fleet_text(frame: Mapping[str, Any], at: datetime) -> str:
    """`frame` with its time, as one line."""
    return text_of({**frame, "at": stamp(at)})
