"""The Aggregated Discovery Service on a grpc.aio server: state of the world and delta."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest

from gateway.xds.identity import identified
from gateway.xds.stream import WARM_LIMIT_S, Mode, Stream
from gateway.xds.streams import Streams

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHODS = (f"/{SERVICE}/StreamAggregatedResources", f"/{SERVICE}/DeltaAggregatedResources")


class DiscoveryService:
    """Serves both methods from one set of streams."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._open: set[asyncio.Event] = set()
        self._ended = asyncio.Event()
        self._ended.set()
        self._closing = False

    def handler(self) -> grpc.GenericRpcHandler:
        """Both methods; requests are parsed, responses are bytes already."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "StreamAggregatedResources": grpc.stream_stream_rpc_method_handler(
                    partial(self._serve, mode="sotw"), request_deserializer=DiscoveryRequest.FromString
                ),
                "DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(
                    partial(self._serve, mode="delta"), request_deserializer=DeltaDiscoveryRequest.FromString
                ),
            },
        )

    async def close(self, timeout_s: float = 2.0) -> None:
        """End every stream from our side, so that clients reconnect at once and nothing is torn."""
        self._closing = True
        for bell in list(self._open):
            bell.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._ended.wait()

    async def _serve(self, requests: AsyncIterator[Any], context: Any, *, mode: Mode) -> AsyncIterator[bytes]:
        identity = await identified(context, self._streams.identify)
        bell, address = asyncio.Event(), _address(context.peer())
        stream = Stream(id=secrets.token_hex(4), mode=mode, address=address, wake=bell.set, identity=identity)
        self._open.add(bell)
        self._ended.clear()
        reader = asyncio.create_task(self._read(stream, requests, bell))
        try:
            while not reader.done() and not self._closing:
                bell.clear()
                while (message := stream.next_message()) is not None:
                    yield message
                if stream.held:
                    asyncio.get_running_loop().call_later(WARM_LIMIT_S, bell.set)
                self._streams.dirty.add(stream)
                await bell.wait()
        finally:
            self._open.discard(bell)
            if not self._open:
                self._ended.set()
            reader.cancel()
            stream.end()
            self._streams.leave(stream)

    async def _read(self, stream: Stream, requests: AsyncIterator[Any], bell: asyncio.Event) -> None:
        try:
            async for request in requests:
                known = stream.node is not None
                stream.receive(request)
                if not known:
                    await self._streams.join(stream)
        finally:
            bell.set()


def _address(peer: str) -> str:
    """`ipv4:127.0.0.1:4711` without its scheme."""
    return peer.partition(":")[2] or peer
