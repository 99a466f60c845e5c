"""Certificates asked for, renewed and revoked before one's eyes; a root replaced; a join token used."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import ADMIN, LOOKS, Desk, Language, Theme, barriers, looked_at, picture, sign_in, tab_to
from tests.fixtures.product import PASSWORD, ROOT, Product, running

pytestmark = pytest.mark.browser
CHECKOUT = "/certificates/shop/checkout"
PAGES = {
    "certificates": "/certificates",
    "certificate": CHECKOUT,
    "certificate-failing": "/certificates/shop/payments",
    "certificate-chain": "/certificates/bank/cards?tab=chain",
    "certificate-issues": f"{CHECKOUT}?tab=history",
    "certificate-events": f"{CHECKOUT}?tab=events",
    "certificate-editor": CHECKOUT,
    "certificate-revoke": CHECKOUT,
    "names-served": "/certificates/names",
    "authorities": "/authorities",
    "workloads": "/workloads",
    "join-tokens": "/workloads?tab=tokens",
    "transports": "/workloads?tab=transports",
    "overview-pressing": "/",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product whose certificates were issued over the last three months."""
    directory: Path = tmp_path_factory.mktemp("certificates") / "data"
    directory.mkdir(mode=0o700)
    fill = [sys.executable, "manage.py", "shell", "-v0", "-c", "from tests.gateway.pages import issued; issued.main()"]
    subprocess.run(fill, cwd=ROOT, env={**os.environ, "GOV_DATA_DIR": str(directory)}, check=True, capture_output=True)
    with running(directory) as product:
        yield product


@pytest.fixture(scope="module")
def cookies(house: Product, chromium: Browser) -> dict[str, object]:
    """The cookies of the signed-in administrator."""
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, house.url, ADMIN, PASSWORD)
    state = dict(context.storage_state())
    context.close()
    return state


@pytest.fixture
def desk(house: Product, chromium: Browser, cookies: dict[str, object]) -> Iterator[Desk]:
    """Opens pages as the administrator; at its end no page may have complained."""
    desk = Desk(house.url, chromium, cookies)
    yield desk
    desk.close()
    assert desk.complaints == []


def _open(page: Page, name: str) -> None:
    page.goto(PAGES[name])
    expect(page.locator(".live")).to_have_attribute("data-live-state", "live")
    if name == "certificate-editor":
        page.locator("[data-edit-certificate]").click()
        page.locator("#ce-dns").fill("checkout.shop.example.com\nnew.shop.example.com")
        expect(page.locator("#certificate-editor [data-changes] ins")).to_be_visible()
    if name == "certificate-revoke":
        page.locator(".head [data-revoke]").click()
        expect(page.locator("#revoke-certificate [data-changes] ins").first).to_be_visible()


def _stays(page: Page) -> None:
    """From here on the page may not be loaded again."""
    page.evaluate("window.stayed = true")


def _stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def _confirm(page: Page, dialog: str, reason: str) -> None:
    page.locator(f"#{dialog} [name=reason]").fill(reason)
    page.locator(f"#{dialog} button[type=submit]").click()


@pytest.mark.parametrize(("size", "theme", "language"), LOOKS)
def test_every_page_is_whole_and_without_barriers(desk: Desk, size: str, theme: Theme, language: Language) -> None:
    assert looked_at(desk, PAGES, _open, look=(size, theme, language)) == {}


