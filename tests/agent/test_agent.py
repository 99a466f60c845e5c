"""The agent against a real control plane: joining, what it is delivered, renewing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography import x509

from gateway.agent import identity as own
from gateway.agent.agent import Agent
from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from gateway.tls.directory import read_set
from gateway.tls.pair import Pair
from governance.kernel import clock
from governance.kernel.errors import Forbidden, GovernanceError, Invalid, NotFound
from governance.pki.pem import chain_from_pem
from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.product import Product, eventually, running

API = "/governor.admin.v1.CertificateService/"
LIMIT_S = 20.0


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product whose gRPC port demands certificates."""
    data = tmp_path_factory.mktemp("agent") / "data"
    with running(data, environ={"GOV_GRPC_TLS": "mutual"}) as product:
        yield product


@pytest.fixture(scope="module")
def web(product: Product) -> GrpcWeb:
    return GrpcWeb(product.url, product.token("security"))


def token_for(web: GrpcWeb, workload: str) -> str:
    request = pb.CreateJoinTokenRequest(namespace="default", workload=workload)
    return str(web.unary(API + "CreateJoinToken", request, pb.CreateJoinTokenResponse).secret)


def joined(product: Product, web: GrpcWeb, workload: str, directory: Path) -> own.Identity:
    identity = own.join(product.url, token_for(web, workload))
    own.store(directory, identity)
    return identity


def request_certificate(web: GrpcWeb, name: str, consumer: str) -> None:
    spec = pb.CertificateSpec(secret_name=name, issuer="internal", dns_names=[f"{name}.example"], consumers=[consumer])
    request = pb.RequestCertificateRequest(namespace="default", name=name, spec=spec)
    web.unary(API + "RequestCertificate", request, common_pb2.Receipt)


def serial_of(web: GrpcWeb, name: str) -> str:
    request = pb.GetCertificateRequest(namespace="default", name=name)
    return str(web.unary(API + "GetCertificate", request, pb.Certificate).serial)


def kept_in(directory: Path) -> str:
    """The serial of the pair in a directory, which must match; empty when there is none."""
    try:
        files = read_set(directory)
    except NotFound:
        return ""
    return Pair(chain_pem=files["tls.crt"], key_pem=files["tls.key"]).serial if "tls.crt" in files else ""


