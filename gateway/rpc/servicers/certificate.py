"""CertificateService: certificates; what it says of authorities and workloads stands beside."""

from datetime import timedelta
from typing import Any

from gateway.interceptors.context import current_actor
from gateway.proto import certificate_pb2 as pb
from gateway.proto import certificate_pb2_grpc
from gateway.proto import common_pb2 as common
from gateway.rpc import paging
from gateway.rpc.convert import certificate as convert
from gateway.rpc.convert.common import inside, receipt, terms, timestamp
from gateway.rpc.hop import hop
from gateway.rpc.servicers import authority, workload
from gateway.rpc.servicers.scope import visible
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.ledger import queries as ledger
from governance.ledger.command import Command
from governance.ledger.execute import execute
from governance.pki import commands
from governance.pki.filtered import in_state
from governance.pki.holders import holder_of, namespace_of
from governance.pki.queries import certificates
from governance.pki.queries.watching import logged_or_not
from governance.pki.renewal import forecast
from governance.pki.seen import certificate_seen, issued_seen
from governance.pki.signing import is_new, signed
from governance.pki.verifying import verdict_of

DEFAULT_DAYS, MAX_DAYS = 90, 366


class CertificateServicer(
    authority.AuthorityMethods, workload.WorkloadMethods, certificate_pb2_grpc.CertificateServiceServicer
):
    """Certificates, the authorities that sign them, and the workloads that use them."""

    async def ListCertificates(self, request: pb.ListCertificatesRequest, context: Any) -> pb.ListCertificatesResponse:
        return await hop(_list, request)

    async def GetCertificate(self, request: pb.GetCertificateRequest, context: Any) -> pb.Certificate:
        return await hop(_get, request)

    async def RequestCertificate(self, request: pb.RequestCertificateRequest, context: Any) -> common.Receipt:
        return await hop(_request, request)

    async def IssueNow(self, request: pb.IssueNowRequest, context: Any) -> common.Receipt:
        command = commands.IssueNow(namespace=request.namespace, name=request.name)
        return await hop(_execute, command, request.mutation)

    async def DeleteCertificate(self, request: pb.DeleteCertificateRequest, context: Any) -> common.Receipt:
        command = commands.DeleteCertificate(namespace=request.namespace, name=request.name)
        return await hop(_execute, command, request.mutation)

    async def RevokeCertificate(self, request: pb.RevokeCertificateRequest, context: Any) -> common.Receipt:
        return await hop(_revoke, request)

    async def ListIssued(self, request: pb.ListIssuedRequest, context: Any) -> pb.ListIssuedResponse:
        return await hop(_list_issued, request)

    async def GetIssued(self, request: pb.GetIssuedRequest, context: Any) -> pb.IssuedCertificate:
        return await hop(_issued, request.serial)

    async def VerifyChain(self, request: pb.VerifyChainRequest, context: Any) -> pb.VerifyChainResponse:
        return await hop(_verify, request)

    async def SignCertificateRequest(
        self, request: pb.SignCertificateRequestRequest, context: Any
    ) -> pb.SignCertificateRequestResponse:
        return await hop(_sign, request)

    async def Forecast(self, request: pb.ForecastRequest, context: Any) -> pb.ForecastResponse:
        return await hop(_forecast, request)


def _execute(command: Command, mutation: common.Mutation) -> common.Receipt:
    return receipt(execute(command, by=current_actor(), **terms(mutation)))


def _list(request: pb.ListCertificatesRequest) -> pb.ListCertificatesResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str, str)
    revision, at = ledger.head_revision(), now()
    found = in_state(
        request.state,
        at=at,
        namespaces=visible("pki.read", request.namespace),
        after=(position[0], position[1]) if position else None,
        limit=size + 1,
    )
    page = found[:size]
    logged = logged_or_not([each.serial for each in page])
    return pb.ListCertificatesResponse(
        certificates=[convert.certificate(each, at, logged.get(each.serial)) for each in page],
        next_page_token=paging.token(page[-1].namespace, page[-1].name) if len(found) > size else "",
        revision=revision,
    )


def _get(request: pb.GetCertificateRequest) -> pb.Certificate:
    found = certificate_seen(current_actor(), request.namespace, request.name)
    return convert.certificate(found, now(), logged_or_not([found.serial]).get(found.serial))


def _request(request: pb.RequestCertificateRequest) -> common.Receipt:
    with inside("spec", convert.FIELDS):
        command = commands.RequestCertificate(
            namespace=request.namespace, name=request.name, spec=convert.spec_of(request.spec, request.name)
        )
        return _execute(command, request.mutation)


def _revoke(request: pb.RevokeCertificateRequest) -> common.Receipt:
    issued = issued_seen(current_actor(), request.serial)
    command = commands.RevokeCertificate(
        namespace=namespace_of(issued.holder),
        serial=issued.serial,
        cause=request.cause or "unspecified",
        replace=not request.without_replacement,
    )
    return _execute(command, request.mutation)


def _list_issued(request: pb.ListIssuedRequest) -> pb.ListIssuedResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str)
    holder = holder_of(request.kind or "certificate", request.namespace, request.name)
    before = position[0] if position else ""
    seen = current_actor().may("pki.read", request.namespace)
    found = certificates.issued_of(holder, before=before, limit=size + 1) if seen else []
    logged = logged_or_not([each.serial for each in found[:size]])
    return pb.ListIssuedResponse(
        issued=[convert.issued(each, logged.get(each.serial)) for each in found[:size]],
        next_page_token=paging.token(found[size - 1].serial) if len(found) > size else "",
    )


def _issued(serial: str) -> pb.IssuedCertificate:
    found = issued_seen(current_actor(), serial)
    return convert.issued(found, logged_or_not([found.serial]).get(found.serial))


def _verify(request: pb.VerifyChainRequest) -> pb.VerifyChainResponse:
    chosen = request.WhichOneof("chain")
    if chosen is None:
        raise Invalid("is missing; give the serial number of an issued certificate, or a chain as pem", field="serial")
    pem = issued_seen(current_actor(), request.serial).chain_pem if chosen == "serial" else request.pem
    return convert.verdict(verdict_of(pem, purpose=request.purpose, name=request.name))


def _sign(request: pb.SignCertificateRequestRequest) -> pb.SignCertificateRequestResponse:
    by, on = current_actor(), terms(request.mutation)
    command = signed(
        request.csr,
        namespace=request.namespace,
        name=request.name,
        spec=convert.signing_spec(request),
        rehearsed=lambda command: is_new(command, by=by, **on),
    )
    answer = execute(command, by=by, **on)
    if request.mutation.validate_only or answer.after is None:
        return pb.SignCertificateRequestResponse(receipt=receipt(answer))
    # By the receipt, and not by the command: a replayed request gets the certificate that it got the first time.
    return pb.SignCertificateRequestResponse(receipt=receipt(answer), issued=_issued(answer.after["serial"]))


def _forecast(request: pb.ForecastRequest) -> pb.ForecastResponse:
    if not 0 <= request.days <= MAX_DAYS:
        raise Invalid(f"is {request.days}; 1 to {MAX_DAYS}, or 0 for {DEFAULT_DAYS}", field="days")
    days, since = request.days or DEFAULT_DAYS, now()
    times = certificates.renewal_times(
        namespaces=visible("pki.read", request.namespace), until=since + timedelta(days=days)
    )
    return pb.ForecastResponse(since=timestamp(since), renewals=forecast(times, since=since, days=days))
