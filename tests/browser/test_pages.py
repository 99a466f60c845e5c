"""Every page, in both sizes, light and dark, in English and Chinese: complete, reachable for everyone, and quiet."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import LOOKS, Desk, Language, Theme, barriers, looked_at, picture, wanted_readme_picture
from tests.fixtures.product import ROOT

pytestmark = pytest.mark.browser
SERVICE = "/services/default/inventory"
PAGES = {
    "overview": "/",
    "services": "/services",
    "endpoints": SERVICE,
    "balancing": f"{SERVICE}?tab=balancing",
    "editor": f"{SERVICE}?tab=balancing",
    "service-clients": f"{SERVICE}?tab=clients",
    "history": f"{SERVICE}?tab=history",
    "service-events": f"{SERVICE}?tab=events",
    "clients": "/clients",
    "client": "/clients",
    "audit": "/audit",
    "calls": "/audit?stream=calls",
    "event": "/audit",
    "password": "/accounts/password/change/",
}


def _open(page: Page, name: str) -> None:
    page.goto(PAGES[name])
    if name == "editor":
        page.locator("#edit-balancing").click()
        expect(page.locator("[data-verdicts] tr")).not_to_have_count(0)
    if name == "client":
        page.locator("tbody th a").first.click()
        expect(page.locator("#types")).to_be_visible()
    if name == "event":
        page.locator("[data-rows] td a").first.click()
        expect(page.locator("#event .hash")).to_be_visible()
    if name != "password":
        expect(page.locator(".live")).to_have_attribute("data-live-state", "live")


@pytest.mark.parametrize(("size", "theme", "language"), LOOKS)
def test_every_page_is_whole_and_without_barriers(desk: Desk, size: str, theme: Theme, language: Language) -> None:
    assert looked_at(desk, PAGES, _open, look=(size, theme, language)) == {}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_strangers_see_the_sign_in_page_alone(desk: Desk, language: Language) -> None:
    page = desk.sit(language=language, signed_in=False)
    for address in PAGES.values():
        page.goto(address)
        expect(page.locator("#login")).to_be_visible()
        assert page.locator(".navbar").count() == 0
    assert barriers(page) == []
    picture(page, f"sign-in-desk-light-{language}")


def test_an_address_that_leads_nowhere_says_so(desk: Desk) -> None:
    page = desk.sit()
    for address in ("/nowhere", "/services/default/nobody", "/clients/nobody"):
        page.goto(address)
        expect(page.locator("h1")).to_have_text("There is nothing here")
        assert barriers(page) == []
    desk.forgive("404")


def test_the_language_and_the_theme_stay_as_chosen(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h1")).to_have_text("总览")
    page.locator("[data-theme-next]").click()
    page.locator("[data-theme-next]").click()
    page.goto("/services")
    expect(page.locator("h1")).to_have_text("服务")
    chosen = page.locator("html").get_attribute("data-theme")
    assert chosen in ("light", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", str(chosen))


def test_the_readme_shows_the_overview(desk: Desk) -> None:
    path = ROOT / "docs/images/overview.png"
    page = desk.sit()
    page.goto("/")
    expect(page.locator(".spark")).not_to_have_count(0)
    if wanted_readme_picture():
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path)
    assert path.exists(), "draw it with README_PICTURE=1"
