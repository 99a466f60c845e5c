"""A person's browser: signed in, in a language, a theme and a size, with everything noted that pages complain of."""

import os
import re
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any, Literal, get_args

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.fixtures.product import ROOT

ADMIN = "admin"
AXE = ROOT / "node_modules/axe-core/axe.min.js"
SHOTS = ROOT / "build/screenshots"
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
PATIENCE_MS = 20_000
Theme = Literal["light", "dark"]
Language = Literal["en", "zh-CN"]

# Each two of a size, a theme and a language are seen together in these; in the other four only by `make soak`.
_PAIRS = {("desk", "light", "en"), ("desk", "dark", "zh-CN"), ("phone", "light", "zh-CN"), ("phone", "dark", "en")}
LOOKS = [
    pytest.param(*look, marks=() if look in _PAIRS else pytest.mark.soak)
    for look in product(SIZES, get_args(Theme), get_args(Language))
]

expect.set_options(timeout=PATIENCE_MS)


class Desk:
    """Opens pages; `complaints` are the errors and warnings of their consoles."""

    def __init__(self, url: str, browser: Browser, session: dict[str, object]) -> None:
        self.url = url
        self.complaints: list[str] = []
        self._browser, self._session = browser, session
        self._contexts: list[BrowserContext] = []

    def sit(
        self, *, size: str = "desk", theme: Theme = "light", language: Language = "en", signed_in: bool = True
    ) -> Page:
        """An empty page of a new browser context."""
        width, height = SIZES[size]
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            locale=language,
            reduced_motion="reduce",
            base_url=self.url,
            storage_state=self._session if signed_in else None,  # type: ignore[arg-type]  # as it was given out
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def forgive(self, pattern: str) -> None:
        """Forget the complaints that match: the test brought them about."""
        self.complaints = [each for each in self.complaints if not re.search(pattern, each)]

    def close(self) -> None:
        """Leave every page."""
        for context in self._contexts:
            context.close()


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """Fill in the form that a stranger is led to."""
    page.goto(url)
    page.locator("#login").fill(name)
    page.locator("#password").fill(password)
    page.locator("form[action*=login] button[type=submit]").click()
    page.wait_for_url(lambda address: "/accounts/login" not in address)


def barriers(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document)")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def picture(page: Page, name: str) -> None:
    """Keep what is seen."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def tab_to(page: Page, target: Locator, *, limit: int = 120) -> None:
    """Press Tab until `target` has the focus."""
    is_here: Callable[[], bool] = lambda: bool(target.evaluate("each => each === document.activeElement"))  # noqa: E731
    for _ in range(limit):
        if is_here():
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def wanted_readme_picture() -> bool:
    """Whether the picture of the README is to be drawn anew: GOV_README_PICTURE would be a setting of the product."""
    return os.environ.get("README_PICTURE") == "1"


def looked_at(
    desk: Desk, pages: Iterable[str], opened: Callable[[Page, str], None], *, look: tuple[str, Theme, Language]
) -> dict[str, list[str]]:
    """Take a picture of each page in one look, none wider than the screen; what axe-core finds in its way, by page."""
    size, theme, language = look
    page = desk.sit(size=size, theme=theme, language=language)
    found: dict[str, list[str]] = {}
    for name in pages:
        opened(page, name)
        picture(page, f"{name}-{size}-{theme}-{language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], (
            f"{name} is wider than the screen"
        )
        if barrier := barriers(page):
            found[name] = barrier
    return found
