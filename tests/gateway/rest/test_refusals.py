"""What REST refuses, in which words, and what is recorded of it."""

import json
from typing import Any

import pytest

from governance.ledger import queries as ledger
from tests.gateway.rest.conftest import Enrol, Program, Recorded

FORGED = {
    "x_user": "admin",
    "x_user_id": "admin",
    "x_forwarded_user": "admin",
    "x_remote_user": "admin",
    "remote_user": "admin",
    "x_internal": "true",
    "x_forwarded_for": "127.0.0.1",
    "user_agent": "Governor-Server",
    "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    "x_http_method_override": "GET",
    "cookie": "governor_session=admin",
}


def test_a_stranger_is_told_how_to_prove_who_they_are(shop: str, recorded: Recorded) -> None:
    answer = Program().ask("GET", shop)
    assert (answer.status, answer.body["reason"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("header", ["Bearer", "Bearer gov_x", "Basic YWRtaW46YWRtaW4=", "gov_x", "Bearer  "])
def test_bad_credentials_are_refused_even_where_a_session_would_do(
    enrol: Enrol, shop: str, recorded: Recorded, header: str
) -> None:
    assert Program().ask("GET", shop, authorization=header).status == 401


@pytest.mark.parametrize("name", FORGED)
def test_no_header_makes_someone_else_of_a_caller(enrol: Enrol, shop: str, recorded: Recorded, name: str) -> None:
    viewer = enrol("viewer")
    forged: dict[str, Any] = {name: FORGED[name]}
    assert Program().ask("GET", shop, **forged).status == 401
    assert viewer.ask("PUT", f"{shop}/balancing", {"policy": "lr"}, **forged).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "//api/v1/services",
        "/api/v1//services",
        "/api/v1/services/",
        "/api/v1/services//",
        "/api/v1/services;x",
        "/api/v1/services%2f",
        "/api%2fv1/services",
        "/API/v1/services",
        "/api/v1/SERVICES",
        "/api/v1/../v1/services",
        "/api/v1/./services",
        "/api/v1/services%00",
        "/admin/v1/lb/config:update/",
        "/admin/v1/lb/config%3aupdate",
        "/metrics/",
        "/Metrics",
        "/healthz/../metrics",
    ],
)
def test_no_spelling_of_a_path_opens_it(shop: str, recorded: Recorded, path: str) -> None:
    for method in ("GET", "POST"):
        assert Program().ask(method, path).status in (401, 403, 404)


def test_a_refusal_leaves_one_event_and_no_fact(enrol: Enrol, shop: str, recorded: Recorded) -> None:
    viewer = enrol("viewer")
    before = ledger.head_revision()
    answer = viewer.ask("PUT", f"{shop}/balancing", {"policy": "lr"}, idempotency_key="k1")
    assert (answer.status, answer.body["reason"]) == (403, "FORBIDDEN")
    assert ledger.head_revision() == before
    (event,) = recorded()
    assert (event.action, event.namespace, event.outcome, event.status) == (
        "rest.balancing.put",
        "shop",
        "refused",
        "403",
    )
    assert (event.actor, event.actor_kind, event.door, event.request_id) == ("viewer-all/ci", "token", "rest", "k1")
    assert "traffic.write" in event.message


