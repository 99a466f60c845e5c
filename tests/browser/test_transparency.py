"""Certificates held against logs, logs against their word, ports against both: seen, explained and acted on."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import ADMIN, SIZES, Desk, Language, Theme, barriers, picture, sign_in
from tests.fixtures.product import PASSWORD, ROOT, Product, running
from tests.gateway.pages.outside import Outside, forged_port, outside

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
LOOKS: list[tuple[str, Theme, Language]] = [
    (size, theme, language) for size in SIZES for theme in ("light", "dark") for language in ("en", "zh-CN")
]


@dataclass(frozen=True)
class Scene:
    """A running product in trouble, and the world that it is in."""

    product: Product
    world: Outside


def _do(directory: Path, part: str, *arguments: str, environ: dict[str, str]) -> None:
    """One part of what happened before the product starts."""
    code = f"from tests.gateway.pages import transparent; transparent.main{(part, *arguments)!r}"
    told = {**os.environ, "GOV_DATA_DIR": str(directory), **environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code], cwd=ROOT, env=told, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def scene_in(directory: Path) -> Iterator[Scene]:
    """Three months of a house, the trouble of today, and the product that shows it."""
    data = directory / "data"
    data.mkdir(mode=0o700)
    _do(data, "before", environ={})
    with outside(directory / "lists") as world, forged_port(data) as port:
        environ = dict(world.environ)
        _do(data, "beginning", environ=environ)
        world.go_wrong()
        _do(data, "trouble", port.address, environ=environ)
        with running(data, environ=environ) as product:
            yield Scene(product, world)


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
    page = desk.sit(size=size, theme=theme, language=language)
    found: dict[str, list[str]] = {}
    for name in PAGES:
        _open(page, name)
        picture(page, f"{name}-{size}-{theme}-{language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], (
            f"{name} is wider than the screen"
        )
        if barrier := barriers(page):
            found[name] = barrier
    assert found == {}
