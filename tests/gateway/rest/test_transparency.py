"""Certificate transparency over REST: checks, proofs to take along, findings, gates, and what is watched."""

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from governance.kernel.actor import EVERYWHERE
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import RecordFindings
from governance.pki.ct.own.log import own_log
from governance.pki.ct.standing import Noticed
from governance.pki.setup import ensure_pki
from governance.pki.worker import WORKER, issue_due
from tests.gateway.rest.conftest import Enrol, Program, Recorded

V1 = "/api/v1"
CT = f"{V1}/transparency"
CART = f"{V1}/certificates/shop/cart"


@pytest.fixture
def pki(enrol: Enrol) -> None:
    """An issuer and a log."""
    ensure_pki()


@pytest.fixture
def cart(pki: None, operator: Program) -> dict[str, Any]:
    """The certificate shop/cart after its first issue."""
    assert operator.ask("PUT", CART, {"dns_names": ["cart.shop.svc"]}).status == 201
    issue_due()
    found: dict[str, Any] = operator.ask("GET", CART).body
    return found


@pytest.fixture
def security(enrol: Enrol) -> Program:
    """A program that may change what is watched."""
    return enrol("security")


@pytest.fixture
def bank(enrol: Enrol) -> Program:
    """The same in another namespace than shop."""
    return enrol("security", namespace="bank")


def record(*namespaces: str) -> None:
    opened = tuple(
        Noticed(key=f"not_issued:{each}", kind="not_issued", namespace=each, subject=each, message="it is so")
        for each in namespaces
    )
    execute(RecordFindings(opened=opened), by=WORKER)


def test_a_certificate_says_that_it_is_logged_wherever_it_is_shown(operator: Program, cart: dict[str, Any]) -> None:
    said = cart["transparency"]
    assert (said["state"], said["why"], cart["pending"]) == ("logged", "", None)
    (listed,) = operator.ask("GET", f"{V1}/certificates?namespace=shop").body["certificates"]
    (issued,) = operator.ask("GET", f"{CART}/history").body["issued"]
    one = operator.ask("GET", f"{V1}/issued/{cart['serial']}").body
    assert [each["transparency"] for each in (listed, issued, one)] == [said] * 3


