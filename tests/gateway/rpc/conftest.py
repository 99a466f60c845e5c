"""The admin API as native programs meet it: a real server with the real chain, in the test's own loop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import grpc
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from gateway.doors import native_interceptors
from gateway.rpc import servicers
from governance.access import tokens
from governance.access.commands import CreatePerson, CreateToken, GrantRole
from governance.access.values import RoleGrant, TokenSpec
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.ledger.execute import execute
from tests.fixtures.house import House

Metadata = tuple[tuple[str, str], ...]
TokenFor = Callable[..., Awaitable[Metadata]]


@pytest.fixture
def token_for(house: House) -> TokenFor:
    """Metadata that carries a fresh token of `role`, which holds in `namespace`."""
    execute(CreatePerson(username="root"), by=SYSTEM)
    execute(GrantRole(username="root", role="admin"), by=SYSTEM)

    def make(role: str, namespace: str = EVERYWHERE) -> Metadata:
        secret = tokens.make()
        spec = TokenSpec(
            name=f"{role}-{namespace}".replace("*", "all"),
            grants=(RoleGrant(role=role, namespace=namespace),),
            lifetime_s=int(timedelta(hours=1).total_seconds()),
        )
        execute(CreateToken(owner="root", spec=spec, digest=tokens.digest(secret)), by=SYSTEM)
        return (("authorization", f"Bearer {secret}"),)

    return sync_to_async(make, thread_sensitive=False)


@pytest_asyncio.fixture
async def channel(house: House) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server that listens on a free port."""
    server = grpc.aio.server(interceptors=native_interceptors())
    servicers.add_all(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(None)
