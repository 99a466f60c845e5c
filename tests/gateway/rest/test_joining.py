"""Workloads over REST: join tokens, the first certificate of a machine that has only HTTP, transports, authorities."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.agent import identity as own
from gateway.interceptors.limit import Buckets
from gateway.rest.views.workloads import Join
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.pki import authority as ca
from governance.pki.enrolment import names_for
from governance.pki.keys import make_key, to_pem
from governance.pki.requests import make_request
from governance.pki.setup import ensure_pki
from tests.gateway.rest.conftest import Enrol, Program, Recorded

JOIN, TOKENS = "/api/v1/workloads:join", "/api/v1/join-tokens"
CART = "spiffe://governor.internal/ns/shop/sa/cart"
ROTATION = "/api/v1/issuers/internal/rotation"


@pytest.fixture(autouse=True)
def pki(enrol: Enrol) -> None:
    """An issuer."""
    ensure_pki()


def csr(workload: str = "cart") -> str:
    return make_request(make_key("ECDSA", 256), names_for("shop", workload)).decode()


def made(program: Program, **values: object) -> dict[str, Any]:
    answer = program.ask("POST", TOKENS, {"namespace": "shop", "workload": "cart", **values})
    assert answer.status == 201
    body: dict[str, Any] = answer.body
    return body


def test_a_machine_with_nothing_but_a_token_gets_an_identity(operator: Program) -> None:
    token = made(operator, reason="a new till")["token"]
    key = make_key("ECDSA", 256)
    answer = Program().ask("POST", JOIN, {"token": token, "csr": own.asked(key).decode()})
    assert (answer.status, answer.body["uri"]) == (200, CART)
    identity = own.granted(key, answer.body["chain_pem"].encode(), answer.body["roots_pem"].encode())
    assert (identity.uri, identity.pair.dns_names) == (CART, ("cart.shop.svc",))
    entry = ledger.get(ledger.last_revision("workload/shop/cart"))
    assert entry is not None
    assert (entry.actor_kind, entry.door, entry.action) == ("workload", "rest", "pki.workload.enrol")
    (workload,) = operator.ask("GET", "/api/v1/workloads").body["workloads"]
    assert (workload["uri"], workload["serial"]) == (CART, identity.pair.serial)
    (issued,) = operator.ask("GET", "/api/v1/workloads/shop/cart/history").body["issued"]
    assert issued["serial"] == identity.pair.serial


def test_no_token_that_does_not_work_says_why(operator: Program) -> None:
    first, second = made(operator), made(operator)
    assert Program().ask("POST", JOIN, {"token": first["token"], "csr": csr()}).status == 200
    thing = second["thing"].removeprefix("join-token/")
    assert operator.ask("DELETE", f"{TOKENS}/shop/{thing}").body["changed"]
    details = set()
    for token in (first["token"], second["token"], "govjoin_" + "x" * 43, ""):
        answer = Program().ask("POST", JOIN, {"token": token, "csr": csr()})
        assert (answer.status, answer.fields) == (403, ["token"])
        details.add(answer.body["detail"])
    assert len(details) == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "token"),
        ({"token": "govjoin_x", "csr": 7}, 400, "csr"),
        ({"token": "govjoin_x", "csr": "x", "namespace": "bank"}, 400, "namespace"),
    ],
)
def test_a_body_that_is_none_is_refused_to_strangers_too(body: dict[str, Any], status: int, field: str) -> None:
    answer = Program().ask("POST", JOIN, body)
    assert (answer.status, answer.fields[0]) == (status, field)
    assert Program().ask("GET", JOIN).status == 401


def test_another_workloads_request_leaves_the_token_good(operator: Program) -> None:
    token = made(operator)["token"]
    for asked in ("nonsense", csr("till")):
        answer = Program().ask("POST", JOIN, {"token": token, "csr": asked})
        assert (answer.status, answer.fields) == (400, ["csr"])
    assert Program().ask("POST", JOIN, {"token": token, "csr": csr()}).status == 200


def test_who_guesses_is_slowed_down(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Join, "turns", Buckets(per_s=0.1, burst=3))
    guess = {"token": "govjoin_x", "csr": "x"}
    assert [Program().ask("POST", JOIN, guess).status for _ in range(4)] == [403, 403, 403, 429]


def test_a_secret_is_shown_once_and_written_down_nowhere(operator: Program, recorded: Recorded) -> None:
    first = operator.ask("POST", TOKENS, {"namespace": "shop", "workload": "cart"}, idempotency_key="k1")
    again = operator.ask("POST", TOKENS, {"namespace": "shop", "workload": "cart"}, idempotency_key="k1")
    assert (again.status, again.body["token"], again.body["replayed"]) == (200, "", True)
    secret = first.body["token"]
    Program().ask("POST", JOIN, {"token": secret, "csr": csr()})
    Program().ask("POST", JOIN, {secret: 1})
    Program().ask("POST", f"{JOIN}?{secret}=1", {"token": secret, "csr": csr()})
    operator.ask("GET", f"/api/v1/workloads/shop/{secret}")
    assert secret not in str((recorded(), ledger.after(0, limit=1000), operator.ask("GET", TOKENS).body))


def test_each_does_what_their_role_allows(enrol: Enrol, operator: Program) -> None:
    Program().ask("POST", JOIN, {"token": made(operator)["token"], "csr": csr()})
    auditor, security = enrol("auditor"), enrol("security")
    path = "/api/v1/workloads/shop/cart"
    assert auditor.ask("POST", TOKENS, {"namespace": "shop", "workload": "x"}).status == 403
    assert operator.ask("PATCH", path, {"enabled": False}).status == 403
    etag = auditor.ask("GET", path).headers["etag"]
    assert security.ask("PATCH", path, {"enabled": False}, if_match=etag).body["after"]["enabled"] is False
    assert auditor.ask("GET", path).body["enabled"] is False
    bank = enrol("security", namespace="bank")
    assert bank.ask("GET", path).status == 404
    assert bank.ask("GET", TOKENS).body["tokens"] == []
    assert bank.ask("PATCH", path, {"enabled": True}).status == 403


def test_a_service_is_called_in_plain_text_until_that_is_changed(operator: Program, shop: str) -> None:
    path = "/api/v1/transports/shop/checkout"
    first = operator.ask("GET", path)
    assert (first.body["mode"], first.headers["etag"]) == ("plaintext", '"0"')
    done = operator.ask("PUT", path, {"mode": "mutual", "server_uris": [CART]}, if_match='"0"')
    assert done.body["after"]["server_uris"] == [CART]
    assert operator.ask("GET", path).body["mode"] == "mutual"
    assert [each["service"] for each in operator.ask("GET", "/api/v1/transports").body["transports"]] == ["checkout"]
    assert operator.ask("PUT", path, {"mode": "mutual"}).fields == ["server_uris"]
    assert operator.ask("GET", "/api/v1/transports/shop/nothing").status == 404


def test_security_replaces_a_root_and_goes_back(enrol: Enrol, operator: Program) -> None:
    security = enrol("security")
    assert operator.ask("POST", f"{ROTATION}:prepare").status == 403
    assert security.ask("POST", f"{ROTATION}:prepare").status == 201
    read = operator.ask("GET", ROTATION)
    assert (read.body["open"]["phase"], read.body["open"]["gate"]["step"]) == ("prepared", "distributing")
    step = security.ask("POST", f"{ROTATION}:advance", {"to": "distributing"}, if_match=read.headers["etag"])
    assert step.body["after"]["phase"] == "distributing"
    found = operator.ask("GET", "/api/v1/authorities").body
    assert (len(found["authorities"]), found["roots_pem"].count("BEGIN")) == (4, 2)
    assert security.ask("POST", f"{ROTATION}:abort").body["after"]["phase"] == "aborted"
    assert [each["phase"] for each in operator.ask("GET", ROTATION).body["ended"]] == ["aborted"]


def test_an_authority_is_imported_and_its_key_is_nowhere(enrol: Enrol, recorded: Recorded) -> None:
    security, key = enrol("security"), make_key("ECDSA", 384)
    root = ca.make_root(key, common_name="Old root", life=timedelta(days=3650), at=now())
    pem = to_pem(key).decode()
    body = {"name": "old", "certificate": ca.to_pem(root), "key": pem}
    swapped = security.ask("POST", "/api/v1/issuers", {**body, "certificate": pem, "key": ca.to_pem(root)})
    assert (swapped.status, swapped.fields[0] in ("certificate", "key")) == (400, True)
    misplaced = security.ask("POST", "/api/v1/issuers", {**body, "name": pem})
    assert (misplaced.status, misplaced.fields) == (400, ["name"])
    done = security.ask("POST", "/api/v1/issuers", body)
    assert done.status == 201
    names = [each["name"] for each in security.ask("GET", "/api/v1/issuers").body["issuers"]]
    assert names == ["internal", "old"]
    middle = pem.splitlines()[1]
    assert middle not in str((done.body, swapped.body, recorded(), ledger.after(0, limit=1000)))
