"""Certificates over REST: wanted, read, renewed, taken back, judged, signed for others."""

from typing import Any

import pytest

from governance.ledger import queries as ledger
from governance.pki.keys import make_key
from governance.pki.names import Names
from governance.pki.requests import make_request
from governance.pki.setup import ensure_pki
from governance.pki.worker import issue_due
from tests.gateway.rest.conftest import Enrol, Program, Recorded

CART = "/api/v1/certificates/shop/cart"
SPEC: dict[str, Any] = {"dns_names": ["cart.shop.svc"], "uris": ["spiffe://governor.internal/ns/shop/sa/cart"]}
SECRETS = ("PRIVATE KEY", "GSL\x01")


@pytest.fixture
def pki(enrol: Enrol) -> None:
    """An issuer."""
    ensure_pki()


@pytest.fixture
def cart(pki: None, operator: Program) -> dict[str, Any]:
    """The certificate shop/cart after its first issue."""
    assert operator.ask("PUT", CART, SPEC).status == 201
    issue_due()
    found: dict[str, Any] = operator.ask("GET", CART).body
    return found


def csr() -> str:
    return make_request(make_key("ECDSA", 256), Names(dns=("printer.shop.svc",))).decode()


def test_a_certificate_is_wanted_issued_and_read_back_as_it_was_asked_for(
    operator: Program, cart: dict[str, Any]
) -> None:
    assert (cart["state"], cart["number"], cart["ready"]["reason"]) == ("ok", 1, "Ready")
    answer = operator.ask("GET", CART)
    again = operator.ask("PUT", CART, answer.body["spec"], if_match=answer.headers["etag"])
    assert (again.status, again.body["changed"]) == (200, False)
    page = operator.ask("GET", "/api/v1/certificates?namespace=shop&state=ok").body
    assert [each["name"] for each in page["certificates"]] == ["cart"]
    assert operator.ask("GET", "/api/v1/certificates?namespace=shop&state=expired").body["certificates"] == []
    (issued,) = operator.ask("GET", f"{CART}/history").body["issued"]
    assert (issued["serial"], issued["holder"]) == (cart["serial"], "certificate/shop/cart")
    assert operator.ask("GET", f"/api/v1/issued/{issued['serial'].upper()}").body == issued


def test_a_dry_run_shows_the_difference_and_why_it_would_be_issued(operator: Program, cart: dict[str, Any]) -> None:
    before = ledger.head_revision()
    wider = {**SPEC, "dns_names": ["cart.shop.svc", "basket.shop.svc"]}
    preview = operator.ask("PUT", f"{CART}?validate_only=true", wider)
    assert (preview.status, preview.body["changed"], preview.body["after"]["reason"]) == (200, True, "RequestChanged")
    assert preview.body["after"]["spec"]["dns_names"] == wider["dns_names"]
    assert ledger.head_revision() == before


