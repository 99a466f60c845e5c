"""The live audit trail: it shows what happens, waits when told to, and fills in what a cut took."""

import os
import re
import signal
from collections.abc import Callable, Iterator

import grpc
import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.proto import common_pb2, registry_pb2, registry_pb2_grpc
from tests.browser.desk import Desk
from tests.fixtures.product import Product

pytestmark = pytest.mark.browser
TRAIL = "/audit?action=registry.service"
Change = Callable[[str], None]


@pytest.fixture
def change(product: Product) -> Iterator[Change]:
    """Changes a service for a reason, through the native door: it is open while the web process is away."""
    metadata = (("authorization", f"Bearer {product.token('operator')}"),)
    with grpc.insecure_channel(product.grpc) as channel:
        registry = registry_pb2_grpc.RegistryServiceStub(channel)

        def once(reason: str) -> None:
            mutation = common_pb2.Mutation(reason=reason)
            request = registry_pb2.UpdateServiceRequest(
                namespace="default", name="payments", description=reason, mutation=mutation
            )
            registry.UpdateService(request, metadata=metadata, timeout=20)

        yield once


def _follow(desk: Desk) -> Page:
    page = desk.sit()
    page.goto(TRAIL)
    expect(page.locator(".live")).to_have_attribute("data-live-state", "live")
    return page


def _newest(page: Page) -> Locator:
    return page.locator("[data-rows] tr[data-seq]").first


def test_a_change_appears_by_itself_and_opens_beside_the_list(desk: Desk, change: Change) -> None:
    page = _follow(desk)
    change("seen as it happens")
    expect(_newest(page)).to_contain_text("seen as it happens")
    _newest(page).click()
    drawer = page.locator("#event")
    expect(drawer.locator("ins")).to_have_text("seen as it happens")
    expect(drawer.locator(".hash")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
    expect(page).to_have_url(re.compile("event="))
    page.reload()
    expect(drawer.locator("ins")).to_have_text("seen as it happens")
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("event="))


def test_while_paused_events_wait_and_are_counted(desk: Desk, change: Change) -> None:
    page = _follow(desk)
    before = _newest(page).get_attribute("data-seq")
    page.locator("[data-pause]").click()
    change("while paused")
    expect(page.locator("[data-trail-status]")).to_have_text("Paused, 1 new event waits")
    assert _newest(page).get_attribute("data-seq") == before
    page.locator("[data-pause]").click()
    expect(_newest(page)).to_contain_text("while paused")


def test_after_a_cut_the_trail_fills_in_what_was_missed_and_marks_the_gap(
    desk: Desk, product: Product, change: Change
) -> None:
    page = _follow(desk)
    os.kill(product.children()["web"], signal.SIGKILL)
    expect(page.locator(".live")).to_have_attribute("data-live-state", "cut")
    change("while cut off")
    expect(page.locator(".live")).to_have_attribute("data-live-state", "live")
    expect(page.locator("[data-rows] tr", has_text="while cut off")).to_have_count(1)
    expect(page.locator("[data-rows] tr.gap")).to_contain_text("1 event was filled in")
    desk.forgive("WebSocket|ERR_")


def test_filters_hold_for_what_comes_live(desk: Desk, change: Change) -> None:
    page = desk.sit()
    page.goto("/audit?action=traffic")
    expect(page.locator(".live")).to_have_attribute("data-live-state", "live")
    other = _follow(desk)
    change("not about traffic")
    expect(_newest(other)).to_contain_text("not about traffic")
    assert page.locator("[data-rows] tr", has_text="not about traffic").count() == 0


def test_calls_are_a_stream_of_their_own(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/audit?stream=calls&outcome=success")
    expect(page.locator("[data-rows] tr.fresh").first).to_be_visible()
    page.locator("[data-rows] td a").first.click()
    expect(page.locator("#event .hash")).to_be_visible()
