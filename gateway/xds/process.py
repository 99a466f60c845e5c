"""The xDS server as a part of a process: discovery, load reports, health checks, and the follower that feeds them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc

from gateway.xds.ads import DiscoveryService
from gateway.xds.aside import aside
from gateway.xds.compile import Compiler, Resources
from gateway.xds.fleet import Fleet
from gateway.xds.follower import FleetFollower, read_fleet
from gateway.xds.health import Flips, HealthChecks
from gateway.xds.lrs import LoadReports
from gateway.xds.names import resource_name
from gateway.xds.node import Group
from gateway.xds.observed import Observer, storing
from gateway.xds.streams import Streams
from governance.dataplane import observe
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.ledger.followers import Follower
from governance.registry.commands import ReportHealth


class XdsProcess:
    """Everything xDS on one grpc.aio server. `name` tells it from other processes, and is the same after a restart."""

    def __init__(self, *, name: str = "xds", check_health: bool = True) -> None:
        self.name = name
        self._check_health = check_health
        self._started = False

    async def start(self, server: grpc.aio.Server) -> None:
        """Add the services to `server`, which is not started yet, and follow the ledger from now on."""
        loop = asyncio.get_running_loop()
        fleet = await aside(self._prepare)
        compiler = Compiler()
        self.streams = Streams(compiler, fleet)
        self._discovery = DiscoveryService(self.streams)
        self._loads = LoadReports(clusters=self._clusters, client=self._client, store=observe.loads)
        self._observer = Observer(self.streams, storing(self.name))
        self._health = HealthChecks(_report)
        server.add_generic_rpc_handlers((self._discovery.handler(), self._loads.handler()))

        def publish(fleet: Fleet, made: Mapping[Group, Resources]) -> None:
            loop.call_soon_threadsafe(self._publish, fleet, made)

        feed = FleetFollower(fleet, compiler, groups=lambda: self.streams.groups, publish=publish)
        self.follower = Follower("xds", feed.apply, after=fleet.revision)
        self.follower.start()
        self._observer.start()
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
        await self._observer.stop()

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

    def _prepare(self) -> Fleet:
        observe.process_gone(self.name, now())
        return read_fleet()

    def _publish(self, fleet: Fleet, made: Mapping[Group, Resources]) -> None:
        self.streams.publish(fleet, made)
        if self._check_health and self._started:
            self._health.watch(fleet)

    def _clusters(self) -> list[str]:
        return [resource_name(*name) for name in self.streams.fleet.services]

    def _client(self, node_id: str) -> str:
        return next((each.name for each in self.streams if each.node and each.node.id == node_id), node_id[:120])


async def _report(flips: Flips) -> object:
    return await aside(execute, ReportHealth(flips=flips), by=SYSTEM)
