"""Certificates held against logs, logs against their word, ports against both: seen, explained and acted on."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from governance.pki.ct import checkpoint
from tests.browser.desk import ADMIN, LOOKS, Desk, Language, Theme, barriers, looked_at, picture, sign_in, tab_to
from tests.browser.scene import Scene, scene_in
from tests.fixtures.product import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
BASKET, RETURNS = "/certificates/shop/basket", "/certificates/shop/returns"
PAGES = {
    "ct-board": "/board",
    "ct-findings": "/findings",
    "ct-logs": "/logs",
    "ct-monitor": "/monitor",
    "ct-check": "/check",
    "ct-certificates": "/certificates",
    "ct-certificate-logged": f"{BASKET}?tab=logs",
    "ct-certificate-not-logged": f"{RETURNS}?tab=logs",
    "ct-certificate-issues": f"{BASKET}?tab=history",
    "ct-overview": "/",
    "ct-acknowledge": "/findings",
    "ct-gate": "/monitor",
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The one that all tests of this file look at, in their order."""
    with scene_in(tmp_path_factory.mktemp("transparency")) as scene:
        yield scene


@pytest.fixture(scope="module")
def cookies(scene: Scene, chromium: Browser) -> dict[str, object]:
    """The cookies of the signed-in administrator."""
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, scene.product.url, ADMIN, PASSWORD)
    state = dict(context.storage_state())
    context.close()
    return state


@pytest.fixture
def desk(scene: Scene, chromium: Browser, cookies: dict[str, object]) -> Iterator[Desk]:
    """Opens pages as the administrator; at its end no page may have complained."""
    desk = Desk(scene.product.url, chromium, cookies)
    yield desk
    desk.close()
    assert desk.complaints == []


def _open(page: Page, name: str) -> None:
    page.goto(PAGES[name])
    if name != "ct-check":
        expect(page.locator(".live")).to_have_attribute("data-live-state", "live")
    if name == "ct-acknowledge":
        page.locator("[data-acknowledge]").first.click()
        expect(page.locator("#acknowledge [data-changes] ins")).to_be_visible()
    if name == "ct-gate":
        page.locator("[data-set-gate=internal]").click()
        page.locator("#set-gate input[value=off]").check()
        expect(page.locator("#set-gate [data-changes] ins")).to_be_visible()


@pytest.mark.parametrize(("size", "theme", "language"), LOOKS)
def test_every_page_is_whole_and_without_barriers(desk: Desk, size: str, theme: Theme, language: Language) -> None:
    assert looked_at(desk, PAGES, _open, look=(size, theme, language)) == {}


def _stays(page: Page) -> None:
    """From here on the page may not be loaded again."""
    page.evaluate("window.stayed = true")


def _stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def _confirm(page: Page, dialog: str, reason: str) -> None:
    page.locator(f"#{dialog} [name=reason]").fill(reason)
    page.locator(f"#{dialog} button[type=submit]").click()
    expect(page.locator(f"#{dialog}")).to_be_hidden()