def test_a_certificate_is_explained_by_its_serial_and_by_its_chain(operator: Program, cart: dict[str, Any]) -> None:
    chain = operator.ask("GET", f"{V1}/issued/{cart['serial']}").body["chain_pem"]
    for body in ({"serial": cart["serial"]}, {"serial": cart["serial"], "ask_logs": True}, {"pem": chain}):
        found = operator.ask("POST", f"{CT}:check", body)
        assert found.status == 200, found.body
        assert (found.body["state"], found.body["why"], found.body["advice"]) == ("logged", "", None)
        (one,) = found.body["timestamps"]
        assert (one["log_id"], one["verdict"], one["included"]) == (own_log().log_id.hex(), "valid", "logged")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "serial"),
        ({"serial": "zz"}, "serial"),
        ({"serial": "0a", "pem": "x"}, "serial"),
        ({"serial": 10}, "serial"),
        ({"pem": "nothing"}, "pem"),
        ({"serial": "0a", "tls": "AAAA"}, "tls"),
        ({"serial": "0a", "stapled": "AAAA"}, "stapled"),
        ({"pem": "x", "stapled": "no base64!"}, "stapled"),
        ({"pem": "x", "tls": 7}, "tls"),
        ({"serial": "0a", "ask_logs": "yes"}, "ask_logs"),
        ({"certificate": "x"}, "certificate"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_its_field(
    operator: Program, pki: None, body: dict[str, Any], field: str
) -> None:
    answer = operator.ask("POST", f"{CT}:check", body)
    assert (answer.status, answer.fields[0]) == (400, field)


def test_what_came_in_the_handshake_is_read_from_base64(operator: Program, cart: dict[str, Any]) -> None:
    chain = operator.ask("GET", f"{V1}/issued/{cart['serial']}").body["chain_pem"]
    broken = base64.encodebytes(b"\x00\x05no").decode()
    answer = operator.ask("POST", f"{CT}:check", {"pem": chain, "tls": broken})
    assert (answer.status, answer.fields) == (400, ["tls"])


def test_the_files_of_a_proof_hold_offline_for_whoever_downloads_them(
    operator: Program, cart: dict[str, Any], tmp_path: Path
) -> None:
    issued, log = f"{V1}/issued/{cart['serial']}", own_log().log_id.hex()
    files = {
        "certificate.pem": f"{issued}/certificate.pem",
        "proof": f"{issued}/proof?log_id={log}",
        "key.pem": f"{CT}/logs/{log}/key",
        "verify_proof.py": f"{CT}/verify_proof.py",
    }
    names = []
    for name, path in files.items():
        answer = operator.ask("GET", path)
        assert answer.status == 200, answer.body
        names.append(answer.headers["content-disposition"])
        (tmp_path / name).write_bytes(answer.response.content)
    assert names == [
        f'attachment; filename="{cart["serial"]}.pem"',
        f'attachment; filename="{cart["serial"]}.tlog-proof"',
        f'attachment; filename="{log[:16]}.pem"',
        'attachment; filename="verify_proof.py"',
    ]
    assert operator.ask("GET", files["proof"]).headers["content-type"] == "text/plain; charset=utf-8"
    command = [sys.executable, "-I", "verify_proof.py", "certificate.pem", "proof", "key.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("PASS ")) == (0, 5), done.stdout
    whole = operator.ask("GET", f"{issued}/evidence").body
    assert whole["proof"] == (tmp_path / "proof").read_text()
    assert whole["certificate_pem"] == (tmp_path / "certificate.pem").read_text()
    assert whole["log_key_pem"] == (tmp_path / "key.pem").read_text()
    assert (whole["log_id"], whole["log_ids"]) == (log, [log])


def test_a_refused_download_is_a_problem_and_no_file(operator: Program, cart: dict[str, Any]) -> None:
    for path, status, field in (
        (f"{V1}/issued/zz/proof", 400, "serial"),
        (f"{V1}/issued/0a0b/proof", 404, "serial"),
        (f"{V1}/issued/{cart['serial']}/proof?log_id=00", 404, "log_id"),
        (f"{V1}/issued/{cart['serial']}/proof?log=00", 400, "log"),
        (f"{CT}/logs/zz/key", 400, "log_id"),
        (f"{CT}/logs/{'00' * 32}", 404, "log_id"),
    ):
        answer = operator.ask("GET", path)
        assert (answer.status, answer.fields) == (status, [field]), path
        assert "content-disposition" not in answer.headers


def test_our_own_log_is_listed_and_shown(operator: Program, cart: dict[str, Any]) -> None:
    (found,) = operator.ask("GET", f"{CT}/logs?source=own").body["logs"]
    assert (found["log_id"], found["status"], found["lag"] >= 0) == (own_log().log_id.hex(), "ok", True)
    assert operator.ask("GET", f"{CT}/logs/{found['log_id']}").body == found
    assert operator.ask("GET", f"{CT}/logs?source=foreign").fields == ["source"]


def test_findings_are_listed_and_acknowledged_with_a_reason(
    operator: Program, security: Program, bank: Program, pki: None
) -> None:
    record("shop", "bank", EVERYWHERE)
    page = operator.ask("GET", f"{CT}/findings?page_size=2").body
    rest = operator.ask("GET", f"{CT}/findings?page_size=2&page_token={page['next_page_token']}").body
    found = {each["namespace"]: each["id"] for each in (*page["findings"], *rest["findings"])}
    assert found.keys() == {"shop", "bank", EVERYWHERE}
    assert [each["namespace"] for each in bank.ask("GET", f"{CT}/findings").body["findings"]] == ["bank"]
    address = f"{CT}/findings/{found['shop']}:acknowledge"
    assert operator.ask("POST", address, {"reason": "known"}).status == 403
    for hidden in ("shop", EVERYWHERE):
        assert bank.ask("POST", f"{CT}/findings/{found[hidden]}:acknowledge", {"reason": "known"}).status == 404
    assert security.ask("POST", address, {}).fields == ["reason"]
    assert security.ask("POST", f"{address}?validate_only=true", {"reason": "known"}).body["changed"]
    done = security.ask("POST", address, {"reason": "known"}, idempotency_key="a1")
    assert (done.status, done.body["changed"]) == (200, True)
    assert security.ask("POST", address, {"reason": "known"}, idempotency_key="a1").body["replayed"]
    stale = security.ask("POST", address, {"reason": "known"}, if_match=f'"{done.body["revision"] - 1}"')
    assert stale.status == 412
    counts = [
        len(operator.ask("GET", f"{CT}/findings?state={state}&kind=not_issued").body["findings"])
        for state in ("open", "alarming", "acknowledged", "closed", "all")
    ]
    assert counts == [3, 2, 1, 0, 3]
    for query, field in (("state=done", "state"), ("kind=boredom", "kind"), ("color=red", "color")):
        assert operator.ask("GET", f"{CT}/findings?{query}").fields == [field]


def test_the_board_is_of_the_callers_namespaces(operator: Program, bank: Program, pki: None) -> None:
    record("shop", "bank", EVERYWHERE)
    whole = operator.ask("GET", f"{CT}/board?page_size=2").body
    assert (len(whole["rows"]), whole["counts"]["logged_not_issued"]) == (2, 3)
    rest = operator.ask("GET", f"{CT}/board?page_size=2&page_token={whole['next_page_token']}").body
    assert (len(rest["rows"]), rest["next_page_token"]) == (1, "")
    mine = bank.ask("GET", f"{CT}/board").body
    assert [(row["namespace"], row["message"], row["target"][0]) for row in mine["rows"]] == [
        ("bank", "it is so", "finding")
    ]
    assert [each["namespace"] for each in mine["tenants"]] == ["bank"]
    assert operator.ask("GET", f"{CT}/board?kind=boredom").fields == ["kind"]


def test_a_gate_is_opened_with_a_reason(operator: Program, security: Program, bank: Program, pki: None) -> None:
    gate = f"{CT}/gates/internal"
    standing = operator.ask("GET", gate)
    assert (standing.body["mode"], standing.headers["etag"]) == ("gate", '"0"')
    for program in (operator, bank):
        assert program.ask("PUT", gate, {"mode": "off", "reason": "trial"}).status == 403
    assert security.ask("PUT", gate, {"mode": "off"}).fields == ["reason"]
    done = security.ask("PUT", gate, {"mode": "alarm", "reason": "trial"}, if_match='"0"')
    assert done.body["after"]["mode"] == "alarm"
    assert security.ask("PUT", gate, {"mode": "off", "reason": "trial"}, if_match='"0"').status == 412
    (listed,) = operator.ask("GET", f"{CT}/gates").body["gates"]
    assert listed == {"issuer": "internal", "mode": "alarm", "revision": done.body["revision"]}
    assert operator.ask("GET", f"{CT}/gates/nobody").fields == ["issuer"]


def test_watched_names_are_replaced_whole(operator: Program, security: Program, bank: Program, pki: None) -> None:
    names = f"{CT}/watched-names"
    assert bank.ask("PUT", names, {"names": ["shop.example.org"]}).status == 403
    done = security.ask(
        "PUT", names, {"names": ["shop.example.org"]}, if_match=operator.ask("GET", names).headers["etag"]
    )
    assert done.status == 200
    assert operator.ask("GET", names).body == {"names": ["shop.example.org"], "revision": done.body["revision"]}
    assert bank.ask("GET", names).body == {"names": [], "revision": 0}


def test_listeners_come_and_go_each_in_its_namespace(
    operator: Program, security: Program, bank: Program, pki: None
) -> None:
    body = {"namespace": "shop", "address": "10.0.0.1:443", "server_name": "www.example.org"}
    assert bank.ask("POST", f"{CT}/listeners", body).status == 403
    assert security.ask("POST", f"{CT}/listeners?validate_only=true", body).status == 200
    done = security.ask("POST", f"{CT}/listeners", body, idempotency_key="l1")
    assert done.status == 201
    again = security.ask("POST", f"{CT}/listeners", body, idempotency_key="l1")
    assert (again.status, again.body["thing"]) == (200, done.body["thing"])
    assert security.ask("POST", f"{CT}/listeners", body).status == 409
    (found,) = operator.ask("GET", f"{CT}/listeners?namespace=shop").body["listeners"]
    assert {name: found[name] for name in body} == body
    assert (found["serial"], found["seen_at"]) == ("", None)
    assert bank.ask("GET", f"{CT}/listeners").body["listeners"] == []
    assert bank.ask("DELETE", f"{CT}/listeners/bank/{found['id']}").status == 404
    assert security.ask("DELETE", f"{CT}/listeners/shop/{found['id']}").body["after"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "gates/internal", {"mode": "ajar"}, "mode"),
        ("PUT", "gates/internal", {}, "mode"),
        ("PUT", "gates/nobody", {"mode": "gate"}, "issuer"),
        ("PUT", "watched-names", {"names": ["org"]}, "names"),
        ("PUT", "watched-names", {"names": "shop.org"}, "names"),
        ("POST", "listeners", {"address": "10.0.0.1"}, "address"),
        ("POST", "listeners", {"address": "10.0.0.1:443", "namespace": "Shop"}, "namespace"),
        ("POST", "listeners", {"address": "10.0.0.1:443", "server_name": "a b"}, "server_name"),
        ("POST", "listeners", {"address": "10.0.0.1:443", "port": 443}, "port"),
        ("DELETE", "listeners/shop/none", None, "id"),
        ("POST", "findings/none:acknowledge", {"reason": "known"}, "id"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field_and_leaves_no_fact(
    security: Program, pki: None, recorded: Recorded, method: str, path: str, body: Any, field: str
) -> None:
    before = ledger.head_revision()
    answer = security.ask(method, f"{CT}/{path}", body)
    assert (answer.status in (400, 404), answer.fields[0]) == (True, field)
    assert ledger.head_revision() == before


def test_what_is_of_another_namespace_is_not_there(bank: Program, cart: dict[str, Any]) -> None:
    issued = f"{V1}/issued/{cart['serial']}"
    for method, path, body in (
        ("GET", f"{issued}/proof", None),
        ("GET", f"{issued}/certificate.pem", None),
        ("GET", f"{issued}/evidence", None),
        ("POST", f"{CT}:check", {"serial": cart["serial"]}),
    ):
        assert bank.ask(method, path, body).status == 404, path
    assert Program().ask("GET", f"{CT}/verify_proof.py").status == 401
