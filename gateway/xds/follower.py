"""Follows the ledger and hands the event loop a new fleet, compiled for every group, whenever something changed."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from gateway.xds.compile import Compiler, Resources
from gateway.xds.fleet import Fleet, Governed
from gateway.xds.node import Group
from gateway.xds.trust import NOTHING, Trust
from gateway.xds.trusted import TrustReader
from governance.ledger import queries as ledger
from governance.ledger import wake
from governance.ledger.queries import Entry
from governance.registry import queries as registry
from governance.registry.values import Service
from governance.traffic import queries as traffic

DEBOUNCE_S = 0.1
READINGS = 5  # under a stream of changes without a pause the last reading has to do
MANY = 50  # from so many changed services on, reading all of them at once is cheaper

Publish = Callable[[Fleet, Mapping[Group, Resources]], None]


def read_fleet(trust: Trust = NOTHING) -> Fleet:
    """Everything as it stands; under a stream of changes some that came while it was read may be in it."""
    for _ in range(READINGS):
        revision = ledger.head_revision()
        fleet = Fleet(revision=revision, services=_governed(registry.services()), trust=trust)
        if ledger.head_revision() == revision:
            break
    return fleet


def _governed(services: Collection[Service]) -> dict[tuple[str, str], Governed]:
    found = traffic.in_force(services)
    return {
        (service.namespace, service.name): Governed(
            service=service, balancing=found[service.uid].balancing, balancing_revision=found[service.uid].revision
        )
        for service in services
    }


class FleetFollower:
    """What a ledger follower applies for xDS. `publish` is called in the follower's thread with each new fleet.

    Operators' switches go out at once; the registry's churn is gathered for up to 100 ms.
    """

    def __init__(
        self,
        fleet: Fleet,
        compiler: Compiler,
        *,
        groups: Callable[[], Collection[Group]],
        publish: Publish,
        trust: TrustReader | None = None,
    ) -> None:
        self.fleet = fleet
        self._compiler, self._groups, self._publish = compiler, groups, publish
        self._trust = trust
        self._read_at = 0.0

    def apply(self, entries: Sequence[Entry]) -> None:
        """Re-read what the facts touch, compile, publish."""
        fresh = [entry for entry in entries if entry.revision > self.fleet.revision]
        if not fresh:
            return
        relevant = [entry for entry in fresh if _relevant(entry)]
        if relevant and not any(_urgent(entry) for entry in relevant):
            self._gather(fresh[-1].revision)
        self.fleet = self._read(fresh)
        self._compiler.forget(self.fleet)
        made = {group: self._compiler.compile(self.fleet, group) for group in self._groups()}
        self._read_at = time.monotonic()
        self._publish(self.fleet, made)

    def _read(self, entries: Sequence[Entry]) -> Fleet:
        """The fleet at the revision whose facts it holds.

        What is committed while rows are read may be in them already. Were it called by the older revision, a refusal
        of it would seem to be one of the change before; so it is read until nothing came in between.
        """
        known = list(entries)
        for _ in range(READINGS):
            relevant = [entry for entry in known if _relevant(entry)]
            revision = known[-1].revision
            fleet = self._changed(revision, relevant) if relevant else self.fleet.changed(revision, {})
            if self._trust is not None and (trust := self._trust.changed(revision, known)):
                fleet = fleet.changed(revision, {}, trust=trust)
            if not (newer := ledger.after(revision)):
                break
            known += newer
        return fleet

    def _changed(self, revision: int, entries: Collection[Entry]) -> Fleet:
        touched = {path for entry in entries for path in _touched(entry)}
        if len(touched) > MANY or None in touched:
            return Fleet(revision=revision, services=_governed(registry.services()), trust=self.fleet.trust)
        names = [path for path in touched if path is not None]
        read = {name: registry.service(*name) for name in names}
        there = _governed([service for service in read.values() if service is not None])
        return self.fleet.changed(revision, {name: there.get(name) for name in names})

    def _gather(self, revision: int) -> None:
        """Wait until the last reading is 100 ms old, or an operator's switch comes in."""
        deadline = self._read_at + DEBOUNCE_S
        if time.monotonic() >= deadline:
            return
        bell = wake.listen("xds-gather")
        try:
            while (left := deadline - time.monotonic()) > 0:
                if bell.wait(left) and any(_urgent(entry) for entry in ledger.after(revision)):
                    return
        finally:
            bell.close()


def _relevant(entry: Entry) -> bool:
    return entry.action.startswith(("registry.", "traffic.", "pki."))


def _urgent(entry: Entry) -> bool:
    return entry.action.startswith(("traffic.", "registry.endpoint.update", "pki."))


def _touched(entry: Entry) -> list[tuple[str, str] | None]:
    """The services that a fact is about, by (namespace, name); None when it may be any."""
    kind, _, rest = entry.thing.partition("/")
    if entry.action.startswith("pki."):
        return []
    if kind in ("leases", "health"):
        paths = [*(entry.before or {}), *(entry.after or {})]
    elif kind in ("service", "endpoint", "endpoints", "balancing"):
        paths = [rest]
    else:
        return [None]
    parts = [path.split("/") for path in paths]
    return [(part[0], part[1]) if len(part) > 1 else None for part in parts]
