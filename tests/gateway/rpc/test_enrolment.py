"""EnrolmentService on a port of mutual TLS: workloads renew what they show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

from gateway.agent import identity as own
from gateway.agent.identity import Identity
from gateway.agent.secrets import TYPE as SECRETS
from gateway.doors import native_interceptors
from gateway.enrol import joined
from gateway.guard import Guard
from gateway.proto import certificate_pb2 as pb
from gateway.proto.certificate_pb2_grpc import EnrolmentServiceStub
from gateway.rpc import servicers
from gateway.tls.pair import check_pair
from gateway.xds.ads import METHODS
from gateway.xds.process import XdsProcess
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki import observe
from governance.pki.commands import AdvanceRotation, RequestCertificate, RevokeCertificate, SetWorkload
from governance.pki.enrolment import names_for
from governance.pki.keys import make_key
from governance.pki.keys import to_pem as key_to_pem
from governance.pki.observe import Seen
from governance.pki.pem import bundle_id, to_pem
from governance.pki.queries.authorities import signer_of
from governance.pki.queries.delivery import deliverables
from governance.pki.requests import make_request
from governance.pki.setup import ensure_pki
from governance.pki.succession import successor_of
from governance.pki.values import CertificateSpec
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.wanted import in_thread, refused

if TYPE_CHECKING:  # it exists for the type checker alone
    from gateway.proto.certificate_pb2_grpc import EnrolmentServiceAsyncStub

CART = "spiffe://governor.internal/ns/shop/sa/cart"


@dataclass(frozen=True)
class Port:
    """A port of mutual TLS."""

    address: str

    def connect(self, identity: Identity) -> grpc.aio.Channel:
        """A channel that shows `identity`."""
        credentials = grpc.ssl_channel_credentials(identity.roots_pem, identity.pair.key_pem, identity.pair.chain_pem)
        return grpc.aio.secure_channel(self.address, credentials)


@pytest_asyncio.fixture
async def port(house: House) -> AsyncIterator[Port]:
    """The native door, with the chain that looks at certificates."""
    await in_thread(ensure_pki)()
    guard = Guard("test")
    await in_thread(guard.start)()
    server = grpc.aio.server(interceptors=native_interceptors(guard))
    servicers.add_all(server)
    xds = XdsProcess(check_health=False)
    await xds.start(server)
    number = server.add_secure_port("127.0.0.1:0", guard.credentials.credentials())
    await server.start()
    yield Port(f"127.0.0.1:{number}")
    await xds.stop()
    await server.stop(None)
    await in_thread(guard.stop)()


@pytest.fixture
async def cart(port: Port) -> Identity:
    """The identity of shop/cart."""
    found: Identity = await in_thread(joined)("shop", "cart", reason="test")
    return found


def stub_of(channel: grpc.aio.Channel) -> EnrolmentServiceAsyncStub:
    return EnrolmentServiceStub(channel)


def csr(name: str = "cart") -> bytes:
    return make_request(make_key("ECDSA", 256), names_for("shop", name))


async def test_a_workload_renews_its_own_certificate_and_uses_the_new_one(port: Port, cart: Identity) -> None:
    key = make_key("ECDSA", 256)
    async with port.connect(cart) as channel:
        answer = await stub_of(channel).Renew(pb.RenewRequest(csr=own.asked(key)))
    renewed = own.granted(key, answer.chain_pem.encode(), answer.roots_pem.encode())
    assert (answer.uri, renewed.uri) == (CART, CART)
    assert renewed.pair.serial != cart.pair.serial
    entry = await in_thread(ledger.get)(await in_thread(ledger.last_revision)("workload/shop/cart"))
    assert (entry.actor, entry.actor_kind, entry.door, entry.action) == (CART, "workload", "grpc", "pki.workload.enrol")
    async with port.connect(renewed) as channel:
        check = await stub_of(channel).Check(pb.CheckRequest())
    assert (check.renew, check.roots_pem) == (False, answer.roots_pem)


async def test_a_workload_gets_no_certificate_of_another(port: Port, cart: Identity) -> None:
    async with port.connect(cart) as channel:
        refusal = await refused(stub_of(channel).Renew(pb.RenewRequest(csr=csr("till"))))
    assert (refusal.code(), (refusal.details() or "")[:4]) == (grpc.StatusCode.INVALID_ARGUMENT, "csr:")


async def test_a_workload_is_told_to_renew_when_another_signs(port: Port, cart: Identity) -> None:
    await in_thread(execute)(await in_thread(successor_of)("internal"), by=SYSTEM)
    async with port.connect(cart) as channel:
        await in_thread(execute)(AdvanceRotation(issuer="internal", to="distributing"), by=SYSTEM)
        before = await stub_of(channel).Check(pb.CheckRequest())
        assert (before.renew, before.roots_pem.count("BEGIN")) == (False, 2)
        roots = bundle_id(before.roots_pem)
        seen = Seen(consumer=CART, process="p", secret="", serial="", roots=roots, how="agent")
        await in_thread(observe.holdings)([seen], at=now())
        await in_thread(execute)(AdvanceRotation(issuer="internal", to="activated"), by=SYSTEM)
        assert (await stub_of(channel).Check(pb.CheckRequest())).renew


async def test_what_is_revoked_or_disabled_is_not_renewed(port: Port, cart: Identity) -> None:
    serial = cart.pair.serial
    await in_thread(execute)(SetWorkload(namespace="shop", workload="cart", enabled=False), by=SYSTEM)
    async with port.connect(cart) as channel:
        refusal = await refused(stub_of(channel).Renew(pb.RenewRequest(csr=csr())))
        assert refusal.code() is grpc.StatusCode.PERMISSION_DENIED
        await in_thread(execute)(SetWorkload(namespace="shop", workload="cart", enabled=True), by=SYSTEM)
        await in_thread(execute)(RevokeCertificate(namespace="shop", serial=serial), by=SYSTEM)
        refusal = await refused(stub_of(channel).Renew(pb.RenewRequest(csr=csr())))
        assert refusal.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


async def test_a_certificate_of_our_root_that_never_joined_opens_nothing(port: Port, cart: Identity) -> None:
    """A managed certificate with the SPIFFE ID of a workload: it chains to our root, and that is not enough."""
    spec = CertificateSpec(secret_name="till", issuer="internal", uris=(CART.replace("cart", "till"),))
    await in_thread(execute)(RequestCertificate(namespace="shop", name="till", spec=spec), by=SYSTEM)
    await in_thread(issue_due)()
    (found,) = await in_thread(deliverables)(only=[("shop", "till")])
    till = Identity(pair=check_pair(found.chain_pem.encode(), found.key_pem), roots_pem=cart.roots_pem)
    async with port.connect(till) as channel:
        refusal = await refused(stub_of(channel).Renew(pb.RenewRequest(csr=csr("till"))))
    assert refusal.code() is grpc.StatusCode.PERMISSION_DENIED


def forged(of: Identity, *, serial: str = "") -> Identity:
    """An identity like `of` over another key, signed by the key of our signer, but not here."""
    _, signer = signer_of("internal")
    key, leaf = make_key("ECDSA", 256), of.pair.chain[0]
    builder = x509.CertificateBuilder(
        subject_name=leaf.subject,
        issuer_name=leaf.issuer,
        public_key=key.public_key(),
        serial_number=int(serial, 16) if serial else x509.random_serial_number(),
        not_valid_before=leaf.not_valid_before_utc,
        not_valid_after=leaf.not_valid_after_utc,
    )
    for extension in leaf.extensions:
        if not isinstance(extension.value, x509.SubjectKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(signer.key, SHA256())
    pair = check_pair(to_pem(made, *of.pair.chain[1:]).encode(), key_to_pem(key), roots_pem=of.roots_pem)
    return Identity(pair=pair, roots_pem=of.roots_pem)


@pytest.mark.parametrize("borrowed", [False, True], ids=["unknown serial", "serial of the real one"])
async def test_what_was_signed_elsewhere_with_our_own_key_is_no_workload(
    port: Port, cart: Identity, token_for: TokenFor, borrowed: bool
) -> None:
    """As whoever stole an authority's key, or may use one that was imported, would sign it."""
    thief = await in_thread(forged)(cart, serial=cart.pair.serial if borrowed else "")
    token: Metadata = await token_for("workload")
    async with port.connect(thief) as channel:
        refusal = await refused(stub_of(channel).Renew(pb.RenewRequest(csr=csr())))
        assert refusal.code() is grpc.StatusCode.PERMISSION_DENIED
        for metadata in ((), token):  # nor does a token that somebody has make a data plane of it
            for delta in (False, True):
                assert await first_answer(channel, delta=delta, metadata=metadata) is grpc.StatusCode.PERMISSION_DENIED
    async with port.connect(cart) as channel:
        assert (await stub_of(channel).Check(pb.CheckRequest())).roots_pem
        assert await first_answer(channel) is grpc.StatusCode.OK