def test_one_is_asked_for_issued_and_renewed_before_ones_eyes(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/certificates")
    page.get_by_role("button", name="New certificate").click()
    page.locator("#ce-namespace").fill("shop")
    page.locator("#ce-name").fill("web")
    page.locator("#ce-dns").fill("web.shop.example.com")
    page.locator("[data-suggest]").click()
    expect(page.locator("#ce-uris")).to_have_value("spiffe://governor.internal/ns/shop/sa/web")
    expect(page.locator("[data-outcome]")).to_contain_text("it is issued within seconds")
    _confirm(page, "certificate-editor", "a new shop window")
    page.wait_for_url("**/certificates/shop/web")
    _stays(page)
    expect(page.locator(".head .sign")).to_have_text("Valid")
    serial = page.locator("dd.serial").inner_text()
    page.locator("[data-renew-now]").click()
    expect(page.locator("#renew-now [data-changes] ins")).to_have_text("ManuallyTriggered")
    _confirm(page, "renew-now", "try it")
    expect(page.locator(".life-line tbody tr")).to_have_count(2)
    expect(page.locator("dd.serial")).not_to_have_text(serial)
    assert _stayed(page)
    page.goto("/certificates/shop/web?tab=events")
    expect(page.locator(".trail")).to_contain_text("a new shop window")
    expect(page.locator(".trail b", has_text="pki.certificate.issue")).not_to_have_count(0)


def test_a_change_says_first_whether_it_issues_anew(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/certificates/bank/front")
    page.locator("[data-edit-certificate]").click()
    outcome = page.locator("[data-outcome]")
    expect(outcome).to_have_text("Nothing would change.")
    page.locator("#ce-renew").select_option("before")
    page.locator("#ce-amount").fill("10d")
    expect(outcome).to_contain_text("The certificate in force stays. Changed: Renewed before its end by")
    expect(page.locator("#certificate-editor [data-changes] ins")).to_have_text("10 days (864000 s)")
    page.locator("#ce-dns").fill("*.bank.example.com\ndesk.bank.example.com")
    expect(outcome).to_contain_text("RequestChanged: ")
    expect(outcome).to_contain_text("DNS names +desk.bank.example.com \u2212vault.bank.example.com")
    page.locator("#ce-duration").fill("soon")
    expect(page.locator("[data-error=duration_s]")).to_contain_text("3600 s (1 h)")
    page.locator("#ce-duration").fill("90d")
    expect(page.locator("[data-error=duration_s]")).to_be_hidden()
    _confirm(page, "certificate-editor", "the desk moved")
    expect(page.locator(".life-line tbody tr")).to_have_count(2)
    expect(page.locator(".spec")).to_contain_text("desk.bank.example.com")


def test_revoking_says_who_holds_it_and_another_is_issued(desk: Desk) -> None:
    page = desk.sit()
    page.goto(f"{CHECKOUT}?tab=history")
    _stays(page)
    page.locator("tr", has_text="In force").locator("[data-revoke]").click()
    expect(page.locator("[data-holders]")).to_contain_text("2 processes hold it right now")
    page.locator("#revoke-cause").select_option("keyCompromise")
    expect(page.locator("#revoke-certificate [data-changes]")).to_contain_text("keyCompromise")
    _confirm(page, "revoke-certificate", "it was in a log")
    expect(page.locator("tbody tr", has_text="the key is compromised").locator(".sign").first).to_have_text("Revoked")
    expect(page.locator("tbody tr", has_text="In force").locator("th")).to_have_text("No. 3")
    assert _stayed(page)
    page.locator("tbody tr", has_text="Revoked").locator("a.serial, .serial a").click()
    expect(page.locator(".verdicts")).to_contain_text("certificate revoked")


def test_a_renewal_needs_no_mouse(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/certificates?q=nobody")
    tab_to(page, page.get_by_role("link", name="nobody", exact=True))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("[data-renew-now]"))
    page.keyboard.press("Enter")
    expect(page.locator("#renew-now [name=reason]")).to_be_focused()
    page.keyboard.type("keys only")
    page.keyboard.press("Enter")
    expect(page.locator("#renew-now")).to_be_hidden()
    expect(page.locator(".life-line tbody tr")).to_have_count(3)


def test_what_is_badly_off_is_one_click_away_from_everywhere(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/services")
    expect(page.locator("#banners")).to_contain_text("need attention")
    page.locator("#banners .banner-link[href^='/certificates']").click()
    expect(page.locator("tbody tr").first.locator(".sign").first).to_have_text("Expired")
    expect(page.locator("tbody .sign", has_text="Valid")).to_have_count(0)


def test_a_root_is_replaced_step_by_step_as_far_as_everyone_follows_and_back(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/authorities")
    for step in ("prepared", "distributing"):
        page.locator(f"[data-rotate={step}]").click()
        expect(page.locator("#rotate [data-changes] ins").first).to_have_text(step)
        _confirm(page, "rotate", "once a year")
        expect(page.locator("#rotate")).to_be_hidden()
    expect(page.locator(".phase-next")).to_contain_text("spiffe://governor.internal/ns/shop/sa/checkout")
    activate = page.locator("[data-rotate=activated]")
    expect(activate).to_have_attribute("aria-disabled", "true")
    assert barriers(page) == []
    picture(page, "rotation-desk-light-en")
    page.locator("[data-rotate=abort]").click()
    _confirm(page, "rotate", "not today")
    expect(page.locator("[data-rotate=prepared]")).to_be_visible()
    expect(page.get_by_text("Went back to the old root")).to_be_visible()


def test_a_join_token_is_shown_once_with_a_command_that_works(desk: Desk, tmp_path: Path) -> None:
    page = desk.sit()
    page.goto("/workloads")
    page.get_by_role("button", name="New join token").click()
    page.locator("#ct-namespace").fill("shop")
    page.locator("#ct-workload").fill("printer")
    _confirm(page, "create-token", "a new machine")
    command = page.locator("[data-join]")
    expect(command).to_contain_text("govctl cert join")
    assert barriers(page) == []
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = {**os.environ, "HOME": str(tmp_path), "PATH": path}
    done = subprocess.run(["bash", "-c", command.inner_text()], env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".config/governor/shop-printer/tls.crt").exists()
    page.locator("#create-token [data-close]").last.click()
    expect(page.locator("[data-secret]")).to_be_empty()
    expect(page.locator("tr", has_text="sa/printer").locator(".sign")).to_have_text("Valid")
    page.goto("/workloads?tab=tokens")
    expect(page.locator("tr", has_text="printer").locator(".sign")).to_have_text("Used")
    page.locator("[data-withdraw]").first.click()
    _confirm(page, "withdraw-token", "nobody needs it")
    expect(page.locator("[data-withdraw]")).to_have_count(0)


def test_a_workload_is_disabled_and_a_service_called_over_mutual_tls(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/workloads")
    row = page.locator("tr", has_text="sa/payments")
    row.locator("[data-set-workload=off]").click()
    _confirm(page, "set-workload", "it was taken over")
    expect(row.locator(".sign")).to_have_text("Disabled")
    page.goto("/workloads?tab=transports")
    page.locator("tr", has_text="vault").locator("[data-set-transport]").click()
    page.locator("#set-transport input[value=mutual]").check()
    expect(page.locator("#set-transport [data-changes]")).to_contain_text("spiffe://governor.internal/ns/bank/sa/vault")
    _confirm(page, "set-transport", "it holds money")
    expect(page.locator("tr", has_text="vault").locator(".sign")).to_have_text("Mutual TLS")


def test_the_forecast_agrees_with_the_board(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/certificates")
    said = page.locator(".forecast .timeline-span").inner_text()
    found = re.search(r"(\d+) renewals", said)
    assert found is not None
    counted = page.locator(".forecast rect title").all_text_contents()
    assert sum(int(text.rsplit(": ", 1)[1]) for text in counted) == int(found[1])