def _saved(page: Page, link: Locator, directory: Path) -> Path:
    """What is downloaded by a click."""
    with page.expect_download() as download:
        link.click()
    path = directory / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_what_alarms_is_one_click_away_from_everywhere_and_leads_to_the_certificate(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/services")
    expect(page.locator("#banners")).to_contain_text("findings alarm")
    page.locator("#banners a[href*='served_not_issued']").click()
    expect(page.locator(".findings tbody tr")).to_have_count(1)
    expect(page.locator(".findings")).to_contain_text("signed by our key behind our back")
    page.goto("/findings?kind=not_logged")
    page.locator(".findings .about a").first.click()
    page.wait_for_url("**/certificates/shop/returns?**")
    expect(page.locator("[aria-labelledby=ct] .ct-facts")).to_contain_text("Not logged")
    expect(page.locator(".ct-why")).to_contain_text("does not have it")


def test_the_board_is_narrowed_by_its_cards_and_leads_on(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/board")
    page.locator("[data-key=served_not_issued] .figure a").click()
    rows = page.locator(".differences tbody tr")
    expect(rows).to_have_count(1)
    page.locator("#tenant").select_option("bank")
    expect(page.locator(".empty-title")).to_have_text("No difference matches")
    page.get_by_role("link", name="Show all").click()
    page.locator(".differences a[href^='/monitor#port']").first.click()
    expect(page.locator(".ports tr:target")).to_contain_text("Signed by our key behind our back")


def test_an_alarm_is_acknowledged_with_a_reason_and_without_a_mouse(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/findings?kind=not_ours")
    _stays(page)
    alarms = int(page.locator(".tabs .count-alarm").inner_text())
    tab_to(page, page.locator("[data-acknowledge]"))
    page.keyboard.press("Enter")
    reason = page.locator("#acknowledge [name=reason]")
    expect(reason).to_be_focused()
    expect(page.locator("#acknowledge [data-changes] ins")).to_be_visible()
    expect(page.locator("#acknowledge [data-command]")).to_contain_text("TransparencyService/AcknowledgeFinding")
    page.keyboard.press("Enter")
    expect(page.locator("#acknowledge")).to_be_visible()  # nobody waves an alarm away without a word
    page.keyboard.type("the new web shop is theirs")
    page.keyboard.press("Enter")
    row = page.locator(".findings tbody tr")
    expect(row).to_contain_text("Acknowledged")
    expect(row).to_contain_text("the new web shop is theirs")
    expect(page.locator(".tabs .count-alarm")).to_have_text(str(alarms - 1))
    expect(page.locator("#banners")).to_contain_text(f"{alarms - 1} findings alarm")
    assert _stayed(page)
    assert barriers(page) == []


def test_opening_the_gate_says_what_it_means_and_needs_a_reason(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/monitor")
    gate = page.locator(".gates tr", has_text="internal")
    gate.locator("[data-set-gate]").click()
    lowered = page.locator("#set-gate [data-lowered]")
    expect(lowered).to_be_hidden()
    page.locator("#set-gate input[value=alarm]").check()
    expect(lowered).to_contain_text("used before anybody has seen that they are logged")
    page.locator("#set-gate input[value=off]").check()
    expect(lowered).to_contain_text("Whoever has its key can issue unseen")
    page.locator("#set-gate input[value=alarm]").check()
    expect(page.locator("#set-gate [data-changes] ins")).to_have_text("Alarm")
    page.locator("#set-gate button[type=submit]").click()
    expect(page.locator("#set-gate")).to_be_visible()
    _confirm(page, "set-gate", "the other log is down for a day")
    expect(gate).to_contain_text("Alarm: in force, then reported")
    gate.locator("[data-set-gate]").click()
    page.locator("#set-gate input[value=gate]").check()
    expect(lowered).to_be_hidden()
    _confirm(page, "set-gate", "it is back")
    expect(gate).to_contain_text("Gate: proven, then in force")
    page.goto("/audit")
    expect(page.locator("tbody")).to_contain_text("the other log is down for a day")


def test_names_are_watched_and_what_is_no_name_is_refused_beside_its_field(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/monitor")
    page.locator("[data-watch-names]").click()
    names = page.locator("#wn-names")
    expect(names).to_have_value("example.com\nexample.org")
    names.fill("example.com\ncom")
    expect(page.locator("#watch-names [data-error=names]")).to_contain_text("single label")
    names.fill("example.com\nexample.net")
    expect(page.locator("#watch-names [data-changes] ins")).to_have_text("example.com, example.net")
    _confirm(page, "watch-names", "we bought it")
    expect(page.locator(".watched")).to_contain_text("example.net")
    expect(page.locator(".watched")).not_to_contain_text("example.org")


def test_a_port_is_looked_at_from_now_on_and_then_no_longer(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/monitor")
    page.get_by_role("button", name="Add a port").click()
    page.locator("#al-namespace").fill("shop")
    page.locator("#al-address").fill("nowhere")
    expect(page.locator("#add-listener [data-error=address]")).to_contain_text("host:port")
    page.locator("#al-address").fill("127.0.0.1:9")
    _confirm(page, "add-listener", "a new door")
    row = page.locator(".ports tr", has_text="127.0.0.1:9")
    expect(row.last).to_contain_text("added")
    row.last.locator("[data-remove-listener]").click()
    expect(page.locator("#remove-listener [data-changes] del").first).to_be_visible()
    _confirm(page, "remove-listener", "it was closed")
    expect(page.locator("[data-address='127.0.0.1:9']")).to_have_count(0)


def test_a_stranger_can_check_what_was_downloaded_with_nothing_but_python(desk: Desk, tmp_path: Path) -> None:
    page = desk.sit()
    page.goto(f"{BASKET}?tab=logs")
    packed = _saved(page, page.locator(".proofs li", has_text="Rome").locator(".btn"), tmp_path)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    command = page.locator(".proof-command [data-command]").first.inner_text().split()
    assert command[0] == "python3"
    done = subprocess.run(
        [sys.executable, "-I", *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.count("PASS")) == (0, 5), done.stdout
    alone = tmp_path / "alone"
    alone.mkdir()
    for link in page.locator(".proofs li", has_text="Rome").locator(".files a").all():
        path = _saved(page, link, alone)
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_the_evidence_of_a_lie_and_the_key_to_judge_it_by_can_be_taken_along(
    desk: Desk, scene: Scene, tmp_path: Path
) -> None:
    page = desk.sit()
    page.goto("/logs")
    caught = page.locator(".caught")
    expect(caught).to_contain_text("It signed two different trees of the same size.")
    expect(caught.locator("pre")).to_have_count(2)
    told = json.loads(_saved(page, caught.locator("a.btn"), tmp_path).read_text())
    oslo = scene.world.oslo.log("rfc6962")
    roots = {checkpoint.check(told["evidence"][name], oslo).root for name in ("first", "second")}
    assert len(roots) == 2
    row = page.locator(f"#log-{oslo.log_id.hex()}")
    assert _saved(page, row.get_by_role("link", name="Key"), tmp_path).read_bytes() == scene.world.oslo.key_pem()
    page.locator("#status").select_option("unreadable")
    expect(page.locator(".logs tbody tr")).to_have_count(1)
    expect(page.locator(".logs tbody")).to_contain_text("Connection refused")


def test_any_certificate_is_checked_and_chromes_policy_is_only_advice(desk: Desk, scene: Scene) -> None:
    page = desk.sit()
    page.goto("/check")
    page.locator("#ck-pem").fill("nonsense")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("[data-error=pem]")).to_be_visible()
    page.locator("#ck-pem").fill(scene.world.public_certificate())
    page.get_by_role("button", name="Check", exact=True).click()
    rows = page.locator("[data-result] .promises tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Holds")
    expect(rows.first).to_contain_text("In the log")
    expect(rows.last).to_contain_text("Cannot tell")  # Oslo is not believed
    advice = page.locator("[data-result] .advice-part")
    expect(advice).to_contain_text("Advice: what Chrome would say")
    expect(advice).to_contain_text("Nothing is refused here because of it.")
    assert barriers(page) == []
    picture(page, "ct-checked-desk-light-en")


def test_what_waits_is_in_force_before_ones_eyes_as_soon_as_the_log_has_it(desk: Desk, scene: Scene) -> None:
    page = desk.sit()
    page.goto(f"{BASKET}?tab=logs")
    _stays(page)
    expect(page.locator(".alert-pending")).to_contain_text("No. 1 serves on meanwhile.")
    page.locator("[data-ask-logs]").click()
    expect(page.locator("#asked .promises tbody tr")).to_have_count(2)
    scene.world.rome.sign()
    expect(page.locator(".alert-pending")).to_have_count(0)
    expect(page.locator("#ct")).to_have_text("Certificate transparency of issue No. 2")
    expect(page.locator("[aria-labelledby=ct] .ct-facts .sign").first).to_have_text("Logged")
    assert _stayed(page)
    page.goto("/findings?state=closed&kind=pending")
    expect(page.locator(".findings tbody tr")).to_contain_text("Over")
