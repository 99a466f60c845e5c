"""Balancing over REST: read, check, switch, restore."""

import pytest

from governance.ledger import queries as ledger
from tests.gateway.rest.conftest import Program

SHORT = "/admin/v1/lb/config:update"


def test_a_switch_is_read_back_with_its_etag(operator: Program, shop: str) -> None:
    first = operator.ask("GET", f"{shop}/balancing")
    assert (first.body["balancing"]["policy"], first.headers["etag"]) == ("round_robin", '"0"')
    body = {"policy": "wrr", "weights": {"c0": 3}, "reason": "canary"}
    done = operator.ask("PUT", f"{shop}/balancing", body, if_match=first.headers["etag"])
    assert (done.status, done.body["changed"]) == (200, True)
    now = operator.ask("GET", f"{shop}/balancing")
    assert now.body["balancing"]["weights"] == {"c0": 3}
    assert now.body["intended"][0]["share_ppm"]["c0"] == 500_000
    assert now.headers["etag"] == done.headers["etag"]
    entry = ledger.get(done.body["revision"])
    assert entry is not None
    assert (entry.actor, entry.actor_kind, entry.door, entry.reason) == (
        "operator-all/ci",
        "token",
        "rest",
        "canary",
    )


def test_a_replayed_request_gets_the_first_receipt(operator: Program, shop: str) -> None:
    first = operator.ask("PUT", f"{shop}/balancing", {"policy": "lr"}, idempotency_key="k1")
    again = operator.ask("PUT", f"{shop}/balancing", {"policy": "lr"}, idempotency_key="k1")
    assert (again.body["revision"], again.body["replayed"]) == (first.body["revision"], True)
    other = operator.ask("PUT", f"{shop}/balancing", {"policy": "rr"}, idempotency_key="k1")
    assert (other.status, other.fields) == (409, ["request_id"])


def test_validating_changes_nothing(operator: Program, shop: str) -> None:
    before = ledger.head_revision()
    answer = operator.ask("POST", f"{shop}/balancing:validate", {"policy": "pick_first", "order": ["c2"]})
    assert answer.body["receipt"]["changed"]
    assert answer.body["intended"][0]["share_ppm"]["c2"] == 1_000_000
    dry = operator.ask("PUT", f"{shop}/balancing?validate_only=true", {"policy": "pick_first"})
    assert (dry.status, dry.body["changed"]) == (200, True)
    assert ledger.head_revision() == before


def test_an_earlier_revision_comes_back(operator: Program, shop: str) -> None:
    first = operator.ask("PUT", f"{shop}/balancing", {"policy": "least_request"}).body["revision"]
    operator.ask("PUT", f"{shop}/balancing", {"policy": "ring_hash"})
    restored = operator.ask("POST", f"{shop}/balancing:restore", {"to_revision": first})
    assert restored.body["after"]["policy"] == "least_request"
    history = operator.ask("GET", f"{shop}/balancing/revisions?page_size=2").body
    assert [each["balancing"]["policy"] for each in history["revisions"]] == ["least_request", "ring_hash"]
    assert history["next_page_token"]


def test_the_short_form_takes_short_names_and_names_the_revision(operator: Program, shop: str) -> None:
    body = {"policy_name": "wrr", "weights": {"c0": 3, "c1": 1}, "timeout_ms": 5000, "service": "shop/checkout"}
    done = operator.ask("POST", SHORT, {**body, "resource_version": 0, "request_id": "a1"})
    assert done.status == 200
    assert (done.body["resource_version"], done.body["changed"]) == (done.body["revision"], True)
    assert done.body["after"]["policy"] == "weighted_round_robin"
    again = operator.ask("POST", SHORT, {**body, "resource_version": 0, "request_id": "a1"})
    assert (again.body["resource_version"], again.body["replayed"]) == (done.body["revision"], True)


def test_the_short_forms_service_is_in_default_unless_told(operator: Program) -> None:
    operator.ask("POST", "/api/v1/services", {"name": "cart"})
    done = operator.ask("POST", SHORT, {"policy_name": "lr", "service": "cart"})
    assert done.body["thing"] == "balancing/default/cart"


@pytest.mark.parametrize(
    ("values", "status", "field"),
    [
        ({"policy_name": "fastest"}, 400, "policy_name"),
        ({"policy_name": "wrr", "weights": {"c0": 0, "c1": 0, "c2": 0, "c3": 0}}, 400, "weights"),
        ({"policy_name": "wrr", "weights": {"nobody": 1}}, 400, "weights[nobody]"),
        ({"policy_name": "rr", "weights": {"c0": 1}}, 400, "weights"),
        ({"timeout_ms": -1}, 400, "timeout_ms"),
        ({"timeout_ms": "5000"}, 400, "timeout_ms"),
        ({"resource_version": 999_999}, 400, "resource_version"),
        ({"service": "shop/nothing"}, 404, "service"),
        ({"service": "shop/check/out"}, 400, "namespace"),
        ({"request_id": "two words"}, 400, "request_id"),
        ({"weight": {"c0": 1}}, 400, "weight"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_leaves_no_fact(
    operator: Program, shop: str, values: dict[str, object], status: int, field: str
) -> None:
    before = ledger.head_revision()
    answer = operator.ask("POST", SHORT, {"policy_name": "rr", "service": "shop/checkout", **values})
    assert (answer.status, answer.fields[0]) == (status, field)
    assert ledger.head_revision() == before


def test_a_stale_resource_version_is_refused(operator: Program, shop: str) -> None:
    operator.ask("PUT", f"{shop}/balancing", {"policy": "lr"})
    answer = operator.ask("POST", SHORT, {"policy_name": "rr", "service": "shop/checkout", "resource_version": 0})
    assert (answer.status, answer.body["reason"], answer.fields) == (412, "STALE_REVISION", ["resource_version"])
