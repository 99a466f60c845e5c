"""Steady calls at a fixed rate, long streams that are opened again when they break, and a tally of both; no Django."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc

from gateway.demo.shop import Offer
from gateway.proto import demo_pb2 as pb

CALL_S = 5.0
CUSTOMERS = 200
IN_FLIGHT = 64
TELL_S = 10.0
STREAM_EVERY_MS = 500
STREAM_PAUSE_S = 0.5

Metadata = tuple[tuple[str, str], ...]
Call = Callable[[str], Awaitable[str]]


class Tally:
    """Counts answers by instance, and failures by status, since the start of this process.

    `file` holds them as JSON, written anew every second; a line is printed only while calls fail.
    """

    def __init__(self, file: Path) -> None:
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.messages = 0
        self.broken = 0
        self._file = file

    async def keep(self) -> None:
        """Write the file and speak of failures until cancelled."""
        told, told_at = 0, time.monotonic()
        while True:
            await asyncio.sleep(1.0)
            self._write()
            failed = self.errors.total()
            if failed > told and time.monotonic() - told_at >= TELL_S:
                worst = ", ".join(f"{count} {code}" for code, count in self.errors.most_common(3))
                sys.stderr.write(f"{failed - told} calls failed (since the start: {worst})\n")
                told, told_at = failed, time.monotonic()

    def _write(self) -> None:
        state = {
            "calls": self.calls.total(),
            "errors": dict(self.errors),
            "instances": dict(self.calls),
            "stream_messages": self.messages,
            "streams_broken": self.broken,
        }
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(state))
        draft.replace(self._file)


def customer() -> str:
    """Someone who shops; the key that ring_hash keeps on one instance."""
    return f"customer-{random.randrange(CUSTOMERS)}"  # noqa: S311  (nothing secret)


def metadata_of(who: str) -> Metadata:
    """What accompanies a call of `who`."""
    return (("x-hash-key", who),)


def unary(channel: grpc.aio.Channel, offer: Offer) -> Call:
    """The short call of `offer` over `channel`; it returns the name of the instance that answered."""
    method: Any = channel.unary_unary(offer.unary_path, pb.Order.SerializeToString, pb.Done.FromString)

    async def call(who: str) -> str:
        done: pb.Done = await method(
            pb.Order(customer=who), metadata=metadata_of(who), timeout=CALL_S, wait_for_ready=True
        )
        return done.instance

    return call


async def steady(call: Call, *, rate: float, tally: Tally) -> None:
    """Call `rate` times a second, whether or not the answers keep up, until cancelled."""
    loop = asyncio.get_running_loop()
    free = asyncio.Semaphore(IN_FLIGHT)
    under_way: set[asyncio.Task[None]] = set()
    due = loop.time() + random.random() / rate  # noqa: S311  (so that callers do not march in step)
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        due = max(due + 1 / rate, loop.time() - 1.0)  # after a pause, catch up at most a second's worth
        await free.acquire()
        task = asyncio.create_task(_once(call, tally))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        task.add_done_callback(lambda _: free.release())


async def _once(call: Call, tally: Tally) -> None:
    try:
        tally.calls[await call(customer())] += 1
    except grpc.aio.AioRpcError as error:
        tally.errors[error.code().name] += 1
    except OSError as error:
        tally.errors[type(error).__name__] += 1


async def follow(channel: grpc.aio.Channel, offer: Offer, *, tally: Tally) -> None:
    """Hold one long stream open; when it breaks, count that and open another."""
    method: Any = channel.unary_stream(offer.stream_path, pb.Order.SerializeToString, pb.Done.FromString)
    while True:
        who = customer()
        try:
            order = pb.Order(customer=who, every_ms=STREAM_EVERY_MS)
            async for _ in method(order, metadata=metadata_of(who), wait_for_ready=True):
                tally.messages += 1
        except grpc.aio.AioRpcError:
            tally.broken += 1
        await asyncio.sleep(STREAM_PAUSE_S)


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run `works` until one of them fails or this is cancelled."""
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(work)
