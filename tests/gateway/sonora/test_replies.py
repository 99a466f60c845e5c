"""What the edge answers: each test is a defect of stock Sonora, named in plain words."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import grpc
import pytest

from gateway.interceptors.call import Status
from gateway.interceptors.server import Context
from tests.gateway.sonora.wire import BINARY, Client, frame, headers, post, served

CANCELLED, DEADLINE, NOT_FOUND, INTERNAL, UNAVAILABLE = 1, 4, 5, 13, 14
WATCH = "/test.Echo/Watch"


async def test_the_trailers_of_a_unary_answer_are_text_and_not_the_repr_of_bytes() -> None:
    answer = await post(served(), frame(b"hello"))
    assert answer.body == frame(b"hello") + frame(b"grpc-status: 0\r\n", flags=0x80)
    assert answer.headers["content-length"] == str(len(answer.body))


async def test_a_code_that_the_handler_sets_is_the_status_and_drops_the_message() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        context.set_code(grpc.StatusCode.NOT_FOUND)
        context.set_details("no such thing")
        return b"ignored"

    answer = await post(served(say), frame(b""))
    assert (answer.code, answer.trailers["grpc-message"], answer.messages) == (NOT_FOUND, "no such thing", [])


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/grpc-web-text", "image/svg+xml, */*"])
async def test_the_content_type_of_the_answer_is_fixed_whatever_is_accepted(accept: str) -> None:
    answer = await post(served(), frame(b"<script>"), sent=headers(accept=accept))
    assert answer.headers["content-type"] == BINARY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_refusal_at_the_level_of_http_is_plain_text() -> None:
    answer = await post(served(), b"", sent=headers(content_type="text/html", accept="text/html"))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_error_after_the_first_message_keeps_the_messages_and_the_status() -> None:
    async def watch(request: bytes, context: Context) -> AsyncIterator[bytes]:
        yield b"one"
        await context.abort(grpc.StatusCode.UNAVAILABLE, "half way", (("x-at", "1"),))

    answer = await post(served(watch=watch), frame(b""), path=WATCH)
    assert (answer.status, answer.messages, answer.code) == (200, [b"one"], UNAVAILABLE)
    assert (answer.trailers["grpc-message"], answer.trailers["x-at"]) == ("half way", "1")


async def test_a_deadline_after_the_first_message_keeps_the_messages_and_the_status() -> None:
    async def watch(request: bytes, context: Context) -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.Event().wait()

    answer = await post(served(watch=watch), frame(b""), path=WATCH, sent=headers(grpc_timeout="50m"))
    assert (answer.status, answer.messages, answer.code) == (200, [b"one"], DEADLINE)


async def test_a_stream_without_messages_ends_well() -> None:
    async def watch(request: bytes, context: Context) -> AsyncIterator[bytes]:
        for message in list[bytes]():
            yield message

    answer = await post(served(watch=watch), frame(b""), path=WATCH)
    assert (answer.status, answer.messages, answer.code) == (200, [], 0)


async def test_the_head_of_an_idle_stream_is_sent_before_its_first_message() -> None:
    async def watch(request: bytes, context: Context) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b"never"

    client = Client(served(watch=watch), path=WATCH)
    client.body(frame(b""))
    answer = await client.start().until(lambda answer: len(answer.events) == 2)
    assert (answer.status, answer.body, answer.ended) == (200, b"", False)
    client.leave()
    await client.finish()


async def test_initial_metadata_comes_in_the_head_and_may_be_sent_once() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        await context.send_initial_metadata((("x-first", "1"), ("x-raw-bin", b"\xff")))
        with pytest.raises(grpc.aio.UsageError):
            await context.send_initial_metadata(())
        return b"done"

    answer = await post(served(say), frame(b""))
    assert (answer.headers["x-first"], answer.headers["x-raw-bin"]) == ("1", base64.b64encode(b"\xff").decode())
    assert (answer.messages, answer.code) == ([b"done"], 0)


async def test_an_exception_becomes_a_status_that_keeps_its_text_secret() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        raise ValueError("password=hunter2")

    answer = await post(served(say), frame(b""))
    assert (answer.status, answer.code) == (200, INTERNAL)
    assert unquote(answer.trailers["grpc-message"]).startswith("internal error, reference ")
    assert b"hunter2" not in answer.body


@pytest.mark.parametrize("error", [TimeoutError(), StopAsyncIteration()])
async def test_a_time_out_inside_the_handler_is_not_the_callers_deadline(error: Exception) -> None:
    async def say(request: bytes, context: Context) -> bytes:
        raise error

    assert (await post(served(say), frame(b""))).code == INTERNAL


async def test_a_handler_that_cancels_itself_ends_the_call_as_cancelled() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        raise asyncio.CancelledError

    assert (await post(served(say), frame(b""))).code == CANCELLED


async def test_abort_keeps_its_trailing_metadata() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        await context.abort(
            grpc.StatusCode.NOT_FOUND, "gone: 100 % — ü\r\n", (("x-why", "because"), ("x-raw-bin", b"\x00\xff"))
        )

    answer = await post(served(say), frame(b""))
    assert answer.code == NOT_FOUND
    assert unquote(answer.trailers["grpc-message"]) == "gone: 100 % — ü\r\n"
    assert answer.trailers["x-why"] == "because"
    assert base64.b64decode(answer.trailers["x-raw-bin"]) == b"\x00\xff"


async def test_abort_with_status_takes_a_status() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        await context.abort_with_status(
            Status(grpc.StatusCode.NOT_FOUND, "gone", (("grpc-status-details-bin", b"details"),))
        )

    answer = await post(served(say), frame(b""))
    assert (answer.code, answer.trailers["grpc-message"]) == (NOT_FOUND, "gone")
    assert base64.b64decode(answer.trailers["grpc-status-details-bin"]) == b"details"


async def test_abort_stands_even_when_the_handler_goes_on() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        with pytest.raises(grpc.aio.AbortError):
            await context.abort(grpc.StatusCode.NOT_FOUND, "gone")
        return b"all is well"

    answer = await post(served(say), frame(b""))
    assert (answer.code, answer.messages) == (NOT_FOUND, [])


FORGED: list[tuple[str, Any]] = [
    ("x-a", "1\r\ngrpc-status: 0"),
    ("x-a", "1\ngrpc-status: 0"),
    ("x-a\r\ngrpc-status", "0"),
    ("grpc-status", "0"),
    ("x-a", "ü"),
    ("x-a", b"bytes"),
    ("x-a-bin", "text"),
]


@pytest.mark.parametrize(("name", "value"), FORGED)
async def test_metadata_cannot_forge_trailers(name: str, value: Any) -> None:
    async def say(request: bytes, context: Context) -> bytes:
        context.set_trailing_metadata(((name, value),))
        return b""

    assert (await post(served(say), frame(b""))).trailers.keys() == {"grpc-status", "grpc-message"}

    async def head(request: bytes, context: Context) -> bytes:
        await context.send_initial_metadata(((name, value),))
        return b""

    assert (await post(served(head), frame(b""))).code == INTERNAL


async def test_an_answer_that_cannot_be_written_is_our_fault() -> None:
    async def say(request: bytes, context: Context) -> Any:
        return None

    assert (await post(served(say), frame(b""))).code == INTERNAL


async def test_messages_of_a_stream_in_text_form_are_each_whole() -> None:
    async def watch(request: bytes, context: Context) -> AsyncIterator[bytes]:
        for text in (b"a", b"bb", b"ccc"):
            yield text

    answer = await post(
        served(watch=watch),
        base64.b64encode(frame(b"")),
        path=WATCH,
        sent=headers(content_type="application/grpc-web-text"),
    )
    assert (answer.messages, answer.code) == ([b"a", b"bb", b"ccc"], 0)
