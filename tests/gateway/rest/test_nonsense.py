"""Whatever is sent, the answer is a refusal and never a crash."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.rest.views.meta import description
from governance.ledger import queries as ledger
from tests.gateway.rest.conftest import Enrol, Program, Recorded

_FIELDS = (
    "policy",
    "weights",
    "timeout_ms",
    "order",
    "name",
    "changes",
    "roles",
    "to_revision",
    "service",
    "reason",
    "dns_names",
    "private_key",
    "windows",
    "csr",
    "pem",
    "stapled",
    "names",
    "mode",
    "address",
    "x",
)
_ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_VALUES = st.recursive(
    _ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS) | st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)
_BODIES = st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=6)
_FAST = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
CHANGING = sorted(
    (method.upper(), path)
    for path, methods in description()["paths"].items()
    for method in methods
    if "requestBody" in methods[method]
)
READING = sorted(path for path, methods in description()["paths"].items() if "get" in methods)
NAMES = ("\x00", "é" * 400, "*", "..", "%", "'\";--", "\u202e", "\U0001f600", "a/b")
POSITIONS: tuple[object, ...] = ([10**30], [-(10**30)], ["\x00"], ["\ud800"], ["a", "\x00"], [1.5], [True], [[]], {})


def _filled(path: str, value: str) -> str:
    names = ("namespace", "name", "endpoint", "username", "client", "token_id", "lease_id", "role", "serial", "issuer")
    for name in (*names, "log_id"):
        path = path.replace("{" + name + "}", quote(value, safe=""))
    return path


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_no_body_crashes_what_changes_something(
    enrol: Enrol, shop: str, recorded: Recorded, method: str, path: str
) -> None:
    admin = enrol("admin")
    address = path.replace("{namespace}", "shop").replace("{name}", "checkout").replace("{endpoint}", "c0")

    @_FAST
    @given(body=_BODIES)
    def check(body: dict[str, Any]) -> None:
        assert admin.ask(method, address.replace("{username}", "admin-all"), body).status < 500

    check()


def test_no_name_crashes_what_reads(enrol: Enrol, recorded: Recorded) -> None:
    admin = enrol("admin")
    asked = [_filled(path, name) for path in READING for name in NAMES]
    crashed = [address for address in asked if admin.ask("GET", address).status >= 500]
    assert crashed == []


@pytest.mark.parametrize(
    "path",
    [
        *("services", "events", "events?stream=calls", "clients", "tokens", "people", "balancing", "certificates"),
        *("workloads", "join-tokens", "transports", "certificates/shop/cart/history"),
        *("transparency/findings", "transparency/listeners", "transparency/logs", "transparency/board"),
    ],
)
def test_no_made_up_page_token_crashes_a_list(enrol: Enrol, recorded: Recorded, path: str) -> None:
    admin = enrol("admin")
    for position in POSITIONS:
        token = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
        answer = admin.ask("GET", f"/api/v1/{path}{'&' if '?' in path else '?'}page_token={token}")
        assert (answer.status, answer.fields) == (400, ["page_token"])


@pytest.mark.parametrize("number", [2**53, 2**63, 10**30, -(10**30)])
def test_numbers_that_no_table_holds_are_refused(operator: Program, shop: str, recorded: Recorded, number: int) -> None:
    before = ledger.head_revision()
    for path, body in (
        (f"{shop}/balancing:restore", {"to_revision": number}),
        (f"{shop}/endpoints", {"name": "c9", "host": "127.0.0.1", "port": number, "zone": "z1"}),
        ("/admin/v1/lb/config:update", {"policy_name": "rr", "service": "shop/checkout", "resource_version": number}),
    ):
        assert operator.ask("POST", path, body).status == 400
    assert ledger.head_revision() == before
