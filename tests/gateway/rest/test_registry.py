"""Services, endpoints and leases over REST."""

from governance.ledger import queries as ledger
from tests.gateway.rest.conftest import Enrol, Program


def test_a_service_is_added_changed_and_removed(operator: Program) -> None:
    made = operator.ask("POST", "/api/v1/services", {"namespace": "shop", "name": "cart", "owner": "team a"})
    assert (made.status, made.body["thing"]) == (201, "service/shop/cart")
    found = operator.ask("GET", "/api/v1/services/shop/cart")
    assert (found.body["owner"], found.headers["etag"]) == ("team a", made.headers["etag"])
    changed = operator.ask("PATCH", "/api/v1/services/shop/cart", {"owner": "team b"}, if_match=found.headers["etag"])
    assert changed.body["after"]["owner"] == "team b"
    late = operator.ask("PATCH", "/api/v1/services/shop/cart", {"owner": "team c"}, if_match=found.headers["etag"])
    assert late.status == 412
    assert operator.ask("DELETE", "/api/v1/services/shop/cart?reason=over").status == 200
    assert operator.ask("GET", "/api/v1/services/shop/cart").status == 404


def test_an_instance_registers_lives_and_leaves(operator: Program, shop: str) -> None:
    instance = {"name": "c9", "host": "127.0.0.1", "port": 7009, "zone": "z2", "ttl_s": 30}
    made = operator.ask("POST", f"{shop}/endpoints", instance)
    assert made.status == 201
    kept = operator.ask("POST", f"/api/v1/leases/{made.body['lease_id']}:keepalive")
    assert kept.body["endpoint"]["name"] == "c9"
    assert kept.body["lease_expires_at"] >= made.body["lease_expires_at"]
    drained = operator.ask("PATCH", f"{shop}/endpoints/c9", {"draining": True, "reason": "deploy"})
    assert drained.body["after"]["c9"]["draining"] is True
    assert operator.ask("GET", f"{shop}/endpoints/c9").body["draining"] is True
    assert operator.ask("DELETE", f"{shop}/endpoints/c9").status == 200
    assert operator.ask("POST", f"/api/v1/leases/{made.body['lease_id']}:keepalive").status == 404


def test_some_endpoints_change_in_one_step(operator: Program, shop: str) -> None:
    before = ledger.head_revision()
    changes = [{"name": "c0", "weight": 5}, {"name": "c1", "isolated": True}]
    assert operator.ask("PATCH", f"{shop}/endpoints", {"changes": changes}).body["changed"]
    assert ledger.head_revision() == before + 1
    endpoints = {each["name"]: each for each in operator.ask("GET", f"{shop}/endpoints").body["endpoints"]}
    assert (endpoints["c0"]["weight"], endpoints["c1"]["isolated"]) == (5, True)


def test_pages_follow_one_another_without_gap_or_repetition(operator: Program, shop: str) -> None:
    seen, token = [], ""
    while True:
        page = operator.ask("GET", f"{shop}/endpoints?page_size=3&page_token={token}").body
        seen += [each["name"] for each in page["endpoints"]]
        if not (token := page["next_page_token"]):
            break
    assert seen == ["c0", "c1", "c2", "c3"]


def test_one_namespace_does_not_see_another(enrol: Enrol, shop: str) -> None:
    outsider = enrol("operator", namespace="bank")
    assert outsider.ask("GET", "/api/v1/services").body["services"] == []
    assert outsider.ask("GET", "/api/v1/services?namespace=shop").body["services"] == []
    for path in (shop, f"{shop}/endpoints", f"{shop}/endpoints/c0", f"{shop}/balancing", f"{shop}/loads"):
        answer = outsider.ask("GET", path)
        missing = outsider.ask("GET", path.replace("checkout", "nothing"))
        assert (answer.status, missing.status) == (404, 404)
    assert outsider.ask("PATCH", shop, {"owner": "me"}).status == 403
    events = outsider.ask("GET", "/api/v1/events")
    assert events.status == 200
    assert [event["namespace"] for event in events.body["events"] if event["namespace"] != "bank"] == []
