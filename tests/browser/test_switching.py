"""The main journey: edit, see the difference, confirm, watch it arrive, see it recorded, and go back."""

import re

import pytest
from playwright.sync_api import Page, expect

from gateway.proto import common_pb2, traffic_pb2
from tests.browser.conftest import TRAFFIC
from tests.browser.desk import Desk, Language, picture, tab_to
from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.product import eventually

pytestmark = pytest.mark.browser
SERVICE = "/services/default/checkout"
WORDS = {
    "en": {"acked": "Acknowledged", "settled": "Settled.", "refused": "Refused", "would_refuse": "Would refuse"},
    "zh-CN": {"acked": "已确认", "settled": "已稳定。", "refused": "已拒绝", "would_refuse": "会拒绝"},
}


def _edit(page: Page, policy: str) -> None:
    page.goto(f"{SERVICE}?tab=balancing")
    page.locator("#edit-balancing").click()
    page.locator(f"input[name=policy][value={policy}]").check()


def _confirm(page: Page, reason: str) -> None:
    page.locator("#reason").fill(reason)
    page.locator("[data-editor] button[type=submit]").click()
    expect(page.locator("#confirm-switch [data-why]")).to_have_text(reason)
    page.locator("#confirm-switch button[type=submit]").click()


def _everyone_has_it(page: Page, language: Language) -> None:
    states = page.locator("[data-deliveries] .sign")
    expect(states).to_have_text([WORDS[language]["acked"]] * 3)


def _observed(page: Page, instance: str) -> float:
    row = page.locator("[data-moving] tr", has=page.get_by_role("rowheader", name=instance, exact=True))
    if not row.count():
        return -1.0
    found = re.match(r"([\d.]+) %", row.locator("td").first.inner_text())
    return float(found[1]) if found else -1.0


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_switch_is_edited_confirmed_watched_recorded_and_restored(desk: Desk, language: Language) -> None:
    words = WORDS[language]
    trail = desk.sit(language=language)
    trail.goto("/audit?action=traffic")
    expect(trail.locator(".live")).to_have_attribute("data-live-state", "live")
    known = trail.locator("[data-rows] tr[data-seq]").count()

    page = desk.sit(language=language)
    _edit(page, "weighted_round_robin")
    page.locator('[data-weights=instance] [data-weight="checkout-1"] input[type=number]').fill("3")
    difference = page.locator("[data-editor] [data-lines] tr.diff-changed", has_text="checkout-1")
    expect(difference.locator("ins")).to_have_text("3")
    expect(page.locator("[data-shares] tr", has_text="checkout-1")).to_contain_text("50.0 %")
    reason = f"give the first more ({language})"
    _confirm(page, reason)
    _everyone_has_it(page, language)
    eventually(lambda: abs(_observed(page, "checkout-1") - 50) < 5, what="half of the calls go to the first")
    expect(page.locator("[data-summary]")).to_contain_text(words["settled"])
    picture(page, f"watch-desk-light-{language}")

    expect(trail.locator("[data-rows] tr[data-seq]")).to_have_count(known + 1)
    expect(trail.locator("[data-rows] tr[data-seq]").first).to_contain_text(reason)

    page.goto(f"{SERVICE}?tab=history")
    page.locator("[data-restore='0']").click()
    expect(page.locator("#restore [data-lines] tr", has_text="round_robin").first).to_be_visible()
    page.locator("#restore-reason").fill("that was enough")
    page.locator("#restore button[type=submit]").click()
    _everyone_has_it(page, language)
    eventually(lambda: abs(_observed(page, "checkout-1") - 25) < 5, what="a quarter of the calls go to each")
    expect(trail.locator("[data-rows] tr[data-seq]")).to_have_count(known + 2)


def test_a_switch_needs_no_mouse(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for target in (page.get_by_role("link", name="Services", exact=True), page.get_by_role("link", name="checkout")):
        tab_to(page, target)
        page.keyboard.press("Enter")
    balancing = page.locator(".tabs a", has_text="Balancing")
    tab_to(page, balancing)
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#edit-balancing"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("input[name=policy]:checked"))
    while not page.locator("input[value=pick_first]").is_checked():
        page.keyboard.press("ArrowDown")
    down = page.locator("li[data-name='checkout-1'] [data-down]")
    tab_to(page, down)
    page.keyboard.press("Enter")
    expect(page.locator("[data-shares] tr", has_text="checkout-2")).to_contain_text("100.0 %")
    tab_to(page, page.locator("#reason"))
    page.keyboard.type("keys only")
    page.keyboard.press("Enter")
    expect(page.locator("#confirm-switch")).to_be_visible()
    page.keyboard.press("Enter")
    _everyone_has_it(page, "en")
    eventually(lambda: _observed(page, "checkout-2") > 95, what="all calls go to the second")


def test_what_is_wrong_stands_beside_its_field(desk: Desk) -> None:
    page = desk.sit()
    _edit(page, "weighted_round_robin")
    weight = page.locator('[data-weights=instance] [data-weight="checkout-2"]')
    weight.locator("input[type=number]").fill("0")
    expect(weight.locator(".field-error")).to_contain_text("isolate the instance")
    weight.locator("input[type=number]").fill("1")
    expect(weight.locator(".field-error")).to_be_hidden()
    page.locator("#timeout_ms").fill("-5")
    expect(page.locator("[data-error=timeout_ms]")).to_contain_text("10 to 60000")


def test_a_change_by_someone_else_is_told_and_the_draft_kept(desk: Desk, api: GrpcWeb) -> None:
    page = desk.sit()
    _edit(page, "least_request")
    expect(page.locator("[data-verdicts] .sign")).not_to_have_count(0)
    policy = traffic_pb2.Balancing(policy="ring_hash", hash_header="x-user")
    request = traffic_pb2.SwitchBalancingRequest(
        namespace="default", service="checkout", balancing=policy, mutation=common_pb2.Mutation(reason="was faster")
    )
    api.unary(TRAFFIC + "SwitchBalancing", request, common_pb2.Receipt)
    _confirm(page, "mine")
    expect(page.locator("[data-conflict]")).to_contain_text("was faster")
    page.locator("[data-rebase]").click()
    expect(page.locator("[data-editor] [data-lines] del", has_text="ring_hash")).to_be_visible()
    _confirm(page, "mine")
    _everyone_has_it(page, "en")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_policy_that_clients_would_refuse_says_so_and_their_refusal_is_shown(desk: Desk, language: Language) -> None:
    words = WORDS[language]
    page = desk.sit(language=language)
    _edit(page, "ring_hash")
    page.locator("#hash_function").select_option("murmur_hash_2")
    expect(page.locator("[data-verdicts] .sign", has_text=words["would_refuse"])).to_have_count(2)
    page.locator("[data-force] input").check()
    _confirm(page, "see what they say")
    refused = page.locator("[data-deliveries] tr", has=page.locator(".sign-bad"))
    expect(refused).to_have_count(2)
    expect(refused.first.locator(".nack")).not_to_be_empty()
    picture(page, f"refused-desk-light-{language}")
    page.goto("/clients?state=nacked")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody .nack").first).not_to_be_empty()
    _edit(page, "round_robin")
    _confirm(page, "back to what all can do")
    _everyone_has_it(page, language)