async def first_answer(
    channel: grpc.aio.Channel, *, delta: bool = False, metadata: Metadata | tuple[()] = ()
) -> grpc.StatusCode:
    """How discovery answers somebody who asks for the roots; OK when it sends them."""
    request: Any = DeltaDiscoveryRequest if delta else DiscoveryRequest
    response: Any = DeltaDiscoveryResponse if delta else DiscoveryResponse
    method: Any = channel.stream_stream(METHODS[delta], request.SerializeToString, response.FromString)
    call = method(metadata=metadata, timeout=20)
    field = "resource_names_subscribe" if delta else "resource_names"
    try:
        await call.write(request(type_url=SECRETS, node=Node(id="n"), **{field: ["trust"]}))
        async for _ in call:
            call.cancel()
            return grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        return error.code()
    found: grpc.StatusCode = await call.code()
    return found


async def test_a_disabled_workload_is_no_data_plane_by_a_token(port: Port, cart: Identity, token_for: TokenFor) -> None:
    token: Metadata = await token_for("workload")
    await in_thread(execute)(SetWorkload(namespace="shop", workload="cart", enabled=False), by=SYSTEM)
    async with port.connect(cart) as channel:
        assert await first_answer(channel, metadata=token) is grpc.StatusCode.PERMISSION_DENIED


async def test_old_and_new_certificate_both_count_while_an_identity_is_renewed(port: Port, cart: Identity) -> None:
    key = make_key("ECDSA", 256)
    async with port.connect(cart) as channel:
        answer = await stub_of(channel).Renew(pb.RenewRequest(csr=own.asked(key)))
    renewed = own.granted(key, answer.chain_pem.encode(), answer.roots_pem.encode())
    for identity in (cart, renewed):
        async with port.connect(identity) as channel:
            assert await first_answer(channel) is grpc.StatusCode.OK


async def test_who_speaks_in_the_name_of_a_person_renews_nothing(
    port: Port, cart: Identity, token_for: TokenFor
) -> None:
    token: Metadata = await token_for("admin")
    async with port.connect(cart) as channel:
        refusal = await refused(stub_of(channel).Renew(pb.RenewRequest(csr=csr()), metadata=token))
    assert refusal.code() is grpc.StatusCode.PERMISSION_DENIED
