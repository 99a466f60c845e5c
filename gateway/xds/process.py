"""The xDS server as a part of a process: discovery, load reports, health checks, and the follower that feeds them."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import grpc

from gateway.xds.ads import DiscoveryService
from gateway.xds.aside import aside
from gateway.xds.compile import Compiler, Resources
from gateway.xds.fleet import Fleet
from gateway.xds.follower import FleetFollower, read_fleet
from gateway.xds.health import Credentials, Flips, HealthChecks, no_credentials
from gateway.xds.holdings import Holdings
from gateway.xds.lrs import LoadReports
from gateway.xds.node import Group
from gateway.xds.observed import Observer, storing
from gateway.xds.streams import Streams
from gateway.xds.trusted import TrustReader
from governance.dataplane import observe
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.ledger.followers import Follower
from governance.pki import observe as seen
from governance.registry.commands import ReportHealth


class XdsProcess:
    """Everything xDS on one grpc.aio server. `name` tells it from other processes, and is the same after a restart.

    `credentials` are what health checks show to services on mutual TLS.
    """

    def __init__(
        self, *, name: str = "xds", check_health: bool = True, credentials: Credentials = no_credentials
    ) -> None:
        self.name = name
        self._check_health = check_health
        self._credentials = credentials
        self._started = False

    async def start(self, server: grpc.aio.Server) -> None:
        """Add the services to `server`, which is not started yet, and follow the ledger from now on."""
        loop = asyncio.get_running_loop()
        trust = TrustReader()
        fleet = await aside(self._prepare, trust)
        compiler = Compiler()
        self.streams = Streams(compiler, fleet)
        self._discovery = DiscoveryService(self.streams)
        self._loads = LoadReports(
            identify=self.streams.identify, clusters=self.streams.shown, client=self._client, store=observe.loads
        )
        self._observer = Observer(self.streams, storing(self.name))
        self._holdings = Holdings(self.name, self.streams.held, _store_holdings)
        self._health = HealthChecks(_report, credentials=self._credentials)
        server.add_generic_rpc_handlers((self._discovery.handler(), self._loads.handler()))

        def publish(fleet: Fleet, made: Mapping[Group, Resources]) -> None:
            loop.call_soon_threadsafe(self._publish, fleet, made)

        feed = FleetFollower(fleet, compiler, groups=lambda: self.streams.groups, publish=publish, trust=trust)
        self.follower = Follower("xds", feed.apply, after=fleet.revision)
        self.follower.start()
        self._observer.start()
        self._holdings.start()
        self._loads.start()
        if self._check_health:
            self._health.start()
            self._health.watch(fleet)
        self._started = True

    async def stop(self) -> None:
        """End every stream, store how they stood, and stop following. Call it before the server's own stop."""
        if not self._started:
            return
        self._started = False
        await asyncio.to_thread(self.follower.stop)
        if self._check_health:
            await self._health.stop()
        await asyncio.gather(self._discovery.close(), self._loads.stop())
        await asyncio.gather(self._observer.stop(), self._holdings.stop())

    def state(self) -> dict[str, Any]:
        """How it stands, for health endpoints: `ready`, the follower's lag and error, and the number of streams."""
        if not self._started:
            return {"ready": False, "reason": "not started"}
        return {
            "ready": self.follower.is_alive() and not self.follower.error,
            "revision": self.streams.fleet.revision,
            "lag": self.follower.behind,
            "error": self.follower.error,
            "streams": sum(1 for _ in self.streams),
        }

    def _prepare(self, trust: TrustReader) -> Fleet:
        observe.process_gone(self.name, now())
        seen.process_gone(self.name, at=now())
        fleet = read_fleet()
        # In this order: what is committed in between is in the trust already, and comes again as a fact. The other way
        # round it would be in neither.
        return fleet.changed(fleet.revision, {}, trust=trust.read(fleet.revision))

    def _publish(self, fleet: Fleet, made: Mapping[Group, Resources]) -> None:
        self.streams.publish(fleet, made)
        if self._check_health and self._started:
            self._health.watch(fleet)

    def _client(self, node_id: str, identity: str) -> str:
        of_node = (each for each in self.streams if each.node and each.node.id == node_id)
        return next((each.name for each in of_node if each.identity == identity), node_id[:120])


async def _store_holdings(fresh: Collection[seen.Seen], gone: Collection[str]) -> None:
    await aside(seen.holdings, fresh, at=now())
    await aside(seen.gone, gone, at=now())


async def _report(flips: Flips) -> object:
    return await aside(execute, ReportHealth(flips=flips), by=SYSTEM)
