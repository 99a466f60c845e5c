"""CertificateService, over the wire: workloads, the tokens by which they join, and how services are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from gateway.proto.certificate_pb2_grpc import EnrolmentServiceStub
from governance.compliance import queries as compliance
from governance.compliance.stream import calls
from governance.ledger import queries as ledger
from governance.pki.enrolment import digest, names_for
from governance.pki.keys import make_key
from governance.pki.names import Names
from governance.pki.requests import make_request
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.test_registry import add, stub_of
from tests.gateway.rpc.wanted import in_thread, refused

if TYPE_CHECKING:  # these exist for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub, EnrolmentServiceAsyncStub

CART = "spiffe://governor.internal/ns/shop/sa/cart"


@pytest.fixture
def enrolment(channel: grpc.aio.Channel) -> EnrolmentServiceAsyncStub:
    """EnrolmentService, without any credentials."""
    return EnrolmentServiceStub(channel)


def token_request(workload: str = "cart", **values: object) -> pb.CreateJoinTokenRequest:
    return pb.CreateJoinTokenRequest(**{"namespace": "shop", "workload": workload, **values})  # type: ignore[arg-type]


def csr(names: Names | None = None) -> bytes:
    return make_request(make_key("ECDSA", 256), names or names_for("shop", "cart"))


async def test_a_token_lets_a_workload_join_once(
    pki: CertificateServiceAsyncStub, enrolment: EnrolmentServiceAsyncStub, alice: Metadata
) -> None:
    made = await pki.CreateJoinToken(token_request(lifetime_s=600), metadata=alice)
    assert made.secret.startswith("govjoin_")
    assert 595 < made.expires_at.seconds - made.receipt.at.seconds <= 600
    joined = await enrolment.Join(pb.JoinRequest(token=made.secret, csr=csr()))
    assert joined.uri == CART
    assert joined.roots_pem == (await enrolment.GetRoots(pb.GetRootsRequest())).roots_pem
    verdict = await pki.VerifyChain(
        pb.VerifyChainRequest(pem=joined.chain_pem, purpose="client", name=CART), metadata=alice
    )
    assert verdict.ok
    again = await refused(enrolment.Join(pb.JoinRequest(token=made.secret, csr=csr())))
    assert again.code() is grpc.StatusCode.PERMISSION_DENIED
    (workload,) = (await pki.ListWorkloads(pb.ListWorkloadsRequest(), metadata=alice)).workloads
    assert (workload.uri, workload.enabled) == (CART, True)
    (token,) = (await pki.ListJoinTokens(pb.ListJoinTokensRequest(), metadata=alice)).tokens
    assert (token.id, token.state) == (made.id, pb.JOIN_TOKEN_STATE_USED)


async def test_a_token_that_does_not_work_is_refused_in_one_sentence_whatever_is_wrong_with_it(
    pki: CertificateServiceAsyncStub, enrolment: EnrolmentServiceAsyncStub, alice: Metadata
) -> None:
    withdrawn = await pki.CreateJoinToken(token_request(), metadata=alice)
    done = await pki.WithdrawJoinToken(pb.WithdrawJoinTokenRequest(namespace="shop", id=withdrawn.id), metadata=alice)
    assert done.changed
    said = set()
    for secret in (withdrawn.secret, "govjoin_" + "x" * 43, "", "gov_token"):
        refusal = await refused(enrolment.Join(pb.JoinRequest(token=secret, csr=csr())))
        assert refusal.code() is grpc.StatusCode.PERMISSION_DENIED
        said.add(refusal.details())
    assert said == {"token: the join token is unknown, used, expired or withdrawn"}


async def test_a_request_for_another_identity_is_refused_and_the_token_stays_good(
    pki: CertificateServiceAsyncStub, enrolment: EnrolmentServiceAsyncStub, alice: Metadata
) -> None:
    made = await pki.CreateJoinToken(token_request(), metadata=alice)
    for asked in (b"nonsense", csr(names_for("shop", "till")), csr(names_for("bank", "cart"))):
        refusal = await refused(enrolment.Join(pb.JoinRequest(token=made.secret, csr=asked)))
        assert (refusal.code(), (refusal.details() or "")[:4]) == (grpc.StatusCode.INVALID_ARGUMENT, "csr:")
    assert (await enrolment.Join(pb.JoinRequest(token=made.secret, csr=csr()))).uri == CART


async def test_a_secret_is_shown_once_and_written_down_nowhere(
    pki: CertificateServiceAsyncStub, enrolment: EnrolmentServiceAsyncStub, alice: Metadata
) -> None:
    asked = token_request(mutation=common_pb2.Mutation(request_id="r1", reason="a new shop"))
    made = await pki.CreateJoinToken(asked, metadata=alice)
    again = await pki.CreateJoinToken(asked, metadata=alice)
    assert (again.secret, again.id, again.receipt.replayed) == ("", made.id, True)
    asked.mutation.request_id, asked.mutation.validate_only = "", True
    assert (await pki.CreateJoinToken(asked, metadata=alice)).secret == ""
    await enrolment.Join(pb.JoinRequest(token=made.secret, csr=csr()))
    listed = await pki.ListJoinTokens(pb.ListJoinTokensRequest(), metadata=alice)
    assert calls().flush(20)
    written = await in_thread(compliance.after)(0, limit=1000), await in_thread(ledger.after)(0, limit=1000)
    assert made.secret not in str((written, listed, made.receipt))
    assert digest(made.secret) not in str((written, listed, made.receipt))


async def test_tokens_are_listed_newest_first_page_by_page(pki: CertificateServiceAsyncStub, alice: Metadata) -> None:
    made = [(await pki.CreateJoinToken(token_request(f"w{n}"), metadata=alice)).id for n in range(3)]
    asked = pb.ListJoinTokensRequest(page=common_pb2.PageRequest(page_size=2))
    first = await pki.ListJoinTokens(asked, metadata=alice)
    asked.page.page_token = first.next_page_token
    second = await pki.ListJoinTokens(asked, metadata=alice)
    assert [each.id for each in (*first.tokens, *second.tokens)] == made[::-1]
    assert {each.state for each in first.tokens} == {pb.JOIN_TOKEN_STATE_OPEN}


async def test_transports_are_set_for_services_that_are_there(
    channel: grpc.aio.Channel, pki: CertificateServiceAsyncStub, alice: Metadata
) -> None:
    await add(stub_of(channel), "shop", "checkout", alice, "c0")
    asked = pb.SetTransportRequest(namespace="shop", service="checkout", mode="mutual", server_uris=[CART])
    assert (await pki.SetTransport(asked, metadata=alice)).changed
    assert not (await pki.SetTransport(asked, metadata=alice)).changed
    (found,) = (await pki.ListTransports(pb.ListTransportsRequest(), metadata=alice)).transports
    assert (found.service, found.mode, list(found.server_uris)) == ("checkout", "mutual", [CART])
    for values, field in (
        ({"service": "nothing"}, "service"),
        ({"mode": "tls"}, "mode"),
        ({"server_uris": []}, "server_uris"),
        ({"server_uris": ["spiffe://elsewhere/ns/shop/sa/cart"]}, "server_uris"),
    ):
        whole = {"namespace": "shop", "service": "checkout", "mode": "mutual", "server_uris": [CART], **values}
        refusal = await refused(pki.SetTransport(pb.SetTransportRequest(**whole), metadata=alice))  # type: ignore[arg-type]
        assert (refusal.details() or "").split(":")[0] == field


async def test_each_does_what_their_role_and_namespace_allow(
    pki: CertificateServiceAsyncStub, enrolment: EnrolmentServiceAsyncStub, alice: Metadata, token_for: TokenFor
) -> None:
    made = await pki.CreateJoinToken(token_request(), metadata=alice)
    await enrolment.Join(pb.JoinRequest(token=made.secret, csr=csr()))
    bob, carol, bank = await token_for("security"), await token_for("auditor"), await token_for("operator", "bank")
    off = pb.SetWorkloadRequest(namespace="shop", name="cart", enabled=False)
    assert (await refused(pki.SetWorkload(off, metadata=alice))).code() is grpc.StatusCode.PERMISSION_DENIED
    assert (await pki.SetWorkload(off, metadata=bob)).changed
    assert not (await pki.ListWorkloads(pb.ListWorkloadsRequest(), metadata=carol)).workloads[0].enabled
    for call in (
        pki.CreateJoinToken(token_request(), metadata=carol),
        pki.CreateJoinToken(token_request(), metadata=bank),
        pki.WithdrawJoinToken(pb.WithdrawJoinTokenRequest(namespace="shop", id=made.id), metadata=bank),
        pki.SetTransport(pb.SetTransportRequest(namespace="shop", service="x", mode="plaintext"), metadata=bank),
    ):
        assert (await refused(call)).code() is grpc.StatusCode.PERMISSION_DENIED
    assert not (await pki.ListWorkloads(pb.ListWorkloadsRequest(), metadata=bank)).workloads
    assert not (await pki.ListJoinTokens(pb.ListJoinTokensRequest(), metadata=bank)).tokens
    foreign = pki.WithdrawJoinToken(pb.WithdrawJoinTokenRequest(namespace="bank", id=made.id), metadata=bank)
    assert (await refused(foreign)).code() is grpc.StatusCode.NOT_FOUND


async def test_nobody_renews_without_a_certificate(enrolment: EnrolmentServiceAsyncStub, token_for: TokenFor) -> None:
    token = await token_for("workload", "shop")
    for call in (
        enrolment.Renew(pb.RenewRequest(csr=csr()), metadata=token),
        enrolment.Check(pb.CheckRequest(), metadata=token),
    ):
        assert (await refused(call)).code() is grpc.StatusCode.PERMISSION_DENIED
    assert (await refused(enrolment.Renew(pb.RenewRequest(csr=csr())))).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_texts_that_no_database_holds_are_refused_and_never_crash(
    pki: CertificateServiceAsyncStub, bob: Metadata
) -> None:
    bad = "\x00"
    for call in (
        pki.GetCertificate(pb.GetCertificateRequest(namespace=bad, name=bad), metadata=bob),
        pki.ListIssued(pb.ListIssuedRequest(namespace=bad, name=bad), metadata=bob),
        pki.GetIssued(pb.GetIssuedRequest(serial=bad), metadata=bob),
        pki.WithdrawJoinToken(pb.WithdrawJoinTokenRequest(namespace="shop", id=bad), metadata=bob),
        pki.SetWorkload(pb.SetWorkloadRequest(namespace=bad, name=bad), metadata=bob),
        pki.SetTransport(pb.SetTransportRequest(namespace=bad, service=bad, mode=bad), metadata=bob),
        pki.AdvanceRotation(pb.AdvanceRotationRequest(issuer=bad, to=bad), metadata=bob),
    ):
        assert (await refused(call)).code() is grpc.StatusCode.INVALID_ARGUMENT
    missing = pki.GetRotation(pb.GetRotationRequest(issuer=bad), metadata=bob)
    assert (await refused(missing)).code() is grpc.StatusCode.NOT_FOUND
    assert not (await pki.ListWorkloads(pb.ListWorkloadsRequest(namespace=bad), metadata=bob)).workloads
