"""A caller with counters: `python -m tests.interop.caller <target> <calls per second> <long streams> [<how>]`.

It speaks plain text; with `xds` as its bootstrap file says, with `ROOTS.pem,NAME` TLS to a server of that name. Every
100 ms it prints what it counted since its start as one JSON line. It ends when its standard input does.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from pathlib import Path

import grpc
import grpc.experimental

from gateway.proto import demo_pb2 as pb

PLACE = "/governor.demo.v1.Checkout/PlaceOrder"
FOLLOW = "/governor.demo.v1.Checkout/FollowOrders"
KEYS = 211


class Caller:
    """Calls at a constant rate, whatever the answers."""

    def __init__(self, target: str, how: str) -> None:
        channel = _channel(target, how)
        self.place = channel.unary_unary(PLACE, pb.Order.SerializeToString, pb.Done.FromString)
        self.follow = channel.unary_stream(FOLLOW, pb.Order.SerializeToString, pb.Done.FromString)
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.keys: dict[str, str] = {}
        self.messages = self.broken = 0
        self.moved: tuple[float, str] = (0.0, "")  # when (monotonic, s) another instance than before answered
        self.numbers = itertools.count()
        self.pending: set[asyncio.Task[None]] = set()

    async def once(self) -> None:
        key = f"key-{next(self.numbers) % KEYS}"
        try:
            done = await self.place(pb.Order(customer=key), metadata=(("x-hash-key", key),), timeout=20)
        except grpc.aio.AioRpcError as error:
            self.errors[f"{error.code().name}: {error.details()}"] += 1
            return
        if done.instance != self.moved[1]:
            self.moved = time.monotonic(), done.instance
        self.calls[done.instance] += 1
        self.keys[key] = done.instance

    async def at(self, rate: float) -> None:
        first = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, first + number / rate - time.monotonic()))
            task = asyncio.create_task(self.once())
            self.pending.add(task)
            task.add_done_callback(self.pending.discard)

    async def hold(self) -> None:
        try:
            async for _ in self.follow(pb.Order(every_ms=100), metadata=(("x-hash-key", "stream"),)):
                self.messages += 1
        except grpc.aio.AioRpcError as error:
            self.errors[f"stream {error.code().name}: {error.details()}"] += 1
        self.broken += 1

    async def tell(self) -> None:
        while True:
            told = {
                "calls": self.calls,
                "errors": self.errors,
                "keys": self.keys,
                "messages": self.messages,
                "broken": self.broken,
                "moved": self.moved,
            }
            print(json.dumps(told), flush=True)  # noqa: T201
            await asyncio.sleep(0.1)


def _channel(target: str, how: str) -> grpc.aio.Channel:
    if not how:
        return grpc.aio.insecure_channel(target)
    if how == "xds":
        plain = grpc.experimental.insecure_channel_credentials()  # type: ignore[no-untyped-call]
        return grpc.aio.secure_channel(target, grpc.xds_channel_credentials(plain))
    roots, _, name = how.partition(",")
    named = [("grpc.ssl_target_name_override", name)]
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(Path(roots).read_bytes()), options=named)


async def _call(target: str, rate: float, streams: int, how: str = "") -> None:
    caller = Caller(target, how)
    await caller.place(pb.Order(), wait_for_ready=True, timeout=30)
    works = [caller.at(rate), caller.tell(), *(caller.hold() for _ in range(streams))]
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(_call(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
