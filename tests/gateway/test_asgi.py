"""One door: what goes to gRPC-Web, what to the sockets, what to Django."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from gateway import asgi, doors
from gateway.rpc import permissions
from tests.fixtures.house import House
from tests.gateway.sonora.wire import Client, frame, headers, post

HOST = "localhost:8000"
LIST = "/governor.admin.v1.TrafficService/ListBalancing"
Respond = Callable[..., Any]


def sent(**changes: str | None) -> list[tuple[bytes, bytes]]:
    return headers(**({"host": HOST, "origin": f"http://{HOST}"} | changes))


async def test_every_method_of_the_api_is_served_over_grpc_web_and_asks_who_is_calling(house: House) -> None:
    for method in permissions.methods():
        path = f"/{method.containing_service.full_name}/{method.name}"
        if path in doors.OPEN:
            continue
        answer = await post(asgi.application, frame(b""), path=path, sent=sent())
        assert (path, answer.code) == (path, 16)


async def test_other_paths_are_djangos(house: House) -> None:
    plain = [(b"host", HOST.encode())]
    answer = await post(
        asgi.application, path="/no/such/page", method="GET", sent=plain, query_string=b"", http_version="1.1"
    )
    assert answer.status == 404
    assert "x-frame-options" in answer.headers


async def test_a_socket_from_elsewhere_is_not_opened(house: House) -> None:
    client = Client(
        asgi.application,
        type="websocket",
        path="/live/audit",
        sent=[(b"host", HOST.encode()), (b"origin", b"https://evil.example")],
        query_string=b"",
        subprotocols=[],
    )
    client.events.put_nowait({"type": "websocket.connect"})
    answer = await client.start().until(lambda answer: bool(answer.events))
    assert "websocket.accept" not in [event["type"] for event in answer.events]
    client.events.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await client.finish()


async def test_it_starts_and_stops(house: House) -> None:
    life = Client(asgi.application, type="lifespan")
    life.events.put_nowait({"type": "lifespan.startup"})
    life.events.put_nowait({"type": "lifespan.shutdown"})
    events = (await life.start().finish()).events
    assert [event["type"] for event in events] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def ask(app: Any, *pieces: bytes, **scope: Any) -> Client:
    client = Client(app, path="/page", query_string=b"", http_version="1.1", **scope)
    for piece in pieces[:-1]:
        client.body(piece, more=True)
    if pieces:
        client.body(pieces[-1])
    return client


async def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_hyphen() -> None:
    seen: dict[str, str] = {}

    def page(environ: dict[str, Any], start_response: Respond) -> Iterable[bytes]:
        seen.update({name: value for name, value in environ.items() if name.startswith("HTTP_")})
        start_response("200 OK", [])
        return [b""]

    forged = [(b"host", b"x"), (b"x_forwarded_for", b"10.0.0.1"), (b"x-real", b"yes")]
    await ask(asgi.threaded(page), b"", sent=forged).start().finish()
    assert seen == {"HTTP_HOST": "x", "HTTP_X_REAL": "yes"}


async def test_a_body_that_is_cut_off_is_not_taken_for_a_shorter_one() -> None:
    outcome: list[str] = []
    is_reading = threading.Event()

    def page(environ: dict[str, Any], start_response: Respond) -> Iterable[bytes]:
        is_reading.set()
        try:
            outcome.append(environ["wsgi.input"].read(100).decode())
        except OSError as error:
            outcome.append(type(error).__name__)
        start_response("200 OK", [])
        return [b""]

    client = ask(asgi.threaded(page), sent=[(b"host", b"x"), (b"content-length", b"100")])
    client.body(b"weights=1", more=True)
    client.start()
    assert await asyncio.to_thread(is_reading.wait, 10)
    client.leave()
    await client.finish()
    assert outcome == ["ConnectionResetError"]
