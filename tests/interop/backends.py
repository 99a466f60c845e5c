"""Real gRPC servers in one process: `python -m tests.interop.backends name:zone:version:latency_ms ...`.

Prints {name: port} as one JSON line. Each line on its standard input is a command: `stop c0`, `start c0`,
`failing c0` and `serving c0` (what its health service says). It ends when its standard input does.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.proto import demo_pb2 as pb

SERVICE = "governor.demo.v1.Checkout"


class Backend:
    """One instance; its answers carry its name."""

    def __init__(self, described: str) -> None:
        self.name, self.zone, self.version, latency_ms = described.split(":")
        self.latency_s = int(latency_ms) / 1000
        self.port = 0
        self.health = health.aio.HealthServicer()
        self.server: grpc.aio.Server | None = None
        self.leaving = asyncio.Event()

    async def start(self) -> None:
        self.leaving = asyncio.Event()
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handlers = {
            "PlaceOrder": grpc.unary_unary_rpc_method_handler(
                self.place, pb.Order.FromString, pb.Done.SerializeToString
            ),
            "FollowOrders": grpc.unary_stream_rpc_method_handler(
                self.follow, pb.Order.FromString, pb.Done.SerializeToString
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        await self.say("SERVING")
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        self.server = server

    async def stop(self) -> None:
        if self.server is not None:
            self.leaving.set()
            await self.server.stop(None)
            self.server = None

    async def say(self, status: str) -> None:
        await self.health.set("", health_pb2.HealthCheckResponse.ServingStatus.Value(status))

    def done(self) -> pb.Done:
        return pb.Done(instance=self.name, zone=self.zone, version=self.version)

    async def place(self, request: pb.Order, context: Any) -> pb.Done:
        await asyncio.sleep(self.latency_s)
        return self.done()

    async def follow(self, request: pb.Order, context: Any) -> AsyncIterator[pb.Done]:
        while not self.leaving.is_set():
            yield self.done()
            try:
                await asyncio.wait_for(self.leaving.wait(), (request.every_ms or 200) / 1000)
            except TimeoutError:
                continue


async def _serve(described: list[str]) -> None:
    backends = {backend.name: backend for backend in map(Backend, described)}
    for backend in backends.values():
        await backend.start()
    print(json.dumps({name: backend.port for name, backend in backends.items()}), flush=True)  # noqa: T201
    while line := await asyncio.to_thread(sys.stdin.readline):
        word, name = line.split()
        backend = backends[name]
        if word == "stop":
            await backend.stop()
        elif word == "start":
            await backend.start()
        else:
            await backend.say("SERVING" if word == "serving" else "NOT_SERVING")
    for backend in backends.values():
        await backend.stop()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
