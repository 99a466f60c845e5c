"""One server of the fleet: answers calls after its latency, and can really be stopped and started."""

import asyncio
from collections.abc import AsyncIterator

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.demo.guarded import Guarded
from gateway.demo.shop import Instance, Offer
from gateway.proto import demo_pb2 as pb

HOST = "127.0.0.1"
EVERY_MS = 500
Context = grpc.aio.ServicerContext[pb.Order, pb.Done]


class Backend:
    """A grpc.aio server for one instance; `port` stays the same while it is stopped and started."""

    def __init__(self, offer: Offer, planned: Instance, *, port: int = 0, guarded: Guarded | None = None) -> None:
        self.offer = offer
        self.planned = planned
        self.port = port
        self.latency_ms = planned.latency_ms
        self._guarded = guarded
        self._server: grpc.aio.Server | None = None
        self._stopping = asyncio.Event()

    @property
    def up(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    async def start(self) -> None:
        """Listen, at the port of last time where that is still free."""
        self._stopping = asyncio.Event()
        # Without this two servers could share a port, and each would get half of the calls.
        interceptors = () if self._guarded is None else (self._guarded.interceptor(),)
        server = grpc.aio.server(interceptors=interceptors, options=[("grpc.so_reuseport", 0)])
        healthy = health.aio.HealthServicer()
        await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
        await healthy.set(self.offer.grpc_service, health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        handlers = {
            self.offer.unary: grpc.unary_unary_rpc_method_handler(
                self._answer, pb.Order.FromString, pb.Done.SerializeToString
            ),
            self.offer.stream: grpc.unary_stream_rpc_method_handler(
                self._follow, pb.Order.FromString, pb.Done.SerializeToString
            ),
        }
        server.add_registered_method_handlers(self.offer.grpc_service, handlers)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(self.offer.grpc_service, handlers),))
        self.port = self._bind(server)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Stop listening at once; what is under way fails, as when a machine is lost."""
        if self._server is not None:
            server, self._server = self._server, None
            self._stopping.set()
            await asyncio.sleep(0)  # streams end by themselves, before they are cancelled with a traceback each
            await server.stop(None)

    def _done(self) -> pb.Done:
        return pb.Done(instance=self.planned.name, zone=self.planned.zone, version=self.planned.version)

    async def _answer(self, request: pb.Order, context: Context) -> pb.Done:
        await self._pause(self.latency_ms, context)
        return self._done()

    async def _follow(self, request: pb.Order, context: Context) -> AsyncIterator[pb.Done]:
        count = 0
        while not request.messages or count < request.messages:
            await self._pause(request.every_ms or EVERY_MS, context)
            yield self._done()
            count += 1

    async def _pause(self, for_ms: int, context: Context) -> None:
        try:
            async with asyncio.timeout(for_ms / 1000):
                await self._stopping.wait()
        except TimeoutError:
            return
        await context.abort(grpc.StatusCode.UNAVAILABLE, f"{self.planned.name} is stopping")

    def _bind(self, server: grpc.aio.Server) -> int:
        """The port that `server` got: that of last time when it is free, else any."""
        if self.port:
            try:
                return self._open(server, self.port)
            except RuntimeError:  # someone else listens there now
                pass
        return self._open(server, 0)

    def _open(self, server: grpc.aio.Server, port: int) -> int:
        address = f"{HOST}:{port}"
        if self._guarded is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, self._guarded.credentials_of(self.offer).credentials())
