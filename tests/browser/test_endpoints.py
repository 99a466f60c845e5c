"""What operators do to endpoints, and what those see who may not."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in
from tests.fixtures.product import Product, eventually

pytestmark = pytest.mark.browser
SERVICE = "/services/default/payments"


def _row(page: Page, name: str) -> "object":
    return page.locator(f"tr[data-name={name}]")


def _act(page: Page, name: str, act: str, reason: str) -> None:
    page.locator(f"tr[data-name={name}] summary").click()
    page.locator(f"tr[data-name={name}] [data-act={act}]").click()
    page.locator("#alter-reason").fill(reason)
    page.locator("#alter button[type=submit]").click()
    expect(page.locator("#alter")).to_be_hidden()


def test_isolating_shows_how_calls_will_move_and_then_they_do(desk: Desk) -> None:
    page = desk.sit()
    page.goto(SERVICE)
    row = page.locator("tr[data-name=payments-2]")
    row.locator("summary").click()
    row.locator("[data-act=isolate]").click()
    shifts = page.locator("#alter [data-preview] tr")
    expect(shifts.filter(has_text="payments-2").locator("td").nth(1)).to_have_text("0.0 %")
    expect(shifts.filter(has_text="payments-1").locator("td").nth(1)).to_have_text("33.3 %")
    page.locator("#alter-reason").fill("look at it in peace")
    page.locator("#alter button[type=submit]").click()
    expect(row.locator(".sign", has_text="Isolated")).to_be_visible()
    eventually(lambda: "0.0 %" in row.locator(".share-words").inner_text(), within_s=60, what="it gets no calls")
    _act(page, "payments-2", "return", "it was fine")
    expect(row.locator(".sign", has_text="Isolated")).to_have_count(0)


def test_several_endpoints_are_changed_in_one_step(desk: Desk) -> None:
    page = desk.sit()
    page.goto(SERVICE)
    page.locator("tr[data-name=payments-1] input[name=pick]").check()
    page.locator("tr[data-name=payments-3] input[name=pick]").check()
    expect(page.locator(".bulk-count")).to_have_text("2 selected")
    page.locator(".bulk [data-act=weigh]").click()
    page.locator("#alter-weight").fill("1001")
    page.locator("#alter-reason").fill("heavier")
    page.locator("#alter form").evaluate("form => form.noValidate = true")
    page.locator("#alter button[type=submit]").click()
    expect(page.locator("#alter [data-error=weight], #alter [data-error='']").locator("visible=true")).to_contain_text(
        "1 to 1000"
    )
    page.locator("#alter-weight").fill("7")
    page.locator("#alter button[type=submit]").click()
    for name in ("payments-1", "payments-3"):
        expect(page.locator(f"tr[data-name={name}] td").nth(4)).to_have_text("7")


def test_a_killed_demo_instance_turns_unhealthy_and_comes_back(desk: Desk) -> None:
    page = desk.sit()
    page.goto(SERVICE)
    row = page.locator("tr[data-name=payments-4]")
    _act(page, "payments-4", "kill", "see what happens")
    expect(row.locator(".sign", has_text="Unhealthy")).to_be_visible(timeout=60_000)
    _act(page, "payments-4", "revive", "seen")
    expect(row.locator(".sign", has_text="Healthy")).to_be_visible(timeout=60_000)


def test_a_service_is_created_and_says_what_to_do_next(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/services")
    page.get_by_role("button", name="Create service").click()
    page.locator("#cs-name").fill("Not A Name")
    page.locator("#cs-reason").fill("try it")
    page.locator("#create-service button[type=submit]").click()
    expect(page.locator("#create-service [data-error=name]")).to_contain_text("is not a name")
    page.locator("#cs-name").fill("returns")
    page.locator("#create-service button[type=submit]").click()
    expect(page.locator("h1")).to_have_text("returns")
    expect(page.locator(".empty-title")).to_have_text("No endpoints yet")


def test_a_service_gets_a_new_owner_and_is_deleted_when_nothing_is_left_of_it(desk: Desk) -> None:
    page = desk.sit()
    page.goto("/services")
    page.get_by_role("button", name="Create service").click()
    page.locator("#cs-name").fill("refunds")
    page.locator("#cs-reason").fill("try it")
    page.locator("#create-service button[type=submit]").click()
    page.get_by_role("button", name="Edit details").click()
    page.locator("#es-owner").fill("finance")
    expect(page.locator("#edit-service [data-changes] ins")).to_have_text("finance")
    page.locator("#es-reason").fill("they asked for it")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".facts dd").first).to_have_text("finance")
    page.get_by_role("button", name="Edit details").click()
    page.get_by_role("button", name="Delete the service").click()
    expect(page.locator("h1")).to_have_text("Services")
    page.keyboard.press("Control+k")
    page.keyboard.type("refunds")
    page.keyboard.press("Enter")
    expect(page.locator(".empty-title")).to_have_text("No service matches")


def test_a_service_with_endpoints_is_not_deleted(desk: Desk) -> None:
    page = desk.sit()
    page.goto(SERVICE)
    page.get_by_role("button", name="Edit details").click()
    page.locator("#es-reason").fill("gone")
    page.get_by_role("button", name="Delete the service").click()
    expect(
        page.locator("#edit-service .alert-danger, #edit-service .field-error").locator("visible=true")
    ).to_contain_text("deregister them first")


def test_whoever_may_only_look_is_told_which_permission_is_missing(desk: Desk, product: Product) -> None:
    """Also: someone new gets a one-time password, and must choose their own before anything else opens."""
    api = httpx.Client(base_url=product.url, headers={"authorization": f"Bearer {product.token('admin')}"})
    made = api.post("/api/v1/people", json={"username": "vera", "reason": "joined"})
    assert made.status_code == 201, made.text
    granted = api.post("/api/v1/people/vera/roles", json={"role": "viewer", "namespace": "*", "reason": "to look"})
    assert granted.status_code < 300, granted.text

    page = desk.sit(signed_in=False)
    sign_in(page, product.url, "vera", made.json()["one_time_password"])
    expect(page.locator("h1")).to_have_text("Change password")
    page.locator("#oldpassword").fill(made.json()["one_time_password"])
    for field in ("#password1", "#password2"):
        page.locator(field).fill("seven dry riverbeds")
    page.locator("main form button").click()
    page.goto(SERVICE)
    isolate = page.locator(".bulk [data-act=isolate]")
    expect(isolate).to_have_attribute("aria-disabled", "true")
    expect(isolate).to_have_attribute(
        "title",
        "You lack the permission registry.write (create, change and delete "
        "services; isolate, drain and weigh endpoints).",
    )
    isolate.click(force=True)  # Playwright waits for what is disabled; people do not
    expect(page.locator(".toasts")).to_contain_text("registry.write")
    page.goto("/audit")
    expect(page.locator("h1")).to_have_text("Not permitted")
    desk.forgive("403")