def test_what_stands_between_is_not_overwritten(operator: Program, cart: dict[str, Any]) -> None:
    etag = operator.ask("GET", CART).headers["etag"]
    assert operator.ask("POST", f"{CART}:issue", if_match=etag).status == 200
    issue_due()
    stale = operator.ask("PUT", CART, {**SPEC, "duration_s": 86_400}, if_match=etag)
    assert (stale.status, stale.body["reason"]) == (412, "STALE_REVISION")
    assert operator.ask("GET", CART).body["number"] == 2
    assert operator.ask("DELETE", CART).body["after"] is None
    assert operator.ask("GET", CART).status == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"dns_names": []}, "dns_names"),
        ({"uris": ["spiffe://governor.internal/ns/bank/sa/till"], "dns_names": []}, "uris"),
        ({"duration_s": "90d"}, "duration_s"),
        ({"duration_s": 1}, "duration_s"),
        ({"private_key": {"algorithm": "DSA"}}, "private_key.algorithm"),
        ({"private_key": {"size": 512}}, "private_key.size"),
        ({"private_key": {"curve": "P-256"}}, "private_key[curve]"),
        ({"windows": [{"cron": "0 2 * * 6"}]}, "windows[0].duration_s"),
        ({"windows": [{"cron": "0 2 * * 6", "duration_s": 3600, "timezone": "Mars"}]}, "windows"),
        ({"issuer": "nobody"}, "issuer"),
        ({"is_ca": True}, "is_ca"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_field_and_leaves_no_fact(
    operator: Program, pki: None, recorded: Recorded, values: dict[str, Any], field: str
) -> None:
    before = ledger.head_revision()
    answer = operator.ask("PUT", CART, {"dns_names": ["cart.shop.svc"], **values})
    assert (answer.status in (400, 404), answer.fields[0]) == (True, field)
    assert ledger.head_revision() == before


def test_an_rsa_key_has_a_size_when_none_is_given(operator: Program, pki: None) -> None:
    done = operator.ask("PUT", CART, {**SPEC, "private_key": {"algorithm": "RSA"}})
    assert done.body["after"]["spec"]["private_key"]["size"] == 2048


def test_security_takes_a_certificate_back_and_another_takes_its_place(
    enrol: Enrol, operator: Program, cart: dict[str, Any]
) -> None:
    security = enrol("security")
    assert operator.ask("POST", f"{CART}:revoke", {"cause": "keyCompromise"}).status == 403
    done = security.ask("POST", f"{CART}:revoke", {"cause": "keyCompromise", "reason": "found in a log"})
    assert done.body["after"]["revoked_reason"] == "keyCompromise"
    verdict = operator.ask("POST", "/api/v1/certificates:verify", {"serial": cart["serial"]}).body
    assert (verdict["ok"], verdict["openssl"], verdict["steps"][0]["revoked"]) == (
        False,
        "certificate revoked",
        "keyCompromise",
    )
    issue_due()
    assert operator.ask("GET", CART).body["number"] == 2
    gone = security.ask("POST", f"/api/v1/issued/{cart['serial']}:revoke", {"cause": "superseded"})
    assert (gone.status, gone.fields) == (409, ["serial"])
    assert security.ask("POST", f"{CART}:revoke", {"cause": "boredom"}).fields == ["cause"]
    assert security.ask("POST", "/api/v1/issued/zz:revoke", {}).fields == ["serial"]


def test_a_request_is_signed_and_a_replay_gets_the_same_certificate(operator: Program, pki: None) -> None:
    body = {"namespace": "shop", "name": "printer", "csr": csr(), "dns_names": ["printer.shop.svc"]}
    tried = operator.ask("POST", "/api/v1/certificates:sign?validate_only=true", body)
    assert (tried.status, tried.body["issued"]) == (200, None)
    first = operator.ask("POST", "/api/v1/certificates:sign", body, idempotency_key="k1")
    assert (first.status, first.body["issued"]["holder"]) == (201, "request/shop/printer")
    again = operator.ask("POST", "/api/v1/certificates:sign", body, idempotency_key="k1")
    assert (again.status, again.body["replayed"], again.body["issued"]) == (200, True, first.body["issued"])
    asked = {"pem": first.body["issued"]["chain_pem"], "name": "printer.shop.svc"}
    assert operator.ask("POST", "/api/v1/certificates:verify", asked).body["ok"]
    wrong = operator.ask("POST", "/api/v1/certificates:sign", {**body, "dns_names": ["till.shop.svc"]})
    assert (wrong.status, wrong.fields) == (400, ["csr"])


def test_the_forecast_is_of_the_callers_namespaces(enrol: Enrol, operator: Program, cart: dict[str, Any]) -> None:
    assert sum(operator.ask("GET", "/api/v1/forecast?namespace=shop").body["renewals"]) == 1
    tenant = enrol("operator", namespace="bank")
    assert sum(tenant.ask("GET", "/api/v1/forecast?days=366").body["renewals"]) == 0
    assert operator.ask("GET", "/api/v1/forecast?days=0").fields == ["days"]


def test_what_is_of_another_namespace_is_not_there(enrol: Enrol, cart: dict[str, Any]) -> None:
    bank = enrol("security", namespace="bank")
    assert bank.ask("GET", "/api/v1/certificates").body["certificates"] == []
    assert bank.ask("GET", f"{CART}/history").body["issued"] == []
    for method, path, body in (
        ("GET", CART, None),
        ("GET", f"/api/v1/issued/{cart['serial']}", None),
        ("POST", f"/api/v1/issued/{cart['serial']}:revoke", {}),
        ("POST", f"{CART}:revoke", {}),
        ("POST", "/api/v1/certificates:verify", {"serial": cart["serial"]}),
    ):
        assert bank.ask(method, path, body).status == 404, path
    assert bank.ask("PUT", CART, SPEC).status == 403


def test_no_answer_and_no_record_holds_a_private_key(
    enrol: Enrol, operator: Program, cart: dict[str, Any], recorded: Recorded
) -> None:
    security = enrol("security")
    answers = [
        security.ask("GET", path).response.content.decode()
        for path in (CART, f"{CART}/history", "/api/v1/certificates", "/api/v1/authorities", "/api/v1/issuers")
    ]
    assert not [secret for secret in SECRETS if secret in str((answers, recorded(), ledger.after(0, limit=1000)))]
