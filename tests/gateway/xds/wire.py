"""A hand-written xDS client and a server over fleets that the test publishes itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import grpc
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)
from google.protobuf import descriptor_pool, message_factory
from google.rpc.status_pb2 import Status

from gateway.xds.ads import METHODS, DiscoveryService
from gateway.xds.compile import Compiler
from gateway.xds.fleet import Fleet
from gateway.xds.names import SHORT
from gateway.xds.stream import Stream
from gateway.xds.streams import Streams

PATIENCE_S = 10.0
LONG = {short: full for full, short in SHORT.items()}


class Client:
    """One stream. Types go by their short names; nothing is acknowledged unless the test says so."""

    def __init__(self, channel: grpc.aio.Channel, mode: Literal["sotw", "delta"], node: Any) -> None:
        delta = mode == "delta"
        request, response = (
            (DeltaDiscoveryRequest, DeltaDiscoveryResponse) if delta else (DiscoveryRequest, DiscoveryResponse)
        )
        self._request, self._delta, self.node = request, delta, node
        method: Any = channel.stream_stream(METHODS[delta], request.SerializeToString, response.FromString)
        self.call = method()

    async def ask(self, short: str, *names: str, **more: Any) -> None:
        """Subscribe to `names`, or to everything; the node goes with the first message only."""
        field = "resource_names_subscribe" if self._delta else "resource_names"
        request = self._request(type_url=LONG.get(short, short), node=self.node, **{field: names}, **more)
        self.node = None
        await self.call.write(request)

    async def read(self) -> Any:
        """The next response; fails when none comes."""
        return await asyncio.wait_for(self.call.read(), PATIENCE_S)

    async def ack(self, response: Any, *names: str) -> None:
        """Accept `response`; state of the world repeats the names."""
        more = {} if self._delta else {"resource_names": names, "version_info": response.version_info}
        await self.call.write(self._request(type_url=response.type_url, response_nonce=response.nonce, **more))

    async def nack(self, response: Any, text: str, *names: str) -> None:
        """Refuse `response`."""
        more = {} if self._delta else {"resource_names": names}
        refusal = Status(code=3, message=text)
        await self.call.write(
            self._request(type_url=response.type_url, response_nonce=response.nonce, error_detail=refusal, **more)
        )

    async def take(self, short: str, *names: str) -> Any:
        """Subscribe, read the answer and accept it."""
        await self.ask(short, *names)
        response = await self.read()
        assert SHORT[response.type_url] == short
        await self.ack(response, *names)
        return response

    async def code(self) -> grpc.StatusCode:
        """How the stream ended."""
        code: grpc.StatusCode = await self.call.code()
        return code

    def leave(self) -> None:
        """Break the stream off."""
        self.call.cancel()


def names_in(response: Any) -> list[str]:
    """The names of the resources in a response of either form."""
    found = []
    for each in response.resources:
        if hasattr(each, "name"):
            found.append(each.name)
        else:
            message: Any = message_factory.GetMessageClass(
                descriptor_pool.Default().FindMessageTypeByName(each.TypeName())
            )()
            each.Unpack(message)
            found.append(getattr(message, "cluster_name", "") or message.name)
    return found


@dataclass
class Server:
    """A served fleet."""

    address: str
    streams: Streams
    compiler: Compiler
    channel: grpc.aio.Channel
    service: DiscoveryService

    def publish(self, fleet: Fleet) -> None:
        """As the follower does."""
        made = {group: self.compiler.compile(fleet, group) for group in self.streams.groups}
        self.streams.publish(fleet, made)

    def client(
        self,
        mode: Literal["sotw", "delta"] = "sotw",
        *,
        envoy: bool = False,
        node_id: str = "n",
        channel: grpc.aio.Channel | None = None,
    ) -> Client:
        """A new stream, on a connection of its own where `channel` is given."""
        node = Node(id=node_id, user_agent_name="envoy" if envoy else "gRPC Go")
        node.metadata.update({"governor": {"listen": "127.0.0.1:10000"}})
        return Client(channel or self.channel, mode, node)

    def one(self) -> Stream:
        """The only stream there is."""
        (stream,) = self.streams
        return stream


@asynccontextmanager
async def serving(fleet: Fleet, *, credentials: grpc.ServerCredentials | None = None) -> AsyncIterator[Server]:
    """A running discovery service, in plain text unless it has `credentials`."""
    compiler = Compiler()
    streams = Streams(compiler, fleet)
    service = DiscoveryService(streams)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service.handler(),))
    here = "127.0.0.1:0"
    port = server.add_secure_port(here, credentials) if credentials else server.add_insecure_port(here)
    address = f"127.0.0.1:{port}"
    await server.start()
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield Server(address, streams, compiler, channel, service)
        await service.close()
    await server.stop(None)


async def settle(true: Any, *, what: str) -> None:
    """Wait until `true()`."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110  (what is waited for rings no bell)
            await asyncio.sleep(0.005)
    assert true(), what


def shorts(responses: Sequence[Any]) -> list[str]:
    """The types of responses, in their order."""
    return [SHORT[each.type_url] for each in responses]
