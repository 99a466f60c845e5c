"""Calls that stay open, and clients that leave: each test is a defect of stock Sonora, named in plain words."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from gateway.interceptors.server import Context
from gateway.rpc.sonora import Limits, Web
from tests.gateway.sonora.wire import PATIENCE_S, Answer, Client, Event, frame, headers, post, served

EXHAUSTED, UNAVAILABLE, DEADLINE = 8, 14, 4
WATCH = "/test.Echo/Watch"


class Idle:
    """A handler that waits until it is told to stop."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.cleaned_up = asyncio.Event()

    async def say(self, request: bytes, context: Context) -> bytes:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cleaned_up.set()
        return b""

    async def watch(self, request: bytes, context: Context) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            self.entered.set()
            await asyncio.Event().wait()
        finally:
            self.cleaned_up.set()


async def within(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


@pytest.mark.parametrize("path", ["/test.Echo/Say", WATCH])
async def test_a_client_that_leaves_ends_an_idle_handler(path: str) -> None:
    idle = Idle()
    client = Client(served(idle.say, idle.watch), path=path)
    client.body(frame(b""))
    client.start()
    await within(idle.entered)
    client.leave()
    answer = await client.finish()
    assert idle.cleaned_up.is_set()
    assert not answer.ended, "trailers were sent to nobody"


async def test_the_generator_of_a_stream_is_closed_when_the_call_ends_not_when_it_is_collected() -> None:
    idle = Idle()
    answer = await post(served(idle.say, idle.watch), frame(b""), path=WATCH, sent=headers(grpc_timeout="50m"))
    assert idle.cleaned_up.is_set()
    assert (answer.messages, answer.code) == ([b"first"], DEADLINE)


async def test_a_late_piece_of_the_body_drops_no_message_of_the_answer() -> None:
    go_on = asyncio.Event()

    async def watch(request: bytes, context: Context) -> AsyncIterator[bytes]:
        for number in range(6):
            yield b"%d" % number
            if number == 0:
                await go_on.wait()
            await asyncio.sleep(0)

    client = Client(served(watch=watch), path=WATCH)
    client.body(frame(b""))
    client.start()
    await client.until(lambda answer: len(answer.messages) == 1)
    for _ in range(4):
        client.body(b"", more=True)
    go_on.set()
    answer = await client.finish()
    assert answer.messages == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert answer.code == 0


async def test_a_server_whose_send_and_receive_return_futures_can_stream() -> None:
    async def watch(request: bytes, context: Context) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    answer, loop = Answer(), asyncio.get_running_loop()
    events = iter([{"type": "http.request", "body": frame(b""), "more_body": False}])

    def receive() -> asyncio.Future[Event]:
        future: asyncio.Future[Event] = loop.create_future()
        if (event := next(events, None)) is not None:
            future.set_result(event)
        return future

    def send(event: Event) -> asyncio.Future[None]:
        answer.events.append(event)
        future: asyncio.Future[None] = loop.create_future()
        future.set_result(None)
        return future

    scope = {"type": "http", "method": "POST", "path": WATCH, "headers": headers(), "scheme": "http", "client": None}
    async with asyncio.timeout(PATIENCE_S):
        await served(watch=watch)(scope, receive, send)
    assert (answer.messages, answer.code) == ([b"one", b"two"], 0)


@pytest.mark.parametrize("kind", ["chat_generator", "chat_reader"])
async def test_messages_go_both_ways_in_both_styles_of_handler(kind: str) -> None:
    async def chat_generator(requests: Any, context: Context) -> AsyncIterator[bytes]:
        async for message in requests:
            yield message.upper()

    async def chat_reader(_: Any, context: Context) -> None:
        while (message := await context.read()) is not grpc.aio.EOF:
            await context.write(message.upper())

    styles: dict[str, Callable[..., Any]] = {"chat_generator": chat_generator, "chat_reader": chat_reader}
    client = Client(served(chat=styles[kind]), path="/test.Echo/Chat")
    client.start()
    client.body(frame(b"a"), more=True)
    await client.until(lambda answer: answer.body == frame(b"A"))  # answered before the request ends
    client.body(frame(b"b") + frame(b"c"))
    answer = await client.finish()
    assert (answer.messages, answer.code) == ([b"A", b"B", b"C"], 0)


async def test_a_handler_that_will_not_stop_does_not_keep_its_caller_waiting() -> None:
    release = asyncio.Event()

    async def say(request: bytes, context: Context) -> bytes:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return b"late"

    web = served(say, limits=Limits(wind_down_s=0.05))
    answer = await post(web, frame(b""), sent=headers(grpc_timeout="50m"))
    assert (answer.code, answer.messages) == (DEADLINE, [])
    release.set()


async def test_draining_ends_streams_and_lets_unary_calls_finish() -> None:
    idle, release, entered = Idle(), asyncio.Event(), asyncio.Event()

    async def say(request: bytes, context: Context) -> bytes:
        entered.set()
        await release.wait()
        return b"done"

    web = served(say, idle.watch)
    stream, unary = Client(web, path=WATCH), Client(web)
    for client in (stream, unary):
        client.body(frame(b""))
        client.start()
    await within(idle.entered)
    await within(entered)
    draining = asyncio.create_task(web.drain(PATIENCE_S))
    ended = await stream.finish()
    assert (ended.messages, ended.code) == ([b"first"], UNAVAILABLE)
    assert (await post(web, frame(b""))).code == UNAVAILABLE
    release.set()
    assert (await unary.finish()).messages == [b"done"]
    assert await draining


async def test_draining_ends_what_does_not_end_by_itself() -> None:
    idle = Idle()
    client = Client(served(idle.say))
    web: Web = client._app
    client.body(frame(b""))
    client.start()
    await within(idle.entered)
    assert not await web.drain(0.05)
    assert (await client.finish()).code == UNAVAILABLE
    assert idle.cleaned_up.is_set()


async def test_one_address_cannot_take_every_place() -> None:
    idle = Idle()
    web = served(idle.say, idle.watch, limits=Limits(open_calls_per_address=1, open_calls=2))
    first = Client(web)
    first.body(frame(b""))
    first.start()
    await within(idle.entered)
    assert (await post(web, frame(b""))).code == EXHAUSTED
    second = Client(web, client=("192.0.2.8", 1))
    second.body(frame(b""))
    idle.entered.clear()
    second.start()
    await within(idle.entered)
    assert (await post(web, frame(b""), client=("192.0.2.9", 1))).code == EXHAUSTED
    for client in (first, second):
        client.leave()
        await client.finish()
    late = Client(web)
    late.body(frame(b""))
    late.start()
    late.leave()
    assert (await late.finish()).events == [], "a place that was left is free again"


async def test_a_server_that_stops_cancels_the_handler() -> None:
    idle = Idle()
    client = Client(served(idle.say))
    client.body(frame(b""))
    client.start()
    await within(idle.entered)
    assert client.task is not None
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    await within(idle.cleaned_up)
