"""From a committed command to what streams are sent, and to what is stored of them."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from gateway.xds.compile import Compiler, Resources
from gateway.xds.fleet import Fleet
from gateway.xds.follower import FleetFollower, read_fleet
from gateway.xds.names import CLUSTER
from gateway.xds.node import Group
from governance.dataplane import observe
from governance.dataplane import queries as dataplane
from governance.dataplane.values import Client
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.command import Command
from governance.ledger.execute import execute
from governance.ledger.followers import Follower
from governance.registry.commands import (
    CreateService,
    DeleteService,
    DeregisterEndpoint,
    RegisterEndpoint,
    ReportHealth,
)
from governance.registry.values import EndpointSpec, ServiceSpec
from governance.traffic.commands import SwitchBalancing
from governance.traffic.values import Balancing
from tests.fixtures.house import House

GROUP = Group(plane="grpc", zone="z1")
CHECKOUT = ("default", "checkout")


def do(command: Command) -> int:
    return execute(command, by=SYSTEM).revision


def create(name: str = "checkout") -> int:
    return do(CreateService(namespace="default", spec=ServiceSpec(namespace="default", name=name)))


def register(name: str, *, port: int) -> int:
    spec = EndpointSpec(name=name, host="127.0.0.1", port=port, zone="z1")
    return do(RegisterEndpoint(namespace="default", service="checkout", spec=spec))


def switch(policy: str) -> int:
    return do(SwitchBalancing(namespace="default", service="checkout", balancing=Balancing(policy=policy)))


class Published:
    """What a follower published, in order."""

    def __init__(self) -> None:
        self.fleets: list[Fleet] = []
        self.times: list[float] = []
        self._news = threading.Condition()

    def __call__(self, fleet: Fleet, made: Mapping[Group, Resources]) -> None:
        assert set(made) == {GROUP}
        assert made[GROUP][CLUSTER].keys() == {name for _, name in fleet.services}
        with self._news:
            self.fleets.append(fleet)
            self.times.append(time.monotonic())
            self._news.notify_all()

    def wait(self, revision: int) -> Fleet:
        with self._news:
            there = self._news.wait_for(lambda: bool(self.fleets) and self.fleets[-1].revision >= revision, 10)
            assert there, f"revision {revision} was not published"
            return self.fleets[-1]


@pytest.fixture
def published(house: House) -> Published:
    return Published()


@contextmanager
def following(published: Published) -> Iterator[None]:
    fleet = read_fleet()
    feed = FleetFollower(fleet, Compiler(), groups=lambda: [GROUP], publish=published)
    follower = Follower("xds", feed.apply, after=fleet.revision)
    follower.start()
    try:
        yield
    finally:
        follower.stop()


def test_every_kind_of_change_reaches_the_fleet(published: Published) -> None:
    with following(published):
        create()
        register("c0", port=7000)
        fleet = published.wait(register("c1", port=7001))
        assert [each.name for each in fleet.services[CHECKOUT].service.endpoints] == ["c0", "c1"]
        assert published.wait(switch("ring_hash")).services[CHECKOUT].balancing.policy == "ring_hash"
        flips = ReportHealth(flips={"default/checkout/c0": ("unhealthy", "gone")})
        assert published.wait(do(flips)).services[CHECKOUT].service.endpoints[0].health == "unhealthy"
        for name in ("c0", "c1"):
            do(DeregisterEndpoint(namespace="default", service="checkout", name=name))
        gone = do(DeleteService(namespace="default", service="checkout"))
        assert published.wait(gone).services == {}


def test_what_is_read_in_parts_is_what_is_read_at_once(published: Published) -> None:
    with following(published):
        create("checkout")
        create("pay")
        register("c0", port=7000)
        assert dict(published.wait(switch("pick_first")).services) == dict(read_fleet().services)


def test_registrations_are_gathered_and_switches_go_out_at_once(published: Published) -> None:
    create()
    with following(published):
        for number in range(60):
            last = register(f"c{number}", port=7000 + number)
        published.wait(last)
        gathered = [b - a for a, b in zip(published.times, published.times[1:], strict=False)]
        assert all(pause >= 0.095 for pause in gathered)
        began = time.monotonic()
        published.wait(switch("ring_hash"))
        assert time.monotonic() - began < 1


def client(name: str, *, node_id: str = "pod-1", connected: bool = True) -> Client:
    return Client(
        name=name,
        node_id=node_id,
        kind="envoy",
        version="1.40.0",
        zone="z1",
        address="127.0.0.1:4711",
        mode="delta",
        lb_extensions=(),
        connected=connected,
        connected_at=now(),
        seen_at=now(),
        types=(),
        services=(),
        revision=1,
    )


def test_a_node_that_returns_replaces_the_row_of_its_last_stream(house: House) -> None:
    observe.clients("xds", [client("pod-1~a", connected=False), client("pod-2~b", node_id="pod-2", connected=False)])
    observe.clients("xds", [client("pod-1~c")])
    observe.returned({"pod-1"})
    assert [each.name for each in dataplane.clients()] == ["pod-1~c", "pod-2~b"]


def test_after_a_crash_the_streams_of_the_past_life_are_offline(house: House) -> None:
    observe.clients("xds", [client("pod-1~a")])
    observe.clients("xds-2", [client("pod-2~b", node_id="pod-2")])
    observe.process_gone("xds", now())
    assert {each.name: each.connected for each in dataplane.clients()} == {"pod-1~a": False, "pod-2~b": True}


async def test_a_whole_process_starts_serves_and_stops(house: House) -> None:
    import grpc
    from envoy.config.core.v3.base_pb2 import Node

    from gateway.xds.process import XdsProcess
    from tests.gateway.xds.wire import Client as WireClient

    await asyncio.to_thread(create)
    server = grpc.aio.server()
    process = XdsProcess(name="xds-test")
    assert process.state() == {"ready": False, "reason": "not started"}
    await process.start(server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        stream = WireClient(channel, "sotw", Node(id="pod-1", user_agent_name="gRPC Go"))
        await stream.take("cluster", "checkout")
        revision = await asyncio.to_thread(switch, "ring_hash")
        newer = await stream.read()
        assert newer.version_info == str(revision)
        await stream.ack(newer, "checkout")
        state = process.state()
        assert (state["ready"], state["streams"], state["error"]) == (True, 1, "")
        await process.stop()
        assert str(await stream.code()) == "StatusCode.OK"
    await server.stop(None)
    (left,) = await asyncio.to_thread(dataplane.clients)
    assert (left.node_id, left.connected, left.types[0].acked_version) == ("pod-1", False, str(revision))
