"""Who is shown what, without a browser."""

import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern

from gateway import sessions
from gateway.pages import urls
from gateway.sessions import PART, SEEN_AT
from governance.access.commands import CreatePerson, GrantRole
from governance.compliance.stream import stop_calls
from governance.kernel.actor import SYSTEM
from governance.kernel.permissions import PERMISSIONS
from governance.ledger.execute import execute
from governance.registry.commands import CreateService, RegisterEndpoint
from governance.registry.values import EndpointSpec, ServiceSpec
from governance.traffic.commands import SwitchBalancing
from governance.traffic.values import Balancing
from tests.fixtures.house import House

PUBLIC = {"catalogue"}
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def _service(namespace: str, name: str, *, description: str = "") -> None:
    spec = ServiceSpec(namespace=namespace, name=name, description=description)
    execute(CreateService(namespace=namespace, spec=spec), by=SYSTEM, reason=f"made {name}")


@pytest.fixture
def erin(ledger: House) -> Iterator[Client]:
    """A browser in which erin is signed in, who is an operator of the namespace shop alone."""
    execute(CreatePerson(username="erin", must_change_password=False), by=SYSTEM)
    execute(GrantRole(username="erin", role="operator", namespace="shop"), by=SYSTEM)
    _service("shop", "checkout", description="<b>bold & brave</b>")
    _service("bank", "vault")
    endpoint = EndpointSpec(name="c0", host="127.0.0.1", port=7000, zone="z1")
    execute(RegisterEndpoint(namespace="shop", service="checkout", spec=endpoint), by=SYSTEM)
    browser = Client(headers={"host": "127.0.0.1"})
    _sign_in(browser, "erin")
    yield browser
    stop_calls()


def _sign_in(browser: Client, name: str) -> None:
    browser.force_login(User.objects.get(username=name), backend=BACKEND)
    session = browser.session
    sessions.begin(session)
    session.save()


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_every_page_names_a_known_permission_or_is_public() -> None:
    named = {
        each.name: getattr(each.callback, "permission", None)
        for each in urls.urlpatterns
        if isinstance(each, URLPattern)
    }
    assert {name for name, permission in named.items() if permission is None} == PUBLIC
    assert {permission for permission in named.values() if permission} <= set(PERMISSIONS)


def test_strangers_are_led_to_the_sign_in_page(ledger: House) -> None:
    stranger = Client(headers={"host": "127.0.0.1"})
    for address in ("/", "/services", "/services/shop/checkout", "/clients", "/audit", "/audit/changes/1"):
        assert stranger.get(address).headers["Location"].startswith("/accounts/login/")
        assert stranger.get(address, headers={PART: "1"}).status_code == 401


def test_other_namespaces_do_not_appear_anywhere(erin: Client) -> None:
    for address in ("/", "/services", "/services?namespace=bank", "/audit", "/audit?stream=calls", "/clients"):
        assert "vault" not in _text(erin, address)
    assert erin.get("/services/bank/vault").status_code == 404
    assert erin.get("/services/bank/none").status_code == 404
    assert "checkout" in _text(erin, "/services")


def test_a_page_needs_its_permission_and_says_which(erin: Client, ledger: House) -> None:
    execute(CreatePerson(username="vera", must_change_password=False), by=SYSTEM)
    execute(GrantRole(username="vera", role="viewer", namespace="shop"), by=SYSTEM)
    _sign_in(erin, "vera")
    refused = erin.get("/audit")
    assert refused.status_code == 403
    assert "audit.read" in refused.content.decode()
    assert "data-refused" in _text(erin, "/services/shop/checkout")


def test_what_people_typed_is_text_and_never_markup(erin: Client) -> None:
    page = _text(erin, "/services/shop/checkout")
    assert "&lt;b&gt;bold &amp; brave&lt;/b&gt;" in page
    assert "<b>bold" not in page


def test_no_page_needs_inline_scripts_or_styles(erin: Client) -> None:
    for tab in ("endpoints", "balancing", "clients", "history", "events"):
        page = _text(erin, f"/services/shop/checkout?tab={tab}")
        assert " style=" not in page
        assert "<style" not in page
        assert page.count("<script>") == 0


def test_what_was_not_reported_is_unknown_and_not_zero(erin: Client) -> None:
    row = _text(erin, "/services").split("<tbody>")[1]
    assert row.count("unknown") == 2


def test_history_offers_every_revision_but_the_one_in_force(erin: Client) -> None:
    for policy in ("least_request", "ring_hash"):
        change = SwitchBalancing(namespace="shop", service="checkout", balancing=Balancing(policy=policy))
        execute(change, by=SYSTEM, reason=f"try {policy}")
    page = _text(erin, "/services/shop/checkout?tab=history")
    assert page.count("data-restore=") == 2  # the older one, and the default
    assert "try ring_hash" in page


def test_a_preview_shows_shares_before_and_after(erin: Client) -> None:
    page = _text(erin, "/services/shop/checkout/preview?endpoint=c0&isolated=true")
    assert "100.0 %" in page
    assert "0.0 %" in page


def test_reading_itself_again_does_not_keep_a_session_awake(erin: Client) -> None:
    session = erin.session
    session[SEEN_AT] = seen = int(time.time()) - 2 * sessions.TOUCH_S
    session.save()
    erin.get("/services", headers={PART: "1"})
    assert erin.session[SEEN_AT] == seen
    erin.get("/services")
    assert erin.session[SEEN_AT] > seen


def test_many_services_are_filtered_sorted_and_cut_into_pages(erin: Client) -> None:
    for n in range(120):
        _service("shop", f"s{n:03d}")
    first, last = _text(erin, "/services?sort=-name"), _text(erin, "/services?sort=-name&page=3")
    assert first.count("<tr data-key") == 50
    assert first.index("s119") < first.index("s118")
    assert "checkout" in last
    assert _text(erin, "/services?q=s11").count("<tr data-key") == 10
    assert "No service matches" in _text(erin, "/services?state=down")
