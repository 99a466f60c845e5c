"""The admin API as native programs meet it: a real server with the real chain, in the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from gateway.doors import native_interceptors
from gateway.proto import certificate_pb2 as pb
from gateway.proto.certificate_pb2_grpc import CertificateServiceStub
from gateway.rpc import servicers
from governance.access import tokens
from governance.access.commands import CreatePerson, CreateToken, GrantRole
from governance.access.values import RoleGrant, TokenSpec
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.ledger.execute import execute
from governance.pki.setup import ensure_pki
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.gateway.rpc.wanted import in_thread, request

if TYPE_CHECKING:  # it exists for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub

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


@pytest.fixture
async def pki(channel: grpc.aio.Channel) -> CertificateServiceAsyncStub:
    """CertificateService, with an issuer in place."""
    await in_thread(ensure_pki)()
    return CertificateServiceStub(channel)


@pytest.fixture
async def alice(token_for: TokenFor) -> Metadata:
    """An operator's token."""
    return await token_for("operator")


@pytest.fixture
async def bob(token_for: TokenFor) -> Metadata:
    """A security officer's token."""
    return await token_for("security")


@pytest.fixture
async def issued(pki: CertificateServiceAsyncStub, alice: Metadata) -> pb.Certificate:
    """The certificate shop/cart after its first issue."""
    await pki.RequestCertificate(request(), metadata=alice)
    await in_thread(issue_due)()
    return await pki.GetCertificate(pb.GetCertificateRequest(namespace="shop", name="cart"), metadata=alice)
