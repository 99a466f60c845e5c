"""A discovery service on mutual TLS, for hand-written clients with certificates."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import grpc
from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret as SecretMessage

from gateway.xds.fleet import Fleet
from gateway.xds.trust import Secret
from tests.gateway.xds.authority import TestAuthority, control_plane_secret
from tests.gateway.xds.wire import Client, Server, serving

Mode = Literal["sotw", "delta"]


class Room:
    """A discovery service on mutual TLS, and connections to it."""

    def __init__(self, authority: TestAuthority, server: Server) -> None:
        self.authority, self.server = authority, server
        self.channels: list[grpc.aio.Channel] = []

    def channel(self, secret: Secret | None) -> grpc.aio.Channel:
        credentials = self.authority.channel_credentials(secret)
        local = [("grpc.use_local_subchannel_pool", 1)]
        self.channels.append(grpc.aio.secure_channel(self.server.address, credentials, options=local))
        return self.channels[-1]

    def client(self, secret: Secret | None, mode: Mode = "sotw", *, envoy: bool = True, node_id: str = "n") -> Client:
        return self.server.client(mode, envoy=envoy, node_id=node_id, channel=self.channel(secret))


@asynccontextmanager
async def room(authority: TestAuthority, served: Fleet, *, demand: bool = True) -> AsyncIterator[Room]:
    own = control_plane_secret(authority)
    pair = (own.key_pem, own.chain_pem)
    credentials = (
        authority.server_credentials(own) if demand else grpc.ssl_server_credentials([pair], authority.roots_pem)
    )
    async with serving(served, credentials=credentials) as server:
        made = Room(authority, server)
        try:
            yield made
        finally:
            for channel in made.channels:
                await channel.close()


def secrets_in(response: Any) -> dict[str, SecretMessage]:
    found = {}
    for each in response.resources:
        message = SecretMessage()
        (each.resource if hasattr(each, "resource") else each).Unpack(message)
        found[message.name] = message
    return found
