"""What CertificateService says and does of workloads, join tokens and transports."""

from typing import Any

from gateway.interceptors.context import current_actor
from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2 as common
from gateway.rpc import paging
from gateway.rpc.convert import workload as convert
from gateway.rpc.convert.common import receipt, terms
from gateway.rpc.hop import hop
from gateway.rpc.servicers.scope import visible
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import CreateJoinToken, SetTransport, SetWorkload, WithdrawJoinToken
from governance.pki.commands.workloads import DEFAULT_TOKEN_S
from governance.pki.enrolment import digest, new_secret
from governance.pki.queries import workloads


class WorkloadMethods:
    """The part of the service that is about who uses certificates."""

    async def ListWorkloads(self, request: pb.ListWorkloadsRequest, context: Any) -> pb.ListWorkloadsResponse:
        return await hop(_list, request)

    async def SetWorkload(self, request: pb.SetWorkloadRequest, context: Any) -> common.Receipt:
        command = SetWorkload(namespace=request.namespace, workload=request.name, enabled=request.enabled)
        return receipt(await hop(execute, command, by=current_actor(), **terms(request.mutation)))

    async def CreateJoinToken(self, request: pb.CreateJoinTokenRequest, context: Any) -> pb.CreateJoinTokenResponse:
        return await hop(_create_token, request)

    async def ListJoinTokens(self, request: pb.ListJoinTokensRequest, context: Any) -> pb.ListJoinTokensResponse:
        return await hop(_list_tokens, request)

    async def WithdrawJoinToken(self, request: pb.WithdrawJoinTokenRequest, context: Any) -> common.Receipt:
        command = WithdrawJoinToken(namespace=request.namespace, id=request.id)
        return receipt(await hop(execute, command, by=current_actor(), **terms(request.mutation)))

    async def ListTransports(self, request: pb.ListTransportsRequest, context: Any) -> pb.ListTransportsResponse:
        return await hop(_list_transports, request)

    async def SetTransport(self, request: pb.SetTransportRequest, context: Any) -> common.Receipt:
        command = SetTransport(
            namespace=request.namespace,
            service=request.service,
            mode=request.mode,
            server_uris=tuple(request.server_uris),
        )
        return receipt(await hop(execute, command, by=current_actor(), **terms(request.mutation)))


def _list(request: pb.ListWorkloadsRequest) -> pb.ListWorkloadsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str, str)
    revision = ledger.head_revision()
    found = workloads.workloads(
        namespaces=visible("pki.read", request.namespace),
        after=(position[0], position[1]) if position else None,
        limit=size + 1,
    )
    page = found[:size]
    return pb.ListWorkloadsResponse(
        workloads=[convert.workload(each) for each in page],
        next_page_token=paging.token(page[-1].namespace, page[-1].name) if len(found) > size else "",
        revision=revision,
    )


def _create_token(request: pb.CreateJoinTokenRequest) -> pb.CreateJoinTokenResponse:
    secret = new_secret()
    command = CreateJoinToken(
        namespace=request.namespace,
        workload=request.workload,
        digest=digest(secret),
        lifetime_s=request.lifetime_s or DEFAULT_TOKEN_S,
    )
    answer = execute(command, by=current_actor(), **terms(request.mutation))
    if request.mutation.validate_only or answer.after is None:
        return pb.CreateJoinTokenResponse(receipt=receipt(answer))
    made = pb.CreateJoinTokenResponse(
        receipt=receipt(answer), secret="" if answer.replayed else secret, id=answer.after["id"]
    )
    made.expires_at.FromJsonString(answer.after["expires_at"])
    return made


def _list_tokens(request: pb.ListJoinTokensRequest) -> pb.ListJoinTokensResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str)
    found = workloads.join_tokens(
        namespaces=visible("pki.read", request.namespace),
        before=position[0] if position else "",
        limit=size + 1,
    )
    at = now()
    return pb.ListJoinTokensResponse(
        tokens=[convert.join_token(each, at) for each in found[:size]],
        next_page_token=paging.token(found[size - 1].id) if len(found) > size else "",
    )


def _list_transports(request: pb.ListTransportsRequest) -> pb.ListTransportsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str, str)
    found = workloads.transports(namespaces=visible("pki.read", request.namespace))
    rest = [each for each in found if position is None or (each.namespace, each.service) > tuple(position)]
    page = rest[:size]
    return pb.ListTransportsResponse(
        transports=[convert.transport(each) for each in page],
        next_page_token=paging.token(page[-1].namespace, page[-1].service) if len(rest) > size else "",
    )
