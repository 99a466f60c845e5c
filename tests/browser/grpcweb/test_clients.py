"""connect-web and the official grpc-web client in Chromium, against the hardened edge."""

import asyncio
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.grpcweb.conftest import PATIENCE_S, Edge

CLIENTS = ["connect-web", "grpc-web, text", "grpc-web, binary"]
pytestmark = pytest.mark.browser
every_client = pytest.mark.parametrize("client", CLIENTS)
CANCELLED, UNKNOWN, DEADLINE, NOT_FOUND, UNAVAILABLE = 1, 2, 4, 5, 14


def call(page: Page, *arguments: Any) -> Any:
    return page.evaluate("arguments => calls(...arguments)", list(arguments))


@pytest.fixture
def own(page: Page, edge: Edge) -> Page:
    """A page of the edge's own origin."""
    page.goto(edge.url)
    return page


@every_client
def test_a_unary_call_is_answered(own: Page, client: str) -> None:
    ended = call(own, client, "Say", "grüß Gott")
    assert (ended["code"], ended["texts"]) == (0, ["grüß Gott"])


@every_client
def test_a_large_message_goes_both_ways(own: Page, client: str) -> None:
    text = "x" * 1_000_000
    assert call(own, client, "Say", text)["texts"] == [text]


@every_client
def test_a_server_stream_arrives_whole_and_in_order(own: Page, client: str) -> None:
    ended = call(own, client, "Count", "500")
    assert (ended["code"], ended["texts"]) == (0, [str(number) for number in range(500)])


@every_client
def test_an_empty_stream_ends_well(own: Page, client: str) -> None:
    ended = call(own, client, "Count", "0")
    assert (ended["code"], ended["texts"]) == (0, [])


@every_client
def test_a_refusal_arrives_with_its_words_and_details(own: Page, client: str) -> None:
    ended = call(own, client, "Fail", "")
    assert (ended["code"], ended["message"]) == (NOT_FOUND, "text: there is no “thing”")
    assert ended["texts"] == []
    assert ended["details"]


@every_client
def test_a_refusal_after_some_messages_keeps_them(own: Page, client: str) -> None:
    ended = call(own, client, "FailLate", "3")
    assert (ended["code"], ended["message"]) == (NOT_FOUND, "text: there is no “thing”")
    assert ended["texts"] == ["0", "1", "2"]


@pytest.mark.parametrize("client", CLIENTS[:2])  # the official client in binary form shows a stream only at its end
def test_leaving_an_idle_stream_stops_its_handler(own: Page, edge: Edge, client: str) -> None:
    edge.service.left.clear()
    ended = call(own, client, "Idle", "", 1)
    assert ended["texts"] == ["first"]
    assert edge.service.left.wait(PATIENCE_S)


@every_client
def test_closing_the_page_stops_the_handler(own: Page, edge: Edge, client: str) -> None:
    edge.service.left.clear()
    with own.expect_response(lambda response: response.url.endswith("/Idle")):
        own.evaluate("client => { calls(client, 'Idle', '') }", client)
    own.goto("about:blank")
    assert edge.service.left.wait(PATIENCE_S)


@every_client
def test_a_deadline_ends_the_call(own: Page, edge: Edge, client: str) -> None:
    edge.service.left.clear()
    ended = call(own, client, "Idle", "", 0, 300)
    assert ended["code"] == DEADLINE
    assert edge.service.left.wait(PATIENCE_S)


def test_the_trace_is_in_the_trailers(own: Page) -> None:
    trailers = call(own, "connect-web", "Say", "")["trailers"]
    assert len(trailers["x-trace-id"]) == 32


@every_client
def test_a_page_of_a_listed_origin_may_call(page: Page, edge: Edge, client: str) -> None:
    page.goto(f"http://localhost:{edge.port}/?target={edge.url}")
    assert call(page, client, "Say", "hello")["texts"] == ["hello"]
    assert call(page, client, "Count", "3")["texts"] == ["0", "1", "2"]


@every_client
def test_a_page_of_any_other_origin_may_not(page: Page, edge: Edge, client: str) -> None:
    page.goto(f"http://evil.localhost:{edge.port}/?target={edge.url}")
    edge.service.refusals.clear()
    ended = call(page, client, "Say", "hello")
    assert ended["code"] in (UNKNOWN, UNAVAILABLE)
    assert [(each.status, each.origin) for each in edge.service.refusals] == [
        ("403", f"http://evil.localhost:{edge.port}")
    ]


def test_a_form_of_another_page_calls_nothing(page: Page, edge: Edge) -> None:
    page.goto(f"http://evil.localhost:{edge.port}/")
    edge.service.refusals.clear()
    with page.expect_navigation() as navigation:
        page.evaluate(
            """url => {
              const form = Object.assign(document.createElement("form"), { method: "POST", action: url });
              document.body.append(form);
              form.submit();
            }""",
            f"{edge.url}/test.v1.Echo/Say",
        )
    response = navigation.value
    assert response is not None
    assert response.status == 403
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(edge.service.refusals) == 1


def test_a_server_that_goes_away_ends_open_streams_with_a_status(own: Page, edge: Edge) -> None:
    own.evaluate("() => { window.open_stream = calls('connect-web', 'Idle', '') }")
    edge.service.left.clear()
    asyncio.run_coroutine_threadsafe(edge.web.drain(PATIENCE_S), edge.loop).result(PATIENCE_S)
    try:
        assert own.evaluate("() => window.open_stream")["code"] == UNAVAILABLE
    finally:
        edge.web._leaving = False