@asynccontextmanager
async def working(agent: Agent) -> AsyncIterator[None]:
    task = asyncio.create_task(agent.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(holds: Callable[[], object], within_s: float = LIMIT_S) -> None:
    await asyncio.to_thread(eventually, holds, within_s=within_s, every_s=0.02)


def test_a_join_token_works_once_and_what_does_not_work_is_said(product: Product, web: GrpcWeb) -> None:
    secret = token_for(web, "once")
    assert own.join(product.url, secret).uri == "spiffe://governor.internal/ns/default/sa/once"
    for used in (secret, "govjoin_" + "x" * 43, ""):
        with pytest.raises((Forbidden, Invalid)) as refused:
            own.join(product.url, used)
        assert "token" in str(refused.value)


def test_roots_that_were_not_expected_are_refused(product: Product, web: GrpcWeb) -> None:
    secret = token_for(web, "careful")
    with pytest.raises(Invalid, match="not those that were expected"):
        own.join(product.url, secret, roots_sha256="0" * 64)
    roots_pem = httpx.get(f"{product.url}/pki/roots.pem").content
    joined = own.join(product.url, secret, roots_sha256=hashlib.sha256(roots_pem).hexdigest())  # it was not spent
    assert joined.uri.endswith("/careful")


async def test_a_directory_holds_the_newest_issue_within_two_seconds(
    product: Product, web: GrpcWeb, tmp_path: Path
) -> None:
    identity = joined(product, web, "web", tmp_path / "identity")
    request_certificate(web, "site", identity.uri)
    eventually(lambda: serial_of(web, "site"), what="the first issue")
    agent = Agent(tmp_path / "identity", product.grpc, wants={"site": tmp_path / "site"})
    async with working(agent):
        await until(lambda: kept_in(tmp_path / "site") == serial_of(web, "site"))
        for _ in range(3):
            before = kept_in(tmp_path / "site")
            request = pb.IssueNowRequest(namespace="default", name="site")
            web.unary(API + "IssueNow", request, common_pb2.Receipt)
            await until(lambda before=before: serial_of(web, "site") != before)  # type: ignore[misc]
            await until(lambda: kept_in(tmp_path / "site") == serial_of(web, "site"), within_s=2.0)
    assert (tmp_path / "site" / "..data").is_symlink()


async def test_a_certificate_of_another_consumer_does_not_exist(product: Product, web: GrpcWeb, tmp_path: Path) -> None:
    mine = joined(product, web, "mine", tmp_path / "identity")
    request_certificate(web, "theirs", "spiffe://governor.internal/ns/default/sa/somebody-else")
    request_certificate(web, "ours", mine.uri)
    eventually(lambda: serial_of(web, "theirs") and serial_of(web, "ours"), what="both issues")
    wants = {"theirs": tmp_path / "theirs", "ours": tmp_path / "ours"}
    agent = Agent(tmp_path / "identity", product.grpc, wants=wants)
    async with working(agent):
        await until(lambda: kept_in(tmp_path / "ours"))
        assert agent.delivered.pairs.keys() == {"ours"}
    assert not (tmp_path / "theirs").exists()


async def test_an_identity_is_renewed_when_a_third_of_its_life_is_left(
    product: Product, web: GrpcWeb, tmp_path: Path
) -> None:
    identity = joined(product, web, "lasting", tmp_path / "identity")
    with clock.moved(lambda: datetime.now(UTC) + timedelta(hours=20)):
        async with working(Agent(tmp_path / "identity", product.grpc)):
            await until(lambda: kept_in(tmp_path / "identity") != identity.pair.serial)
    assert own.load(tmp_path / "identity").uri == identity.uri


async def test_a_renewal_that_could_not_be_stored_is_asked_for_again_with_the_same_key(
    product: Product, web: GrpcWeb, tmp_path: Path
) -> None:
    """Over yet another key it would be refused after ten minutes: somebody else might be asking."""
    identity = joined(product, web, "unlucky", tmp_path / "identity")
    agent = Agent(tmp_path / "identity", product.grpc)
    async with agent.channel:
        (tmp_path / "identity").rename(tmp_path / "aside")
        (tmp_path / "identity").write_text("in the way")
        with pytest.raises((OSError, GovernanceError)):
            await agent.renew()
        assert agent.identity == identity
        (tmp_path / "identity").unlink()
        (tmp_path / "aside").rename(tmp_path / "identity")
        await agent.renew()
        again, first, *_ = issued_to(web, "unlucky")
        assert again.public_key() == first.public_key() != identity.pair.chain[0].public_key()
        await agent.renew()
        newest, *_ = issued_to(web, "unlucky")
        assert newest.public_key() != again.public_key(), "each renewal that is stored has a key of its own"


def issued_to(web: GrpcWeb, workload: str) -> list[x509.Certificate]:
    """What a workload was given, newest first."""
    request = pb.ListIssuedRequest(namespace="default", name=workload, kind="workload")
    answer = web.unary(API + "ListIssued", request, pb.ListIssuedResponse)
    return [chain_from_pem(each.chain_pem, field="chain_pem")[0] for each in answer.issued]


async def test_what_was_revoked_is_not_renewed(product: Product, web: GrpcWeb, tmp_path: Path) -> None:
    identity = joined(product, web, "gone", tmp_path / "identity")
    request = pb.RevokeCertificateRequest(serial=identity.pair.serial, cause="keyCompromise")
    web.unary(API + "RevokeCertificate", request, common_pb2.Receipt)
    agent = Agent(tmp_path / "identity", product.grpc)
    async with agent.channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await agent.renew()
    assert (refused.value.code(), "was revoked" in str(refused.value.details())) == (
        grpc.StatusCode.UNAUTHENTICATED,
        True,
    )
    assert kept_in(tmp_path / "identity") == identity.pair.serial
