"""RegistryService."""

from typing import Any

from gateway.interceptors.context import current_actor
from gateway.proto import common_pb2 as common
from gateway.proto import registry_pb2 as pb
from gateway.proto import registry_pb2_grpc
from gateway.rpc import paging
from gateway.rpc.convert import registry as convert
from gateway.rpc.convert.common import receipt, terms, timestamp
from gateway.rpc.hop import hop
from gateway.rpc.servicers.scope import service_of, visible
from governance.kernel.errors import NotFound
from governance.ledger import queries as ledger
from governance.ledger.command import Command
from governance.ledger.execute import execute
from governance.registry import commands
from governance.registry import queries as registry
from governance.traffic import queries as traffic


class RegistryServicer(registry_pb2_grpc.RegistryServiceServicer):
    """What is there: services, their endpoints, and the leases that keep instances registered."""

    async def ListServices(self, request: pb.ListServicesRequest, context: Any) -> pb.ListServicesResponse:
        return await hop(_list_services, request)

    async def GetService(self, request: pb.GetServiceRequest, context: Any) -> pb.Service:
        return await hop(_get_service, request)

    async def CreateService(self, request: pb.CreateServiceRequest, context: Any) -> common.Receipt:
        return await _execute(convert.create_service(request), request.mutation)

    async def UpdateService(self, request: pb.UpdateServiceRequest, context: Any) -> common.Receipt:
        return await _execute(convert.update_service(request), request.mutation)

    async def DeleteService(self, request: pb.DeleteServiceRequest, context: Any) -> common.Receipt:
        command = commands.DeleteService(namespace=request.namespace, service=request.name)
        return await _execute(command, request.mutation)

    async def ListEndpoints(self, request: pb.ListEndpointsRequest, context: Any) -> pb.ListEndpointsResponse:
        return await hop(_list_endpoints, request)

    async def RegisterEndpoint(self, request: pb.RegisterEndpointRequest, context: Any) -> pb.RegisterEndpointResponse:
        answer = await _execute(convert.register_endpoint(request), request.mutation)
        return await hop(_registered, request, answer)

    async def KeepAlive(self, request: pb.KeepAliveRequest, context: Any) -> pb.KeepAliveResponse:
        return await hop(_keep_alive, request)

    async def DeregisterEndpoint(self, request: pb.DeregisterEndpointRequest, context: Any) -> common.Receipt:
        command = commands.DeregisterEndpoint(namespace=request.namespace, service=request.service, name=request.name)
        return await _execute(command, request.mutation)

    async def UpdateEndpoints(self, request: pb.UpdateEndpointsRequest, context: Any) -> common.Receipt:
        return await _execute(convert.update_endpoints(request), request.mutation)


async def _execute(command: Command, mutation: common.Mutation) -> common.Receipt:
    return receipt(await hop(execute, command, by=current_actor(), **terms(mutation)))


def _list_services(request: pb.ListServicesRequest) -> pb.ListServicesResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str, str)
    revision = ledger.head_revision()
    found = registry.services(
        namespaces=visible("registry.read", request.namespace),
        after=(position[0], position[1]) if position else None,
        limit=size + 1,
    )
    page = found[:size]
    policies = traffic.in_force(page)
    return pb.ListServicesResponse(
        services=[convert.service(each, policies[each.uid]) for each in page],
        next_page_token=paging.token(page[-1].namespace, page[-1].name) if len(found) > size else "",
        revision=revision,
    )


def _get_service(request: pb.GetServiceRequest) -> pb.Service:
    found = service_of("registry.read", request.namespace, request.name)
    return convert.service(found, traffic.in_force([found])[found.uid])


def _list_endpoints(request: pb.ListEndpointsRequest) -> pb.ListEndpointsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str)
    revision = ledger.head_revision()
    endpoints = service_of("registry.read", request.namespace, request.service).endpoints
    rest = [each for each in endpoints if position is None or each.name > position[0]]
    return pb.ListEndpointsResponse(
        endpoints=[convert.endpoint(each) for each in rest[:size]],
        next_page_token=paging.token(rest[size - 1].name) if len(rest) > size else "",
        revision=revision,
    )


def _registered(request: pb.RegisterEndpointRequest, answer: common.Receipt) -> pb.RegisterEndpointResponse:
    lease_id = registry.lease_of(request.namespace, request.service, request.name)
    if lease_id and not answer.changed:
        commands.keep_alive(lease_id)  # registering what stands already records nothing, but starts its lease anew
    endpoint = registry.endpoint_of_lease(lease_id) if lease_id else None
    return pb.RegisterEndpointResponse(
        receipt=answer,
        lease_id=lease_id if endpoint else "",
        lease_expires_at=timestamp(endpoint.lease_expires_at) if endpoint else None,
    )


def _keep_alive(request: pb.KeepAliveRequest) -> pb.KeepAliveResponse:
    endpoint = registry.endpoint_of_lease(request.lease_id)
    if endpoint is None or not current_actor().may("registry.register", endpoint.namespace):
        raise NotFound("the lease expired or never was; register again", field="lease_id")
    expires_at = commands.keep_alive(request.lease_id)
    return pb.KeepAliveResponse(lease_expires_at=timestamp(expires_at), endpoint=convert.endpoint(endpoint))
