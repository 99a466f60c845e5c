"""The demo fleet from end to end: real servers, real clients, a real Envoy, a real control plane."""

import json
import os
import signal
import subprocess
import sys

import pytest

from gateway.demo.tune import tune
from governance.access import queries as access
from governance.access import tokens
from governance.access.commands.people import CreatePerson
from governance.access.commands.roles import GrantRole
from governance.access.commands.tokens import CreateToken
from governance.access.values import RoleGrant, TokenSpec
from governance.dataplane import queries as dataplane
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.kernel.errors import Invalid, NotFound
from governance.ledger import queries
from governance.ledger.execute import execute
from governance.registry import queries as registry
from tests.demo.conftest import Fleet, children_of, running
from tests.fixtures.processes import ROOT, Start, eventually

CALLERS = ("caller-z1", "caller-z2", "front")


def healthy() -> list[str]:
    found = registry.services()
    return [f"{one.name}:{one.zone}" for service in found for one in service.endpoints if one.health == "healthy"]


def connected() -> set[str]:
    return {client.node_id for client in dataplane.clients(connected_only=True) if client.services}


def everyone_calls(fleet: Fleet, count: int) -> None:
    for name in CALLERS:
        before = fleet.calls(name)
        eventually(lambda name=name, before=before: fleet.calls(name) >= before + count, f"{count} calls of {name}")  # type: ignore[misc]


def test_the_fleet_registers_is_called_without_loss_and_comes_back_as_it_was(start: Start, fleet: Fleet) -> None:
    start("xds")
    demo = start("demo")
    eventually(lambda: len(healthy()) == 12, "12 healthy instances")
    assert [service.name for service in registry.services()] == ["checkout", "inventory", "payments"]
    assert {path.partition(":")[2] for path in healthy()} == {"z1", "z2", "z3"}
    eventually(lambda: connected() == set(CALLERS), "three clients that are brought up to date")
    everyone_calls(fleet, 60)
    for name in CALLERS:
        tally = fleet.read(name)
        assert (tally["errors"], tally["streams_broken"]) == ({}, 0)
        assert len(tally["instances"]) == 12
        assert tally["stream_messages"] > 0

    stands = queries.head_revision()
    os.kill(demo.pid, signal.SIGTERM)
    assert demo.wait(10) == 0
    facts_before = [entry.action for entry in queries.after(stands)]
    start("demo")
    eventually(lambda: fleet.calls("front") > 0, "calls after a second start")
    everyone_calls(fleet, 20)
    facts = [entry.action for entry in queries.after(stands) if entry.action != "registry.endpoint.health"]
    assert facts == [action for action in facts_before if action != "registry.endpoint.health"] == []


def test_an_instance_can_be_made_slow_stopped_and_started(start: Start, fleet: Fleet) -> None:
    start("xds")
    start("demo")
    eventually(lambda: len(healthy()) == 12, "12 healthy instances")
    everyone_calls(fleet, 10)
    tune("payments-2", down=True)
    tune("checkout-1", latency_ms=400)
    eventually(lambda: not fleet.accepts("payments-2"), "payments-2 is down")
    eventually(lambda: "payments-2:z1" not in healthy(), "payments-2 is found to be down")
    everyone_calls(fleet, 60)
    tune("payments-2", down=False)
    eventually(lambda: fleet.accepts("payments-2"), "payments-2 is up")
    eventually(lambda: len(healthy()) == 12, "payments-2 is found to be up")


def test_what_cannot_be_tuned_is_refused(start: Start) -> None:
    with pytest.raises(NotFound):
        tune("nobody-1", down=True)
    with pytest.raises(Invalid):
        tune("checkout-1", latency_ms=-1)


def test_a_client_that_dies_is_started_again_and_none_outlives_the_fleet(start: Start, fleet: Fleet) -> None:
    start("xds")
    demo = start("demo")
    everyone_calls(fleet, 10)
    first = children_of(demo.pid)
    assert set(first) == {"caller-z1", "caller-z2", "envoy"}
    for pid in first.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(children_of(demo.pid)) == len(first), "as many as before")
    everyone_calls(fleet, 10)
    last = children_of(demo.pid)
    assert not set(first.values()) & set(last.values())
    os.kill(demo.pid, signal.SIGKILL)
    eventually(lambda: not any(running(pid) for pid in last.values()), "all have ended")


def test_the_fleet_keeps_being_served_while_the_control_plane_is_gone(start: Start, fleet: Fleet) -> None:
    xds = start("xds")
    start("demo")
    eventually(lambda: connected() == set(CALLERS), "three clients that are brought up to date")
    everyone_calls(fleet, 20)
    xds.kill()
    xds.wait()
    everyone_calls(fleet, 100)
    start("xds")
    everyone_calls(fleet, 100)
    for name in CALLERS:
        assert (fleet.read(name)["errors"], fleet.read(name)["streams_broken"]) == ({}, 0)


def test_a_switch_can_be_watched_until_calls_follow_it(start: Start, fleet: Fleet, grpc_address: str) -> None:
    start("xds")
    start("demo")
    eventually(lambda: connected() == set(CALLERS), "three clients that are brought up to date")
    eventually(lambda: len(healthy()) == 12, "12 healthy instances")
    everyone_calls(fleet, 20)
    execute(CreatePerson(username="olga", must_change_password=False), by=SYSTEM)
    execute(GrantRole(username="olga", role="operator", namespace=EVERYWHERE), by=SYSTEM)
    secret = tokens.make()
    spec = TokenSpec(name="laptop", grants=(RoleGrant(role="operator"),), lifetime_s=3600)
    execute(CreateToken(owner="olga", spec=spec, digest=tokens.digest(secret)), by=SYSTEM)
    words = ["lb", "switch", "checkout", "wrr", "--weight", "checkout-1=3", "--reason", "try", "--yes", "--watch"]
    watched = subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", *words, "--output", "json"],
        env={**os.environ, "GOVCTL_SERVER": grpc_address, "GOVCTL_TOKEN": secret},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    receipt, *states = [json.loads(line) for line in watched.stdout.splitlines()]
    last = states[-1]
    assert (last["revision"], last["acked"], last["nacked"], last["settled"]) == (receipt["revision"], 3, 0, True)
    assert {share["endpoint"]: share["intended_ppm"] for share in last["shares"]}["checkout-1"] == 500_000
    assert last["calls"] > 0
    for name in CALLERS:
        assert (fleet.read(name)["errors"], fleet.read(name)["streams_broken"]) == ({}, 0)


def test_its_workload_may_register_and_nothing_else(start: Start, fleet: Fleet) -> None:
    start("demo")
    eventually(lambda: (fleet.directory / "token").exists() and access.person("demo-fleet"), "a workload")
    eventually((fleet.directory / "token").read_text, "its token")
    assert (fleet.directory / "token").stat().st_mode & 0o077 == 0
    actor = access.actor_of_token((fleet.directory / "token").read_text())
    assert actor.may("registry.register", "default")
    for more in ("registry.write", "traffic.write", "audit.read", "access.self"):
        assert not actor.may(more, "default")
    assert not actor.may("registry.register", "bank")