def test_a_served_call_leaves_one_event_too(operator: Program, shop: str, recorded: Recorded) -> None:
    operator.ask("GET", shop, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    (event,) = recorded()
    assert (event.action, event.outcome, event.trace_id) == ("rest.service.get", "success", "a" * 32)
    assert event.duration_us > 0


def test_no_token_reaches_the_record(shop: str, operator: Program, recorded: Recorded) -> None:
    operator.ask("GET", f"/api/v1/{operator.token}")
    operator.ask("GET", f"/api/v1/services?namespace={operator.token}")
    operator.ask("PUT", f"{shop}/balancing", {operator.token: 1})
    assert operator.token not in str(recorded())


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b" ", ""),
        (b"{", ""),
        (b"[]", ""),
        (b'"rr"', ""),
        (b"\xff\xfe", ""),
        (b'{"policy": "rr", "policy": "lr"}', "policy"),
        (b'{"policy": "zone_aware", "spill_pct": NaN}', ""),
        (b'{"policy": "rr", "timeout_ms": 1e400}', "timeout_ms"),
        (b'{"policy": "rr", "timeout_ms": 1000.0}', "timeout_ms"),
        (b'{"policy": "rr", "timeout_ms": true}', "timeout_ms"),
        (b'{"policy": 7}', "policy"),
        (b'{"policy": null}', "policy"),
        (b'{"policy": "rr", "force": "yes"}', "force"),
        (b'{"policy": "rr", "is_admin": true}', "is_admin"),
        (b'{"policy": "wrr", "weights": {"c0": "3"}}', "weights[c0]"),
        (b'{"policy": "wrr", "weights": [3]}', "weights"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, ""),
        (b'{"policy": "rr", "reason": "\\ud800"}', "reason"),
    ],
)
def test_a_body_that_can_be_read_in_two_ways_is_refused(
    operator: Program, shop: str, recorded: Recorded, raw: bytes, field: str
) -> None:
    before = ledger.head_revision()
    answer = operator.ask("PUT", f"{shop}/balancing", raw=raw)
    assert (answer.status, answer.fields[:1]) == (400, [field] if field else [])
    assert ledger.head_revision() == before


def test_every_wrong_field_is_named_at_once(operator: Program, shop: str, recorded: Recorded) -> None:
    changes = [{"name": "c0", "weight": "1"}, {"name": "c1", "colour": "red"}]
    answer = operator.ask("PATCH", f"{shop}/endpoints", {"changes": changes})
    assert answer.fields == ["changes[0].weight", "changes[1].colour"]


def test_other_content_types_and_large_bodies_are_refused(operator: Program, shop: str, recorded: Recorded) -> None:
    body = json.dumps({"policy": "lr"}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = operator.ask("PUT", f"{shop}/balancing", raw=body, content_type=kind)
        assert answer.status == 415
    huge = operator.ask("PUT", f"{shop}/balancing", {"policy": "lr", "reason": "x" * 1_100_000})
    assert huge.status == 413


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=0", "page_size"),
        ("page_size=1001", "page_size"),
        ("page_size=ten", "page_size"),
        ("page_token=xyz", "page_token"),
        ("page_token=WzFd", "page_token"),
        ("namespace=a&namespace=b", "namespace"),
        ("limit=10", "limit"),
    ],
)
def test_bad_queries_are_refused(operator: Program, recorded: Recorded, query: str, field: str) -> None:
    answer = operator.ask("GET", f"/api/v1/services?{query}")
    assert (answer.status, answer.fields) == (400, [field])


@pytest.mark.parametrize("header", ["1043", '"x"', 'W/"1"', '"1", "2"', '"-1"', '"01"'])
def test_a_precondition_that_cannot_be_checked_is_refused(
    operator: Program, shop: str, recorded: Recorded, header: str
) -> None:
    answer = operator.ask("PUT", f"{shop}/balancing", {"policy": "lr"}, if_match=header)
    assert (answer.status, answer.fields) == (400, ["If-Match"])


def test_methods_and_bodies_that_are_not_taken_are_refused(operator: Program, shop: str, recorded: Recorded) -> None:
    for method in ("POST", "TRACE", "OPTIONS"):
        answer = operator.ask(method, shop)
        assert answer.status == 405
        assert "GET" in answer.headers["allow"]
    assert operator.ask("DELETE", f"{shop}/endpoints/c0", {"force": True}).status == 400


def test_a_crash_says_nothing_but_a_reference(
    operator: Program, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> int:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("governance.ledger.queries.head_revision", crash)
    answer = operator.ask("GET", "/api/v1/services")
    assert (answer.status, answer.body["reason"]) == (500, "INTERNAL")
    assert "secret" not in str(answer.body)
    assert recorded()[-1].outcome == "failed"
