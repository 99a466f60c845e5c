"""Who may see and change certificates, and what nobody ever sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from gateway.proto import certificate_pb2 as pb
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.wanted import SECRETS, refused, request

if TYPE_CHECKING:  # it exists for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub


async def test_a_tenant_sees_and_changes_its_own_namespace_alone(
    pki: CertificateServiceAsyncStub, token_for: TokenFor, issued: pb.Certificate
) -> None:
    bank = await token_for("operator", "bank")
    assert not (await pki.ListCertificates(pb.ListCertificatesRequest(), metadata=bank)).certificates
    assert sum((await pki.Forecast(pb.ForecastRequest(), metadata=bank)).renewals) == 0
    history = pb.ListIssuedRequest(namespace="shop", name="cart")
    assert not (await pki.ListIssued(history, metadata=bank)).issued
    for call in (
        pki.GetCertificate(pb.GetCertificateRequest(namespace="shop", name="cart"), metadata=bank),
        pki.GetIssued(pb.GetIssuedRequest(serial=issued.serial), metadata=bank),
        pki.VerifyChain(pb.VerifyChainRequest(serial=issued.serial), metadata=bank),
    ):
        assert (await refused(call)).code() is grpc.StatusCode.NOT_FOUND
    assert (await refused(pki.RequestCertificate(request(), metadata=bank))).code() is (
        grpc.StatusCode.PERMISSION_DENIED
    )
    officer = await token_for("security", "bank")
    hidden = pki.RevokeCertificate(pb.RevokeCertificateRequest(serial=issued.serial), metadata=officer)
    assert (await refused(hidden)).code() is grpc.StatusCode.NOT_FOUND


async def test_who_may_only_read_changes_nothing_and_a_workload_does_not_even_read(
    pki: CertificateServiceAsyncStub, token_for: TokenFor, issued: pb.Certificate
) -> None:
    carol, workload = await token_for("auditor"), await token_for("workload")
    get = pb.GetCertificateRequest(namespace="shop", name="cart")
    assert (await pki.GetCertificate(get, metadata=carol)).serial == issued.serial
    for call in (
        pki.RequestCertificate(request(), metadata=carol),
        pki.IssueNow(pb.IssueNowRequest(namespace="shop", name="cart"), metadata=carol),
        pki.DeleteCertificate(pb.DeleteCertificateRequest(namespace="shop", name="cart"), metadata=carol),
        pki.RevokeCertificate(pb.RevokeCertificateRequest(serial=issued.serial), metadata=carol),
        pki.SignCertificateRequest(pb.SignCertificateRequestRequest(), metadata=carol),
        pki.GetCertificate(get, metadata=workload),
    ):
        assert (await refused(call)).code() is grpc.StatusCode.PERMISSION_DENIED
    unknown = pki.GetCertificate(get)
    assert (await refused(unknown)).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_no_answer_holds_a_private_key(
    pki: CertificateServiceAsyncStub, bob: Metadata, issued: pb.Certificate
) -> None:
    answers = (
        await pki.ListCertificates(pb.ListCertificatesRequest(), metadata=bob),
        await pki.GetIssued(pb.GetIssuedRequest(serial=issued.serial), metadata=bob),
        await pki.ListIssued(pb.ListIssuedRequest(namespace="shop", name="cart"), metadata=bob),
        await pki.ListAuthorities(pb.ListAuthoritiesRequest(), metadata=bob),
        await pki.PrepareRotation(pb.PrepareRotationRequest(), metadata=bob),
        await pki.IssueNow(pb.IssueNowRequest(namespace="shop", name="cart"), metadata=bob),
    )
    for answer in answers:
        sent = answer.SerializeToString()
        assert not [secret for secret in SECRETS if secret in sent]
