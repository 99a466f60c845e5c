"""The state of the fleet, pushed when it changes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from governance.dataplane import observe
from governance.dataplane.observe import Sample
from governance.dataplane.values import Client, TypeSync
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.registry.commands import CreateService, RegisterEndpoint, ReportHealth
from governance.registry.values import EndpointSpec, ServiceSpec
from governance.traffic.commands import SwitchBalancing
from governance.traffic.values import Balancing
from tests.fixtures.house import House
from tests.gateway.live.conftest import Door, SignIn


def create(name: str, namespace: str) -> None:
    execute(CreateService(namespace=namespace, spec=ServiceSpec(namespace=namespace, name=name)), by=SYSTEM)


def register(name: str, port: int) -> None:
    spec = EndpointSpec(name=name, host="127.0.0.1", port=port, zone="z1")
    execute(RegisterEndpoint(namespace="shop", service="checkout", spec=spec), by=SYSTEM)


def client(name: str, *services: str, nacked: bool = False) -> Client:
    sync = TypeSync(type="cluster", sent_version="5", acked_version="5", nack_version="5" if nacked else "")
    return Client(
        name=name,
        node_id=name,
        kind="grpc-python",
        version="1.85.1",
        zone="z1",
        address="127.0.0.1",
        mode="sotw",
        lb_extensions=(),
        connected=True,
        connected_at=now(),
        seen_at=now(),
        types=(sync,),
        services=services,
        revision=5,
    )


@pytest.fixture
def shop(house: House) -> None:
    """Two services in two namespaces, two clients, and some load."""
    create("checkout", "shop")
    create("ledger", "bank")
    register("c0", 7001)
    register("c1", 7002)
    execute(ReportHealth(flips={"shop/checkout/c0": ("healthy", "")}), by=SYSTEM)
    observe.clients(
        "test", [client("one", "shop/checkout"), client("two", "shop/checkout", "bank/ledger", nacked=True)]
    )
    sample = Sample(
        started_at=now(),
        at=now() + timedelta(seconds=30),
        client="one",
        node_id="one",
        namespace="shop",
        service="checkout",
        endpoint="c0",
        issued=100,
        succeeded=98,
        errors=2,
        in_progress=1,
    )
    observe.loads([sample])


def by_name(frame: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {service["name"]: service for service in frame["services"]}


async def test_the_fleet_is_shown_whole_and_again_when_it_changes(door: Door, signed_in: SignIn, shop: None) -> None:
    session = await asyncio.to_thread(signed_in, "vera", "viewer")
    async with door.open("/live/fleet", session=session) as reader:
        frame = await reader.next()
        checkout, bank = by_name(frame)["checkout"], by_name(frame)["ledger"]
        assert frame["kind"] == "fleet"
        assert frame["clients"] == {"in_sync": 1, "sent": 0, "nacked": 1, "stale": 0, "offline": 0}
        assert (checkout["healthy"], checkout["total"], checkout["policy"]) == (1, 2, "round_robin")
        assert (checkout["rps"], checkout["error_ppm"]) == (10.0, 20_000)
        assert (checkout["clients"], checkout["in_sync"], checkout["nacked"]) == (2, 1, 1)
        assert (bank["rps"], bank["error_ppm"], bank["clients"]) == (None, None, 1)

        switch = SwitchBalancing(namespace="shop", service="checkout", balancing=Balancing(policy="pick_first"))
        receipt = await asyncio.to_thread(execute, switch, by=SYSTEM)
        changed = by_name(await reader.next())["checkout"]
        assert (changed["policy"], changed["policy_revision"]) == ("pick_first", receipt.revision)
        assert changed["last_revision"] == receipt.revision


async def test_only_the_namespaces_one_may_see_are_shown_and_counted(door: Door, signed_in: SignIn, shop: None) -> None:
    session = await asyncio.to_thread(signed_in, "vera", "viewer", "bank")
    everywhere = await asyncio.to_thread(signed_in, "otto", "viewer", EVERYWHERE)
    async with door.open("/live/fleet", session=session) as one, door.open("/live/fleet", session=everywhere) as other:
        assert set(by_name(frame := await one.next())) == {"ledger"}
        assert frame["clients"] == {"in_sync": 0, "sent": 0, "nacked": 1, "stale": 0, "offline": 0}
        assert set(by_name(await other.next())) == {"checkout", "ledger"}
