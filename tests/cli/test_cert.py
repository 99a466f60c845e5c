"""govctl cert against a real control plane."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.agent import identity as own
from governance.kernel.actor import Origin
from governance.kernel.clock import now
from governance.ledger import queries
from governance.pki import authority as ca
from governance.pki.enrolment import join
from governance.pki.keys import make_key, to_pem
from governance.pki.names import Names
from governance.pki.queries.authorities import roots_pem
from governance.pki.queries.certificates import certificate
from governance.pki.queries.workloads import join_tokens
from governance.pki.requests import make_request
from governance.pki.setup import ensure_pki
from governance.pki.worker import issue_due
from tests.cli.conftest import Govctl, MakeToken

CART = "spiffe://governor.internal/ns/shop/sa/cart"
SURE = ("--reason", "opening day", "--yes")
REQUEST = ("cert", "request", "shop/cart", "--dns", "cart.shop.svc", "--uri", CART)


@pytest.fixture(autouse=True)
def pki(house: object) -> None:
    """An issuer, before the control plane starts."""
    ensure_pki()


@pytest.fixture
def officer(govctl: Govctl, token_of: MakeToken) -> Govctl:
    """govctl in the hands of security."""
    return Govctl(govctl.address, token_of("sue", "security"))


@pytest.fixture
def cart(govctl: Govctl) -> str:
    """The serial of shop/cart after its first issue."""
    done = govctl(*REQUEST, *SURE)
    assert done.code == 0, done.err
    issue_due()
    found = certificate("shop", "cart")
    assert found is not None
    return found.serial


def test_a_certificate_is_requested_shown_changed_and_deleted(govctl: Govctl) -> None:
    tried = govctl(*REQUEST, "--duration", "24h", "--dry-run")
    assert "+ spec[dns_names]: cart.shop.svc" in tried.out
    assert "+ reason: DoesNotExist" in tried.out
    assert "would change" in tried.out
    assert govctl("cert", "get", "shop/cart").code == 4

    done = govctl(*REQUEST, "--duration", "24h", *SURE)
    assert done.code == 0, done.err
    entry = queries.get(queries.last_revision("certificate/shop/cart"))
    assert entry is not None
    assert (entry.actor, entry.reason) == ("olga/laptop", "opening day")
    issue_due()
    listed = govctl("cert", "list").out
    assert "shop/cart" in listed
    assert "cart.shop.svc" in listed
    shown = govctl("cert", "get", "shop/cart").out
    assert "it is valid and as asked for" in shown
    assert "24h" in shown or "1d" in shown
    assert govctl("cert", "get", "shop/cart", "--pem").out.startswith("-----BEGIN CERTIFICATE-----")

    wider = govctl("cert", "request", "shop/cart", "--consumer", CART, "--renew-before-pct", "50", *SURE)
    assert "+ spec[consumers]" in wider.out
    assert "dns_names" not in wider.out  # what is not said stays, and what stays is not shown
    found = govctl("cert", "get", "shop/cart", "-o", "json").json
    assert (found["spec"]["dns_names"], found["spec"]["renew_before_pct"]) == (["cart.shop.svc"], 50)
    again = govctl("cert", "request", "shop/cart", "--renew-before-pct", "50", *SURE)
    assert "it stands so already" in again.out
    assert govctl("cert", "delete", "shop/cart", *SURE).code == 0
    assert {each["namespace"] for each in govctl("cert", "list", "-o", "json").json} == {"governor"}


def test_a_spec_may_stand_in_a_file_as_the_api_shows_it(govctl: Govctl, cart: str, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    standing = govctl("cert", "get", "shop/cart", "-o", "json").json
    standing["spec"]["windows"] = [{"cron": "0 2 * * 6", "duration_s": 14_400, "timezone": "Europe/Berlin"}]
    file.write_text(json.dumps(standing["spec"]))
    done = govctl("cert", "request", "shop/cart", "--file", str(file), *SURE)
    assert done.code == 0, done.err
    found = govctl("cert", "get", "shop/cart", "-o", "json").json["spec"]
    assert found == standing["spec"]
    shown = govctl("cert", "get", "shop/cart").out
    assert "0 2 * * 6 for 4h in Europe/Berlin" in shown
    assert "a third of its life" in shown
    file.write_text('{"dnsName": ["x"]}')
    wrong = govctl("cert", "request", "shop/cart", "--file", str(file), *SURE)
    assert (wrong.code, "dnsName" in wrong.err) == (2, True)
    for words in (("--duration", "soon"), ("--window", "weekly"), ("--key", ":"), ("--file", str(tmp_path / "none"))):
        assert govctl(*REQUEST, *words, *SURE).code == 2, words


def test_a_certificate_is_renewed_revoked_and_judged(
    govctl: Govctl, officer: Govctl, cart: str, tmp_path: Path
) -> None:
    good = govctl("cert", "verify", cart, "--name", "cart.shop.svc")
    assert (good.code, "openssl: OK" in good.out) == (0, True)
    assert "is issued within seconds" in govctl("cert", "renew", "shop/cart", *SURE).out
    issue_due()
    assert [each["number"] for each in govctl("cert", "history", "shop/cart", "-o", "json").json] == [2, 1]
    denied = govctl("cert", "revoke", cart, "--cause", "superseded", *SURE)
    assert (denied.code, "pki.revoke" in denied.err) == (3, True)
    assert officer("cert", "revoke", cart, "--cause", "superseded", *SURE).code == 0
    bad = govctl("cert", "verify", cart, "-o", "json")
    assert (bad.code, bad.json["openssl"], bad.err) == (1, "certificate revoked", bad.err)
    assert "superseded" in govctl("cert", "history", "shop/cart").out
    chain = tmp_path / "chain.pem"
    chain.write_text(govctl("cert", "get", "shop/cart", "--pem").out)
    assert govctl("cert", "verify", "--file", str(chain), "--purpose", "client", "--name", CART).code == 0
    mistaken = govctl("cert", "verify", "--file", str(chain), "--name", "till.shop.svc")
    assert mistaken.err.startswith("govctl: name_mismatch: ")
    newest = officer("cert", "revoke", "--newest-of", "shop/cart", "--no-replace", *SURE)
    assert newest.code == 0, newest.err
    found = certificate("shop", "cart")
    assert found is not None
    assert (found.number, found.revoked_reason) == (2, "unspecified")
    assert govctl("cert", "verify").code == 2
    assert govctl("cert", "revoke").code == 2


def test_the_forecast_is_drawn(govctl: Govctl, cart: str) -> None:
    drawn = govctl("cert", "forecast", "--namespace", "shop").out
    assert "1 renewals begin in 90 days" in drawn
    assert "#" * 40 in drawn
    assert sum(govctl("cert", "forecast", "-o", "json").json["renewals"]) >= 1


def test_a_request_over_ones_own_key_is_signed_and_printed(govctl: Govctl, tmp_path: Path) -> None:
    csr = tmp_path / "printer.csr"
    csr.write_bytes(make_request(make_key("RSA", 2048), Names(dns=("printer.shop.svc",))))
    sign = ("cert", "sign", "shop/printer", "--csr", str(csr), "--dns", "printer.shop.svc")
    tried = govctl(*sign, "--dry-run")
    assert (tried.code, tried.out, "printer.shop.svc" in tried.err) == (0, "", True)
    done = govctl(*sign, *SURE)
    assert done.out.startswith("-----BEGIN CERTIFICATE-----")
    assert len(govctl("cert", "history", "shop/printer", "--kind", "request", "-o", "json").json) == 1
    refused = govctl("cert", "sign", "shop/printer", "--csr", str(csr), "--dns", "till.shop.svc", *SURE)
    assert (refused.code, refused.err.startswith("govctl: csr: ")) == (1, True)


def test_authorities_and_roots_are_shown_and_others_imported(govctl: Govctl, officer: Govctl, tmp_path: Path) -> None:
    assert "intermediate" in govctl("cert", "authorities").out
    roots = govctl("cert", "roots")
    assert roots.out == roots_pem()
    assert roots.err == f"sha256 {hashlib.sha256(roots.out.encode()).hexdigest()}\n"
    assert govctl("cert", "roots", "-o", "json", GOVCTL_TOKEN="").json["roots_pem"] == roots.out
    key = make_key("ECDSA", 256)
    root = ca.make_root(key, common_name="Old root", life=timedelta(days=3650), at=now())
    certificate_file, key_file = tmp_path / "ca.pem", tmp_path / "ca.key"
    certificate_file.write_text(ca.to_pem(root))
    key_file.write_bytes(to_pem(key))
    words = ("cert", "issuer", "import", "old", "--certificate", str(certificate_file), "--key", str(key_file))
    assert govctl(*words, *SURE).code == 3
    done = officer(*words, "--namespace", "shop", "--max-duration", "30d", *SURE)
    assert done.code == 0, done.err
    assert "PRIVATE" not in done.out + done.err
    listed = {each["name"]: each for each in govctl("cert", "issuer", "list", "-o", "json").json}
    assert (listed["old"]["max_duration_s"], listed["old"]["namespaces"]) == (30 * 86_400, ["shop"])
    assert officer(*words[:-1], str(tmp_path / "none"), *SURE).code == 2


def test_a_root_is_replaced_step_by_step(officer: Govctl) -> None:
    assert officer("cert", "rotation", "prepare", *SURE).code == 0
    assert "next: distributing, open" in officer("cert", "rotation", "show").out
    skipped = officer("cert", "rotation", "advance", "retired", *SURE)
    assert (skipped.code, "next step is distributing" in skipped.err) == (5, True)
    assert "distributing at revision" in officer("cert", "rotation", "advance", "distributing", *SURE).out
    assert officer("cert", "rotation", "abort", *SURE).code == 0
    assert officer("cert", "rotation", "show", "-o", "json").json["open"] is None


def test_a_token_is_printed_once_and_lets_a_workload_join(govctl: Govctl, officer: Govctl) -> None:
    dry = govctl("cert", "token", "create", "shop/cart", "--dry-run")
    assert (dry.out, join_tokens()) == ("", [])
    made = govctl("cert", "token", "create", "shop/cart", "--lifetime", "10m", *SURE)
    secret = made.out.strip()
    assert secret.startswith("govjoin_")
    joined = join(secret, own.asked(make_key("ECDSA", 256)), origin=Origin())
    assert joined.uri == CART
    assert "used" in govctl("cert", "token", "list").out
    assert CART in govctl("cert", "workloads").out
    second = govctl("cert", "token", "create", "shop/till", *SURE, "-o", "json").json
    assert govctl("cert", "token", "withdraw", second["id"], "--namespace", "shop", *SURE).code == 0
    assert {each["state"] for each in govctl("cert", "token", "list", "-o", "json").json} == {"used", "withdrawn"}
    assert govctl("cert", "set-workload", "shop/cart", "--disable", *SURE).code == 3
    assert officer("cert", "set-workload", "shop/cart", "--disable", *SURE).code == 0
    assert "disabled" in govctl("cert", "workloads", "--namespace", "shop").out


def test_transports_are_set_and_listed(govctl: Govctl) -> None:
    words = ("cert", "set-transport", "shop/checkout")
    assert "+ mode: mutual" in govctl(*words, "mutual", "--server-uri", CART, *SURE).out
    assert CART in govctl("cert", "transports").out
    bad = govctl(*words, "mutual", *SURE)
    assert bad.err.startswith("govctl: server_uris: ")
    assert govctl(*words, "plaintext", *SURE).code == 0


def test_nobody_is_asked_where_nobody_is(govctl: Govctl) -> None:
    assert "give --reason" in govctl(*REQUEST).err
    assert "give --yes" in govctl(*REQUEST, "--reason", "x").err
    assert "nothing was changed" in govctl.typed("opening day\nn\n", *REQUEST)
    assert queries.last_revision("certificate/shop/cart") == 0
    assert "wanted so at revision" in govctl.typed("opening day\ny\n", *REQUEST)
