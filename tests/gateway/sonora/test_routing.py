"""Which requests are gRPC-Web's, what is served, and what stands before it."""

import inspect
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from sonora.asgi import grpcASGI

from gateway.interceptors.server import Context
from gateway.rpc.sonora import Web
from tests.gateway.sonora.wire import Client, Never, echo, frame, handlers, headers, post, served

UNAUTHENTICATED, UNIMPLEMENTED = 16, 12


async def beyond(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode(), "more_body": False})


async def test_an_unknown_method_of_a_known_service_is_unimplemented_and_not_left_to_django() -> None:
    answer = await post(served(application=beyond), frame(b""), path="/test.Echo/Nothing")
    assert (answer.status, answer.code) == (200, UNIMPLEMENTED)


async def test_an_unknown_service_is_unimplemented_when_it_is_asked_for_in_grpc_web() -> None:
    assert (await post(served(application=beyond), frame(b""), path="/test.Other/Say")).code == UNIMPLEMENTED
    answer = await post(served(application=beyond), path="/test.Other/Say", sent=headers(content_type="text/plain"))
    assert answer.status == 299


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/test.Echo",
        "/test.Echo/",
        "/test.Echo/Say/",
        "//test.Echo/Say",
        "/x/test.Echo/Say",
        "/test.echo/Say",
        "/test.Echo/Say;x",
        "/test.Echo//Say",
        "/./test.Echo/Say",
    ],
)
async def test_no_other_spelling_of_a_path_reaches_the_method(path: str) -> None:
    say = Never()
    await post(served(say, application=beyond), frame(b""), path=path)
    assert not say.reached


async def test_an_escaped_path_does_not_reach_the_method() -> None:
    say = Never()
    answer = await post(served(say, application=beyond), frame(b""), raw_path=b"/test.Echo%2FSay")
    assert (answer.status, say.reached) == (299, False)


@pytest.mark.parametrize("kind", ["Watch", "Gather", "Chat", "Say"])
async def test_a_method_without_code_is_unimplemented_whatever_its_kind(kind: str) -> None:
    async def unwritten(request: Any, context: Context) -> Any:
        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        context.set_details("Method not implemented!")

    web = served(unwritten, unwritten, unwritten, unwritten)
    answer = await post(web, frame(b""), path=f"/test.Echo/{kind}")
    assert (answer.status, answer.code, answer.messages) == (200, UNIMPLEMENTED, [])


async def test_handlers_may_be_registered_in_the_generic_way() -> None:
    web = served()
    web.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Generic", handlers(echo))])
    assert (await post(web, frame(b"x"), path="/test.Generic/Say")).messages == [b"x"]
    assert (await post(web, frame(b"x"), path="/test.Generic/Nothing")).code == UNIMPLEMENTED


class Gate(grpc.aio.ServerInterceptor):
    """An interceptor as grpc.aio's documentation shows them."""

    def __init__(self, name: str, order: list[str]) -> None:
        self._name, self._order = name, order

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        self._order.append(f"{self._name} {handler_call_details.method}")
        if dict(handler_call_details.invocation_metadata).get("x-pass") != "yes":

            async def refuse(request: Any, context: Context) -> Any:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no pass")

            return grpc.unary_unary_rpc_method_handler(refuse)
        return await continuation(handler_call_details)


async def test_the_interceptors_of_grpc_aio_run_unchanged_and_in_order() -> None:
    order: list[str] = []
    say = Never()
    web = served(say, interceptors=[Gate("outer", order), Gate("inner", order)])
    assert (await post(web, frame(b""), sent=headers(x_pass="yes"))).messages == [b"reached"]
    assert order == ["outer /test.Echo/Say", "inner /test.Echo/Say"]
    say.reached = False
    answer = await post(web, frame(b""))
    assert (answer.code, answer.trailers["grpc-message"], say.reached) == (UNAUTHENTICATED, "no pass", False)
    assert len(order) == 3


async def test_alone_it_answers_lifespan_websockets_and_other_paths() -> None:
    web = served()
    life = Client(web, type="lifespan")
    life.events.put_nowait({"type": "lifespan.startup"})
    life.events.put_nowait({"type": "lifespan.shutdown"})
    events = (await life.start().finish()).events
    assert [event["type"] for event in events] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    socket = Client(web, type="websocket")
    socket.events.put_nowait({"type": "websocket.connect"})
    assert (await socket.start().finish()).events == [{"type": "websocket.close", "code": 1000}]
    assert (await post(web, path="/elsewhere")).status == 404


async def test_other_scopes_go_to_the_application_behind() -> None:
    seen: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    for kind in ("lifespan", "websocket"):
        await Client(served(application=inner), type=kind).start().finish()
    assert seen == ["lifespan", "websocket"]


def test_a_synchronous_handler_is_refused_when_it_is_registered() -> None:
    def say(request: bytes, context: Any) -> bytes:
        return request

    with pytest.raises(TypeError, match=r"say is synchronous; write it as async def"):
        served(say)  # type: ignore[arg-type]


async def test_handlers_may_be_objects_that_are_called() -> None:
    class Watch:
        async def __call__(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
            yield b"one"

    answer = await post(served(Never(), Watch()), frame(b""), path="/test.Echo/Watch")
    assert answer.messages == [b"one"]


def test_none_of_stock_sonoras_own_code_serves_a_request() -> None:
    serving = {name for name, code in vars(grpcASGI).items() if inspect.iscoroutinefunction(code)}
    replaced = {name for name in serving if name in vars(Web)}
    # What is not replaced is called by nothing of what replaces it.
    assert serving - replaced == {"_do_streaming_response", "_do_unary_response", "_do_grpc_error"}
    package = Path(inspect.getfile(Web)).parent
    code = "\n".join(file.read_text() for file in package.glob("*.py"))
    assert not [name for name in serving - replaced if name in code]


def test_sonoras_client_is_used_nowhere() -> None:
    root = Path(__file__).parents[3]
    found = subprocess.run(
        ["grep", "-rlE", r"sonora\.(aio|client)|import (aio|client)$", "--include=*.py", "gateway", "governance"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
