"""What happens to calls when something goes wrong: a refused policy, a lost control plane, a lost or failing server."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from governance.dataplane import queries as dataplane
from governance.dataplane.values import Client, TypeSync
from governance.kernel.actor import SYSTEM
from governance.kernel.errors import Invalid
from governance.ledger.execute import execute
from governance.registry import queries as registry
from governance.registry.commands import CreateService, EndpointChange, RegisterEndpoint, UpdateEndpoints
from governance.registry.values import ServiceSpec
from governance.traffic.commands import SwitchBalancing
from governance.traffic.values import Balancing
from tests.fixtures.house import House
from tests.interop.fleet import Backends, Caller, backends, caller, control_plane, envoy, proxyless, shares, until


@pytest.fixture
def servers(house: House) -> Iterator[Backends]:
    with backends() as running:
        running.register()
        yield running


def _cluster(node_id: str) -> TypeSync:
    (client,) = (each for each in dataplane.clients() if each.node_id == node_id)
    return next(each for each in client.types if each.type == "cluster")


def _switch(policy: str, *, force: bool = False, **values: object) -> int:
    balancing = Balancing(policy=policy, **values)  # type: ignore[arg-type]
    command = SwitchBalancing(namespace="default", service="checkout", balancing=balancing, force=force)
    return execute(command, by=SYSTEM).revision


def test_a_forced_policy_that_a_client_refuses_is_shown_within_a_second_and_costs_no_call(
    servers: Backends, tmp_path: Path
) -> None:
    with control_plane() as control, proxyless(tmp_path, control.address, node_id="python", zone="z1") as calling:
        until(lambda: len(dataplane.clients()) == 1, what="the client's row")
        with pytest.raises(Invalid, match="would reject it"):
            _switch("least_request", strict=True)
        began = time.monotonic()
        refused = _switch("least_request", strict=True, force=True)
        until(lambda: _cluster("python").nack_version == str(refused), what="the NACK")
        assert time.monotonic() - began < 1
        assert "no supported load balancing policy config found" in _cluster("python").nack_text
        _switch("least_request", strict=True, choice_count=3, force=True)
        until(lambda: _cluster("python").nacks == 2, what="the NACK of other content")
        _switch("least_request", strict=True, force=True)
        again = _switch("round_robin")
        until(lambda: _cluster("python").nack_version == "", what=f"the end of the refusal at {again}")
        assert _cluster("python").nacks == 2  # content that was refused once was not sent a second time
        (seen,) = shares([calling], calls=400)
        assert all(share == pytest.approx(0.25, abs=0.02) for share in seen.values())
        assert (calling.errors, calling.broken) == ({}, 0)


def test_calls_go_on_while_the_control_plane_is_away_and_clients_come_back_to_it(
    servers: Backends, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        with control_plane() as control:
            address = control.address
            python = stack.enter_context(proxyless(tmp_path, address, node_id="python", zone="z1"))
            front = stack.enter_context(envoy(tmp_path, address, node_id="envoy", zone="z1"))
            through = stack.enter_context(caller(front, node_id="envoy", rate=120, streams=2))
            until(lambda: _connected() == {"python", "envoy"}, what="both clients")
        revision = _switch("pick_first", order=("c3",))
        shares([python, through], calls=200)
        with control_plane(address):
            until(lambda: _connected() == {"python", "envoy"}, what="both clients again")
            until(lambda: len(dataplane.clients()) == 2, what="the rows of the streams before to be replaced")
            until(lambda: all(int(_cluster(node).acked_version or 0) >= revision for node in _connected()), what="ACKs")
            assert shares([python, through], calls=200) == [{"c3": 1.0}, {"c3": 1.0}]
        for calling in (python, through):
            assert (calling.errors, calling.broken) == ({}, 0)


def _connected() -> set[str]:
    return {client.node_id for client in dataplane.clients(connected_only=True)}


def test_a_server_that_says_it_is_not_serving_gets_no_more_calls_until_it_recovers(
    servers: Backends, tmp_path: Path
) -> None:
    with control_plane() as control, proxyless(tmp_path, control.address, node_id="python", zone="z1") as calling:
        until(lambda: _health("c1") == "healthy", what="the first health check")
        servers.tell("failing", "c1")
        until(lambda: _health("c1") == "unhealthy", what="the health check to fail")
        until(lambda: "c1" not in shares([calling], calls=100)[0], what="calls to keep away")
        servers.tell("serving", "c1")
        until(lambda: shares([calling], calls=100)[0].get("c1", 0) > 0.2, what="calls to come back")
        assert (calling.errors, calling.broken) == ({}, 0)


def _health(name: str) -> str:
    service = registry.service("default", "checkout")
    assert service is not None
    return next(each.health for each in service.endpoints if each.name == name)


def test_a_drained_server_can_be_stopped_without_a_failed_call(servers: Backends, tmp_path: Path) -> None:
    with ExitStack() as stack:
        control = stack.enter_context(control_plane()).address
        front = stack.enter_context(envoy(tmp_path, control, node_id="envoy", zone="z1"))
        callers = (
            stack.enter_context(proxyless(tmp_path, control, node_id="python", zone="z1", streams=0)),
            stack.enter_context(caller(front, node_id="envoy", rate=120, streams=0)),
        )
        drain = (EndpointChange(name="c0", draining=True),)
        execute(UpdateEndpoints(namespace="default", service="checkout", changes=drain), by=SYSTEM)
        until(lambda: all("c0" not in each for each in shares(callers, calls=60)), what="calls to leave c0")
        servers.tell("stop", "c0")
        shares(callers, calls=300)
        assert [calling.errors for calling in callers] == [{}, {}]


def test_a_service_created_while_an_envoy_runs_is_reachable_by_name(servers: Backends, tmp_path: Path) -> None:
    with control_plane() as control, envoy(tmp_path, control.address, node_id="envoy", zone="z1") as front:
        until(lambda: _connected() == {"envoy"}, what="the Envoy")
        execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="pay")), by=SYSTEM)
        for spec in servers.specs[:1]:
            execute(RegisterEndpoint(namespace="shop", service="pay", spec=spec), by=SYSTEM)
        until(lambda: "shop/pay" in _only(dataplane.clients()).services, what="the new service")
        until(lambda: _answers(front, "pay.shop") == "c0", what="an answer from it")


def _only(clients: list[Client]) -> Client:
    (client,) = clients
    return client


def _answers(address: str, authority: str) -> str:
    import grpc

    from gateway.proto import demo_pb2 as pb

    with grpc.insecure_channel(address, options=[("grpc.default_authority", authority)]) as channel:
        place = channel.unary_unary(
            "/governor.demo.v1.Checkout/PlaceOrder", pb.Order.SerializeToString, pb.Done.FromString
        )
        try:
            return str(place(pb.Order(), timeout=5, wait_for_ready=True).instance)
        except grpc.RpcError as error:
            return str(error)


def test_killing_a_server_costs_a_proxyless_client_no_later_call(servers: Backends, tmp_path: Path) -> None:
    with control_plane() as control, proxyless(tmp_path, control.address, node_id="p", zone="z1", streams=0) as calling:
        servers.tell("stop", "c2")
        until(lambda: _health("c2") == "unhealthy", what="the health check to see it")
        lost = _lost(calling)
        shares([calling], calls=300)
        assert _lost(calling) == lost
        assert lost <= 5  # what was under way when it died


def _lost(calling: Caller) -> int:
    return calling.errors.total()
