"""The context of a gRPC-Web call is grpc.aio's context: what a servicer asks of the one, it may ask of the other."""

import inspect
from typing import Any

import grpc
import pytest

from gateway.interceptors.server import Context
from gateway.rpc.sonora.context import WebContext, peer_of
from tests.gateway.sonora.wire import frame, headers, post, served


async def ask(question: Any, **request: Any) -> Any:
    answers: list[Any] = []

    async def say(request: bytes, context: Context) -> bytes:
        answers.append(question(context))
        return b""

    assert (await post(served(say), frame(b""), **request)).code == 0
    return answers[0]


async def test_it_is_grpc_aios_context() -> None:
    assert await ask(lambda context: isinstance(context, grpc.aio.ServicerContext))
    public = [name for name in vars(grpc.aio.ServicerContext) if not name.startswith("_")]
    assert [name for name in public if name not in vars(WebContext)] == []
    coroutines = {name for name in public if inspect.iscoroutinefunction(getattr(grpc.aio.ServicerContext, name))}
    assert {name for name in public if inspect.iscoroutinefunction(getattr(WebContext, name))} == coroutines


async def test_it_says_who_calls() -> None:
    assert await ask(lambda context: context.peer()) == "ipv4:192.0.2.7:50123"
    assert await ask(lambda context: context.peer(), client=None) == "unix:"
    assert peer_of(("2001:db8::1", 443)) == "ipv6:[2001:db8::1]:443"
    assert await ask(
        lambda context: (context.auth_context(), context.peer_identities(), context.peer_identity_key())
    ) == (
        {},
        None,
        None,
    )


async def test_it_knows_code_details_and_trailing_metadata_as_methods() -> None:
    def change(context: Context) -> Any:
        before = (context.code(), context.details(), context.trailing_metadata())
        context.set_trailing_metadata((("x-a", "1"),))
        context.set_details("fine")
        return before, context.details(), context.trailing_metadata()

    assert await ask(change) == ((None, "", ()), "fine", (("x-a", "1"),))


@pytest.mark.parametrize(
    ("timeout_text", "seconds"), [("5S", 5), ("2M", 120), ("1H", 3600), ("5000m", 5), ("9000000u", 9)]
)
async def test_it_knows_how_much_time_is_left(timeout_text: str, seconds: int) -> None:
    remaining = await ask(lambda context: context.time_remaining(), sent=headers(grpc_timeout=timeout_text))
    assert seconds - 1 < remaining <= seconds
    assert await ask(lambda context: context.time_remaining()) is None


async def test_metadata_is_what_the_caller_sent_and_nothing_of_http() -> None:
    sent = headers(
        x_a="1", b_bin="AAE=,Ag==", authorization="Bearer x", accept="*/*", grpc_timeout="5S", referer="http://x"
    )
    metadata = await ask(lambda context: context.invocation_metadata(), sent=sent)
    assert metadata == (("x-a", "1"), ("b-bin", b"\x00\x01"), ("b-bin", b"\x02"), ("authorization", "Bearer x"))


async def test_it_calls_back_when_the_call_is_over() -> None:
    told: list[Any] = []
    contexts: list[Context] = []

    tell: Any = lambda context: told.append((context, context.done(), context.cancelled()))  # noqa: E731  (its stub fits no function)

    def listen(context: Context) -> None:
        contexts.append(context)
        context.add_done_callback(tell)

    await ask(listen)
    assert told == [(contexts[0], True, False)]


async def test_a_unary_handler_cannot_write_and_nobody_can_abort_twice() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        with pytest.raises(grpc.aio.UsageError):
            await context.write(b"x")
        with pytest.raises(grpc.aio.AbortError):
            await context.abort(grpc.StatusCode.NOT_FOUND, "once")
        with pytest.raises(grpc.aio.UsageError):
            await context.abort(grpc.StatusCode.INTERNAL, "twice")
        return b""

    answer = await post(served(say), frame(b""))
    assert (answer.code, answer.trailers["grpc-message"]) == (5, "once")


async def test_aborting_with_ok_is_unknown() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        await context.abort(grpc.StatusCode.OK, "all is well")

    assert (await post(served(say), frame(b""))).code == 2


async def test_a_code_may_be_given_as_a_number() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        context.set_code(5)  # type: ignore[arg-type]  # as older servicers do
        return b""

    assert (await post(served(say), frame(b""))).code == 5
