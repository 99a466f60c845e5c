"""What CertificateService says and does of authorities, issuers, and the replacement of roots."""

from typing import Any

from gateway.interceptors.context import current_actor
from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2 as common
from gateway.rpc.convert import authority as convert
from gateway.rpc.convert.common import receipt, terms
from gateway.rpc.hop import hop
from governance.ledger.execute import execute
from governance.pki.commands import AbortRotation, AdvanceRotation
from governance.pki.enrolment import ISSUER
from governance.pki.importing import imported_issuer
from governance.pki.queries.authorities import roots_pem
from governance.pki.seen import authorities_seen, issuers_seen, rotations_seen
from governance.pki.succession import successor_of


class AuthorityMethods:
    """The part of the service that is about who signs."""

    async def ListAuthorities(self, request: pb.ListAuthoritiesRequest, context: Any) -> pb.ListAuthoritiesResponse:
        return await hop(_authorities, request)

    async def ListIssuers(self, request: pb.ListIssuersRequest, context: Any) -> pb.ListIssuersResponse:
        found = await hop(issuers_seen, current_actor())
        return pb.ListIssuersResponse(issuers=[convert.issuer(each) for each in found])

    async def ImportIssuer(self, request: pb.ImportIssuerRequest, context: Any) -> common.Receipt:
        return await hop(_import, request)

    async def GetRotation(self, request: pb.GetRotationRequest, context: Any) -> pb.GetRotationResponse:
        return await hop(_rotation, request)

    async def PrepareRotation(self, request: pb.PrepareRotationRequest, context: Any) -> common.Receipt:
        return await hop(_prepare, request)

    async def AdvanceRotation(self, request: pb.AdvanceRotationRequest, context: Any) -> common.Receipt:
        command = AdvanceRotation(issuer=request.issuer or ISSUER, to=request.to)
        return receipt(await hop(execute, command, by=current_actor(), **terms(request.mutation)))

    async def AbortRotation(self, request: pb.AbortRotationRequest, context: Any) -> common.Receipt:
        command = AbortRotation(issuer=request.issuer or ISSUER)
        return receipt(await hop(execute, command, by=current_actor(), **terms(request.mutation)))


def _authorities(request: pb.ListAuthoritiesRequest) -> pb.ListAuthoritiesResponse:
    del request
    found = authorities_seen(current_actor())
    return pb.ListAuthoritiesResponse(authorities=[convert.authority(each) for each in found], roots_pem=roots_pem())


def _import(request: pb.ImportIssuerRequest) -> common.Receipt:
    command = imported_issuer(
        request.name,
        request.certificate.encode(),
        request.key.encode(),
        passphrase=request.passphrase.encode() or None,
        max_duration_s=request.max_duration_s if request.HasField("max_duration_s") else None,
        namespaces=tuple(request.namespaces),
        dns_names=tuple(request.dns_names),
    )
    return receipt(execute(command, by=current_actor(), **terms(request.mutation)))


def _rotation(request: pb.GetRotationRequest) -> pb.GetRotationResponse:
    under_way, ended = rotations_seen(current_actor(), request.issuer or ISSUER)
    return pb.GetRotationResponse(
        open=convert.rotation(under_way) if under_way else None, ended=[convert.rotation(each) for each in ended]
    )


def _prepare(request: pb.PrepareRotationRequest) -> common.Receipt:
    command = successor_of(request.issuer or ISSUER)
    return receipt(execute(command, by=current_actor(), **terms(request.mutation)))
