"""Signing in and out in a browser: what is recorded, how long it lasts, and which headers protect it."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from gateway import sessions
from gateway.sessions import actor_of_session
from governance.access import tasks
from governance.access.commands import CreatePerson, DisablePerson, GrantRole, SetPassword
from governance.access.queries import actor_of_user
from governance.compliance import queries as compliance
from governance.compliance.queries import Call
from governance.compliance.stream import calls, stop_calls
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Unauthenticated
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from tests.fixtures.house import House

PASSWORD = "correct horse battery staple"
HASH = make_password(PASSWORD)


@pytest.fixture
def browser(ledger: House) -> Iterator[Client]:
    """A browser, and erin who is a viewer, and root who is admin."""
    stop_calls()
    cache.clear()
    for name, role in (("erin", "viewer"), ("root", "admin")):
        execute(CreatePerson(username=name, password_hash=HASH, must_change_password=False), by=SYSTEM)
        execute(GrantRole(username=name, role=role), by=SYSTEM)
    yield Client(headers={"host": "127.0.0.1"})
    stop_calls()
    cache.clear()


def _sign_in(browser: Client, *, name: str = "erin", password: str = PASSWORD, next_: str = "") -> HttpResponse:
    response: HttpResponse = browser.post("/accounts/login/", {"login": name, "password": password, "next": next_})  # type: ignore[assignment]
    return response


def _key(browser: Client) -> str:
    return browser.cookies["governor_session"].value


def _session_calls() -> list[Call]:
    assert calls().flush(20)
    return [call for call in compliance.after(0, limit=1000) if call.action.startswith("access.session.")]


def test_signing_in_and_out_is_recorded(browser: Client) -> None:
    assert _sign_in(browser).status_code == 302
    key = _key(browser)
    assert actor_of_session(key).name == "erin"
    browser.post("/accounts/logout/")
    with pytest.raises(Unauthenticated):
        actor_of_session(key)
    opened, closed = _session_calls()
    assert (opened.action, opened.actor, opened.outcome) == ("access.session.open", "erin", "success")
    assert (closed.action, closed.thing, closed.address) == ("access.session.close", "person/erin", "127.0.0.1")


def test_a_wrong_password_and_an_unknown_name_look_the_same(browser: Client) -> None:
    known, unknown = _sign_in(browser, password="wrong"), _sign_in(browser, name="nobody", password="wrong")
    assert (known.status_code, unknown.status_code) == (200, 200)
    said = [re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in (known, unknown)]
    assert said[0] == said[1]


def test_a_failed_attempt_is_recorded_without_what_was_typed_for_an_unknown_name(browser: Client) -> None:
    _sign_in(browser, password="wrong")
    _sign_in(browser, name="my secret password", password="x")
    known, unknown = _session_calls()
    assert (known.outcome, known.thing, known.actor) == ("refused", "person/erin", "anonymous")
    assert (unknown.outcome, unknown.thing) == ("refused", "")
    assert "my secret" not in str(unknown)


def test_guessing_is_stopped_by_address_and_recorded(browser: Client) -> None:
    for _ in range(7):
        _sign_in(browser, password="wrong")
    assert "too many attempts" in {call.message for call in _session_calls()}
    elsewhere = Client(headers={"host": "127.0.0.1"}, REMOTE_ADDR="192.0.2.7")
    assert _sign_in(elsewhere).status_code == 302  # nobody is locked out by a stranger


def test_nobody_signs_themselves_up_or_resets_by_mail(browser: Client) -> None:
    for path in ("signup/", "password/reset/", "email/", "reauthenticate/", "login/code/confirm/"):
        assert browser.get(f"/accounts/{path}").status_code == 404


def test_the_session_cookie_is_out_of_reach_and_new_at_each_sign_in(browser: Client) -> None:
    _sign_in(browser)
    cookie, first = browser.cookies["governor_session"], _key(browser)
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", "")
    browser.post("/accounts/logout/")
    _sign_in(browser)
    assert _key(browser) != first


def test_a_sign_in_leads_only_to_our_own_pages(browser: Client) -> None:
    for place in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert _sign_in(browser, next_=place).headers["location"] == "/"
        browser.post("/accounts/logout/")


@pytest.mark.parametrize("after", [timedelta(seconds=sessions.IDLE_S + 1), timedelta(seconds=sessions.ABSOLUTE_S + 1)])
def test_a_session_ends_by_itself(browser: Client, monkeypatch: pytest.MonkeyPatch, after: timedelta) -> None:
    _sign_in(browser)
    began = time.time()
    monkeypatch.setattr("gateway.sessions.time.time", lambda: began + after.total_seconds())
    with pytest.raises(Unauthenticated):
        actor_of_session(_key(browser))
    assert browser.get("/api/v1/me").status_code == 401


def test_use_keeps_a_session_but_not_for_ever(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _sign_in(browser)
    began, key = time.time(), _key(browser)
    for hours in (0.9, 1.8, 2.7, 3.6, 4.5, 5.4, 6.3, 7.2, 7.9):
        at = began + hours * 3600
        monkeypatch.setattr("gateway.sessions.time.time", lambda at=at: at)
        assert actor_of_session(key).name == "erin"
    monkeypatch.setattr("gateway.sessions.time.time", lambda: began + 8.1 * 3600)
    with pytest.raises(Unauthenticated):
        actor_of_session(key)


def test_disabling_someone_or_a_new_password_ends_their_sessions(browser: Client) -> None:
    _sign_in(browser)
    execute(SetPassword(username="erin", password_hash=make_password("another long phrase")), by=SYSTEM)
    with pytest.raises(Unauthenticated):
        actor_of_session(_key(browser))
    _sign_in(browser, password="another long phrase")
    execute(DisablePerson(username="erin"), by=SYSTEM)
    with pytest.raises(Unauthenticated):
        actor_of_session(_key(browser))


def test_ended_sessions_are_forgotten(browser: Client) -> None:
    _sign_in(browser)
    key = _key(browser)
    Session.objects.filter(pk=key).update(expire_date=now() - timedelta(seconds=1))
    tasks.forget_ended_sessions()
    assert not Session.objects.filter(pk=key).exists()


@pytest.mark.parametrize("key", ["", "x", "a" * 32, "../../etc/passwd"])
def test_a_made_up_session_is_nobody(browser: Client, key: str) -> None:
    with pytest.raises(Unauthenticated):
        actor_of_session(key)


def test_a_one_time_password_leads_to_its_change_and_opens_nothing_else(browser: Client) -> None:
    execute(SetPassword(username="erin", password_hash=HASH, must_change_password=True), by=SYSTEM)
    _sign_in(browser)
    change = "/accounts/password/change/"
    assert browser.get("/services", headers={"accept": "text/html"}).headers["location"] == change
    assert browser.get("/api/v1/services").status_code == 403
    body = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}
    assert browser.post(change, body).headers["location"] == "/"
    assert browser.get("/api/v1/services").status_code == 200
    entry = ledger.history("person/erin")[0]
    assert (entry.action, entry.actor, entry.door) == ("access.password.set", "erin", "page")
    assert not actor_of_user("erin").may("traffic.write")


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_a_poor_new_password_is_refused(browser: Client, password: str) -> None:
    _sign_in(browser)
    before = ledger.head_revision()
    body = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert browser.post("/accounts/password/change/", body).status_code == 200
    assert ledger.head_revision() == before


def test_every_answer_carries_the_protecting_headers(browser: Client) -> None:
    pages = [browser.get("/accounts/login/"), browser.get("/api/v1/me"), browser.get("/healthz")]
    _sign_in(browser)
    pages += [browser.get("/"), browser.get("/api/"), browser.get("/nowhere")]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert "no-store" in page.headers["cache-control"]


def test_no_page_holds_what_its_policy_forbids(browser: Client) -> None:
    _sign_in(browser)
    for path in ("/", "/services", "/clients", "/audit", "/api/", "/accounts/password/change/", "/accounts/logout/"):
        page = browser.get(path).content.decode()
        assert " style=" not in page, path
        assert "<style" not in page, path
        assert "<script>" not in page, path
        assert " onclick=" not in page, path
