"""DataPlaneService."""

from datetime import timedelta
from typing import Any

from gateway.interceptors.context import current_actor
from gateway.proto import dataplane_pb2 as pb
from gateway.proto import dataplane_pb2_grpc
from gateway.rpc import paging
from gateway.rpc.convert import dataplane as convert
from gateway.rpc.convert.common import timestamp
from gateway.rpc.hop import hop
from gateway.rpc.servicers.scope import service_of
from governance.dataplane import queries as dataplane
from governance.kernel.clock import now
from governance.kernel.errors import Invalid, NotFound

DEFAULT_WINDOW_S, MAX_WINDOW_S = 60, 600


class DataPlaneServicer(dataplane_pb2_grpc.DataPlaneServiceServicer):
    """The data planes that are connected, and what each was sent and acknowledged."""

    async def ListClients(self, request: pb.ListClientsRequest, context: Any) -> pb.ListClientsResponse:
        return await hop(_list, request)

    async def GetClient(self, request: pb.GetClientRequest, context: Any) -> pb.Client:
        return await hop(_get, request)

    async def ListLoads(self, request: pb.ListLoadsRequest, context: Any) -> pb.ListLoadsResponse:
        return await hop(_loads, request)


def _list(request: pb.ListClientsRequest) -> pb.ListClientsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str, str)
    if request.service:
        service_of("dataplane.read", request.namespace, request.service)
        found = dataplane.clients_of(request.namespace, request.service, connected_only=False)
    else:
        found = dataplane.clients()
    at = now()
    spaces = current_actor().namespaces("dataplane.read")
    visible = [client for each in found if (client := each.seen_from(spaces)) is not None]
    if request.only_out_of_sync:
        visible = [each for each in visible if each.state(at) != "in_sync"]
    rest = [each for each in visible if position is None or (each.node_id, each.name) > tuple(position)]
    page = rest[:size]
    return pb.ListClientsResponse(
        clients=[convert.client(each, at) for each in page],
        next_page_token=paging.token(page[-1].node_id, page[-1].name) if len(rest) > size else "",
    )


def _get(request: pb.GetClientRequest) -> pb.Client:
    found = dataplane.client(request.name)
    client = found.seen_from(current_actor().namespaces("dataplane.read")) if found else None
    if client is None:
        raise NotFound(f"there is no client {request.name}", field="name")
    return convert.client(client, now())


def _loads(request: pb.ListLoadsRequest) -> pb.ListLoadsResponse:
    if not 0 <= request.window_s <= MAX_WINDOW_S:
        raise Invalid(f"is {request.window_s}; 1 to {MAX_WINDOW_S}, or 0 for {DEFAULT_WINDOW_S}", field="window_s")
    window_s = request.window_s or DEFAULT_WINDOW_S
    service = service_of("dataplane.read", request.namespace, request.service)
    until = now()
    since = until - timedelta(seconds=window_s)
    loads = dataplane.loads(service.namespace, service.name, since=since)
    answer = pb.ListLoadsResponse(loads=[convert.load(each, window_s) for each in loads], to=timestamp(until))
    getattr(answer, "from").CopyFrom(timestamp(since))
    return answer
