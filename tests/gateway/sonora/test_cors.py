"""Calls from pages of other origins: allowed for the listed ones, without cookies, and for nobody else."""

import pytest

from gateway.interceptors.server import Context
from gateway.rpc.sonora import EdgeRefusal
from tests.gateway.sonora.wire import HOST, ORIGIN, frame, headers, post, served

CONSOLE = "https://console.example"


def preflight(**changes: str | None) -> list[tuple[bytes, bytes]]:
    asks: dict[str, str | None] = {
        "origin": CONSOLE,
        "sec_fetch_site": "cross-site",
        "content_type": None,
        "x_grpc_web": None,
        "access_control_request_method": "POST",
        "access_control_request_headers": "content-type,x-grpc-web",
    }
    return headers(**(asks | changes))


async def test_a_preflight_of_a_listed_origin_is_answered_with_that_origin_and_a_list_of_headers() -> None:
    answer = await post(served(others=[CONSOLE]), method="OPTIONS", sent=preflight())
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == CONSOLE
    assert answer.headers["access-control-allow-methods"] == "POST"
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"content-type", "x-grpc-web", "grpc-timeout", "authorization"} <= set(allowed)
    assert "*" not in allowed
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "origin"


async def test_a_preflight_of_the_own_origin_is_answered() -> None:
    answer = await post(served(), method="OPTIONS", sent=preflight(origin=ORIGIN, sec_fetch_site="same-origin"))
    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": None},
        {"origin": "https://console.example.evil.example"},
        {"origin": "http://console.example"},
        {"host": "evil.example:8000"},
    ],
)
async def test_any_other_preflight_is_refused_without_a_word_of_access_control(changes: dict[str, str | None]) -> None:
    refusals = list[EdgeRefusal]()
    answer = await post(served(others=[CONSOLE], refusals=refusals), method="OPTIONS", sent=preflight(**changes))
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert len(refusals) == 1


async def test_a_listed_origin_may_call_and_read_the_answer_but_its_cookies_do_not_count() -> None:
    seen: dict[str, str | bytes] = {}

    async def say(request: bytes, context: Context) -> bytes:
        seen.update(context.invocation_metadata() or ())
        await context.send_initial_metadata((("x-first", "1"),))
        return b"hello"

    sent = headers(origin=CONSOLE, sec_fetch_site="cross-site", cookie="session=1", authorization="Bearer gov_x")
    answer = await post(served(say, others=[CONSOLE + "/"]), frame(b""), sent=sent)
    assert answer.messages == [b"hello"]
    assert answer.headers["access-control-allow-origin"] == CONSOLE
    assert answer.headers["access-control-expose-headers"] == "x-first"
    assert "access-control-allow-credentials" not in answer.headers
    assert "cookie" not in seen
    assert seen["authorization"] == "Bearer gov_x"


async def test_the_own_origin_gets_no_access_control_headers_and_keeps_its_cookies() -> None:
    seen: dict[str, str | bytes] = {}

    async def say(request: bytes, context: Context) -> bytes:
        seen.update(context.invocation_metadata() or ())
        return b""

    answer = await post(served(say), frame(b""), sent=headers(cookie="session=1"))
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert seen["cookie"] == "session=1"
    assert answer.headers["vary"] == "origin"


@pytest.mark.parametrize(
    ("host", "port"), [("localhost", 80), ("127.0.0.1", 8000), ("[::1]", 8000), ("a.b.example", 1)]
)
async def test_hosts_are_named_as_django_names_them(host: str, port: int) -> None:
    from gateway.rpc.sonora import Origins

    origins = Origins(hosts=["localhost", "127.0.0.1", "[::1]", ".b.example"])
    assert origins.serves(f"{host}:{port}")
    assert origins.serves(host.upper())
    assert not origins.serves(f"x{host}.evil")
    assert not origins.serves(HOST)
