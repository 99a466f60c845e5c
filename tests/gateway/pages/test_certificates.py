"""The board and the page of one certificate: who is shown what, in which order, and why."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import DeleteCertificate, IssueNow, RequestCertificate
from governance.pki.queries import certificates
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.gateway.pages import issued
from tests.gateway.pages.conftest import SignIn, text_of

WORDS = {
    "expired": "Expired",
    "revoked": "Revoked",
    "critical": "Critical",
    "failing": "Failing",
    "overdue": "Overdue",
    "due": "Due",
    "ok": "Valid",
}


@pytest.fixture
def alice(full: House, signed_in: SignIn) -> Client:
    """An operator everywhere."""
    return signed_in("alice", "operator")


def _rows(page: str) -> dict[str, str]:
    body = page.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0]
    found = re.findall(r'<tr data-key="([^"]+)">(.*?)</tr>', body, re.DOTALL)
    return dict(found)


def _banner(page: str) -> str:
    return page.split('id="banners"')[1].split("</div>", maxsplit=1)[0]


def test_the_board_shows_every_state_the_most_pressing_first(alice: Client) -> None:
    rows = _rows(text_of(alice, "/certificates"))
    for state, path in issued.STATES.items():
        assert WORDS[state] in rows[path], path
    order = [path for path in rows if path in issued.STATES.values()]
    assert order == [issued.STATES[state] for state in WORDS]


def test_a_row_says_who_uses_it_and_what_went_wrong(alice: Client) -> None:
    rows = _rows(text_of(alice, "/certificates"))
    assert "3 processes" in rows["shop/checkout"]
    assert "2 serials in use" in rows["shop/checkout"]
    assert "nobody seen" in rows["bank/vault"]
    assert "Failed 2 times:" in rows["shop/payments"]
    assert "the issuer partner cannot sign" in rows["shop/payments"]
    assert "the key is compromised" in rows["bank/cards"]


def test_it_is_filtered_by_state_by_any_name_and_by_namespace(alice: Client) -> None:
    assert set(_rows(text_of(alice, "/certificates?state=pressing"))) == {
        issued.STATES[state] for state in ("expired", "critical", "failing", "overdue")
    }
    assert set(_rows(text_of(alice, "/certificates?q=VAULT.bank"))) == {"bank/vault", "bank/front"}
    assert set(_rows(text_of(alice, "/certificates?q=partner"))) == {"shop/payments"}
    assert {path.split("/")[0] for path in _rows(text_of(alice, "/certificates?namespace=bank"))} == {"bank"}
    assert "No certificate matches" in text_of(alice, "/certificates?q=nothing-has-this-name")


def test_other_namespaces_are_in_no_list_count_forecast_or_banner(full: House, signed_in: SignIn) -> None:
    erin = signed_in("erin", "operator", "shop")
    page = text_of(erin, "/certificates")
    assert {path.split("/")[0] for path in _rows(page)} == {"shop"}
    assert "2 certificates need attention" in _banner(page)
    everything = text_of(erin, "/certificates?namespace=bank")
    assert "vault" not in everything
    assert "0 of 0 certificates" in everything
    assert erin.get("/certificates/bank/vault").status_code == 404
    assert erin.get("/certificates/bank/none").status_code == 404


def test_every_page_warns_those_who_may_see_certificates(full: House, signed_in: SignIn) -> None:
    told = _banner(text_of(signed_in("vera", "viewer"), "/services"))
    assert "4 certificates need attention" in told
    assert "/certificates?state=pressing" in told
    untold = signed_in("wim", "workload", "shop").get("/services").content.decode()
    assert "need attention" not in untold


@pytest.mark.parametrize("tls", ["mutual", "plaintext"])
def test_every_page_warns_when_data_planes_connect_without_tls(
    full: House, signed_in: SignIn, settings: Settings, tls: str
) -> None:
    settings.GOV = settings.GOV.model_copy(update={"grpc_tls": tls})
    told = "Data planes connect without TLS" in _banner(text_of(signed_in("vera", "viewer"), "/services"))
    assert told == (tls == "plaintext")


def test_the_overview_counts_what_is_due_and_what_is_badly_off(alice: Client) -> None:
    card = text_of(alice, "/").split('id="card-certificates"')[1].split("</section>")[0]
    assert '<a href="/certificates?sort=next">3</a>' in card  # vault, payments and cart
    assert "/certificates?state=expired" in card


def test_a_certificate_says_how_it_stands_and_why_it_is_renewed_when_it_is(alice: Client) -> None:
    page = text_of(alice, "/certificates/shop/checkout")
    assert "It is valid and as asked for." in page
    assert "40 % of its life, as its spec says." in page
    assert "Moved to when a renewal window opens" in page
    found = certificates.certificate("shop", "checkout")
    assert found is not None
    assert found.renew_at is not None
    assert f"<b>{found.renew_at:%Y-%m-%d %H:%M:%S} UTC</b>" in page
    assert "90 days <span" in page
    assert "(7776000 s)" in page


def test_the_life_line_holds_every_issue_and_who_holds_which(alice: Client) -> None:
    line = text_of(alice, "/certificates/shop/checkout").split('id="life-line"')[1].split("</section>")[0]
    newest, older = certificates.history("shop", "checkout")
    assert line.index(newest.serial) < line.index(older.serial)
    assert "stretch-in_force" in line
    assert "stretch-superseded" in line
    assert line.count('class="mark-planned"') == 2  # the plan, and the legend
    holders = text_of(alice, "/certificates/shop/checkout").split('id="consumers"')[1].split("</section>")[0]
    assert holders.count("The newest") == 2
    assert holders.count("An older one") == 1


def test_conditions_name_the_reason_and_what_the_issuer_said(alice: Client) -> None:
    page = text_of(alice, "/certificates/shop/payments").split('id="conditions"')[1].split("</section>")[0]
    assert "RequestChanged" in page
    assert "Failed 2 times: the issuer partner cannot sign" in page


@pytest.mark.parametrize(("name", "verdict"), [("shop/checkout", "OK"), ("bank/cards", "certificate revoked")])
def test_the_chain_says_what_openssl_would_say(alice: Client, name: str, verdict: str) -> None:
    page = text_of(alice, f"/certificates/{name}?tab=chain")
    assert page.count(f"openssl verify -x509_strict: {verdict}") == 2  # as a server's and as a client's
    assert [page.index(kind) for kind in ("link-root", "link-signer", "link-leaf")] == sorted(
        page.index(kind) for kind in ("link-root", "link-signer", "link-leaf")
    )


def test_events_are_those_of_this_certificate_also_where_many_were_issued_in_one_step(alice: Client) -> None:
    for name in ("one", "two"):
        wanted = RequestCertificate(namespace="shop", name=name, spec=issued.spec("shop", name))
        execute(wanted, by=SYSTEM, reason="in one step")
    issue_due()
    page = text_of(alice, "/certificates/shop/one?tab=events")
    assert page.count("pki.certificate.issue") == 1
    assert "certificate/shop/one" in page
    assert "two" not in page.split('id="content"')[1].split("json_script")[0].split("<ul")[1].split("</ul>")[0]


def test_nobody_is_shown_a_key(alice: Client) -> None:
    for tab in ("status", "chain", "history", "events"):
        assert "PRIVATE KEY" not in text_of(alice, f"/certificates/shop/checkout?tab={tab}")


def test_buttons_say_which_permission_is_missing(full: House, signed_in: SignIn) -> None:
    seen_by_viewer = text_of(signed_in("vera", "viewer"), "/certificates/shop/checkout")
    assert seen_by_viewer.count("You lack the permission pki.write") == 3
    assert "You lack the permission pki.revoke" in seen_by_viewer
    by_operator = text_of(signed_in("olga", "operator", "shop"), "/certificates/shop/checkout")
    assert "You lack the permission pki.write" not in by_operator
    assert "You lack the permission pki.revoke" in by_operator
    assert "data-refused" not in text_of(signed_in("otto", "operator", "shop"), "/certificates").split("<table")[0]


def test_the_page_of_a_deleted_certificate_is_gone_and_a_renewed_one_shows_its_new_issue(alice: Client) -> None:
    execute(IssueNow(namespace="shop", name="checkout"), by=SYSTEM)
    assert "Someone asked for it." in text_of(alice, "/certificates/shop/checkout")
    issue_due()
    assert "No. 3" in text_of(alice, "/certificates/shop/checkout")
    execute(DeleteCertificate(namespace="shop", name="checkout"), by=SYSTEM)
    assert alice.get("/certificates/shop/checkout").status_code == 404


def test_no_certificate_page_needs_inline_scripts_or_styles(alice: Client) -> None:
    tabs = [f"/certificates/shop/checkout?tab={tab}" for tab in ("status", "chain", "history", "events")]
    others = [f"/workloads?tab={tab}" for tab in ("identities", "tokens", "transports")]
    for address in ("/certificates", "/certificates/names", "/authorities", *tabs, *others):
        page = text_of(alice, address)
        assert " style=" not in page
        assert "<style" not in page
        assert page.count("<script>") == 0
