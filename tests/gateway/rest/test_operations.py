"""Whether the house stands, and its figures."""

import pytest
from drf_spectacular.drainage import GENERATOR_STATS

from gateway.rest.views.meta import description
from governance.ledger import life
from governance.ledger.followers import Follower
from tests.fixtures.product import eventually
from tests.gateway.rest.conftest import Enrol, Program, Recorded


def test_a_living_process_says_so_to_everyone(shop: str) -> None:
    assert Program().ask("GET", "/healthz").status == 200
    assert Program().ask("POST", "/healthz").status == 405


def test_the_house_is_ready_when_every_needed_part_gives_signs_of_life(shop: str) -> None:
    cold = Program().ask("GET", "/readyz")
    assert cold.status == 503
    assert {name: part["ok"] for name, part in cold.body["parts"].items()} == {
        "database": True,
        "xds": False,
        "worker": False,
        "followers": True,
    }
    life.show("worker")
    follower = Follower("xds", lambda entries: None, after=0)
    follower.start()
    try:
        eventually(lambda: Program().ask("GET", "/readyz").status == 200)
    finally:
        follower.stop()
    assert Program().ask("GET", "/readyz").body["parts"]["followers"]["each"]["xds"]["ok"]


def test_a_follower_that_fails_is_seen_from_outside(shop: str) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("secret inside")

    life.show("worker")
    follower = Follower("xds", fail, after=0)
    follower.start()
    try:
        eventually(lambda: "each" in str(Program().ask("GET", "/readyz").body) and follower.error)
        answer = eventually(
            lambda: (found := Program().ask("GET", "/readyz")).body["parts"]["followers"]["each"] and found
        )
        assert answer.status == 503
        assert not answer.body["parts"]["followers"]["each"]["xds"]["ok"]
        assert "secret" not in str(answer.body)
    finally:
        follower.stop()


def test_figures_need_a_permission(enrol: Enrol, recorded: Recorded) -> None:
    assert Program().ask("GET", "/metrics").status == 401
    assert enrol("workload").ask("GET", "/metrics").status == 403
    answer = enrol("viewer").ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_figures_are_those_of_the_whole_house(operator: Program, shop: str, recorded: Recorded) -> None:
    life.show("worker")
    text = operator.ask("GET", "/metrics").response.content.decode()
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert float(figures["governor_ledger_revision"]) >= 5
    assert float(figures['governor_part_silent_seconds{part="worker"}']) < 30
    assert figures['governor_clients{state="nacked"}'] == "0.0"
    assert "governor_calls_dropped_total" in figures


def test_the_description_names_every_address_and_its_permission(operator: Program, recorded: Recorded) -> None:
    described = operator.ask("GET", "/api/v1/openapi.json").body
    assert described["openapi"] == "3.1.0"
    switch = described["paths"]["/api/v1/services/{namespace}/{name}/balancing"]["put"]
    assert (switch["operationId"], switch["x-permission"]) == ("balancing_put", "traffic.write")
    operations = [each for methods in described["paths"].values() for each in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) > 25
    assert [operation["operationId"] for operation in operations if "x-permission" not in operation] == []


def test_the_description_mistakes_nothing_for_another_of_the_same_name() -> None:
    GENERATOR_STATS.reset()
    description.__wrapped__()
    assert not GENERATOR_STATS


@pytest.mark.parametrize("role", ["viewer", "operator", "security", "auditor", "workload"])
def test_each_role_opens_what_it_holds_and_nothing_else(enrol: Enrol, shop: str, recorded: Recorded, role: str) -> None:
    program = enrol(role)
    opened = {
        path
        for path in ("services", "balancing", "clients", "events", "people", "me")
        if program.ask("GET", f"/api/v1/{path}").status == 200
    }
    seen = {"services", "balancing", "clients", "me"}
    assert (
        opened
        == {
            "viewer": seen,
            "operator": seen | {"events"},
            "security": seen | {"events", "people"},
            "auditor": seen | {"events", "people"},
            "workload": {"services"},
        }[role]
    )
