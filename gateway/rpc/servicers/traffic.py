"""TrafficService."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from gateway.interceptors.context import current_actor
from gateway.proto import common_pb2 as common
from gateway.proto import traffic_pb2 as pb
from gateway.proto import traffic_pb2_grpc
from gateway.rpc import paging
from gateway.rpc.convert import traffic as convert
from gateway.rpc.convert.common import inside, receipt, terms, timestamp
from gateway.rpc.hop import hop
from gateway.rpc.servicers.scope import service_of, visible
from gateway.rpc.servicers.watch import SwitchWatch
from governance.dataplane import queries as dataplane
from governance.kernel.errors import Invalid
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.registry import queries as registry
from governance.registry.values import Service
from governance.traffic import queries as traffic
from governance.traffic.commands import RestoreBalancing, SwitchBalancing
from governance.traffic.progress import answers
from governance.traffic.queries import InForce

POLL_S = 0.2
DEFAULT_WATCH_S, MAX_WATCH_S = 60, 600


class TrafficServicer(traffic_pb2_grpc.TrafficServiceServicer):
    """How the calls of each service are balanced."""

    async def GetBalancing(self, request: pb.GetBalancingRequest, context: Any) -> pb.BalancingState:
        return await hop(_get, request)

    async def ListBalancing(self, request: pb.ListBalancingRequest, context: Any) -> pb.ListBalancingResponse:
        return await hop(_list, request)

    async def ValidateBalancing(self, request: pb.SwitchBalancingRequest, context: Any) -> pb.ValidateBalancingResponse:
        return await hop(_validate, request)

    async def SwitchBalancing(self, request: pb.SwitchBalancingRequest, context: Any) -> common.Receipt:
        return await hop(_switch, request)

    async def RollbackBalancing(self, request: pb.RollbackBalancingRequest, context: Any) -> common.Receipt:
        command = RestoreBalancing(
            namespace=request.namespace,
            service=request.service,
            to_revision=request.to_revision,
            force=request.force,
        )
        return receipt(await hop(execute, command, by=current_actor(), **terms(request.mutation)))

    async def ListBalancingRevisions(
        self, request: pb.ListBalancingRevisionsRequest, context: Any
    ) -> pb.ListBalancingRevisionsResponse:
        return await hop(_revisions, request)

    async def WatchSwitch(self, request: pb.WatchSwitchRequest, context: Any) -> AsyncIterator[pb.SwitchProgress]:
        if not 0 <= request.max_s <= MAX_WATCH_S:
            raise Invalid(f"is {request.max_s}; 1 to {MAX_WATCH_S}, or 0 for {DEFAULT_WATCH_S}", field="max_s")
        watch = await hop(SwitchWatch.begin, request)
        ends_at = time.monotonic() + (request.max_s or DEFAULT_WATCH_S)
        while True:
            if (message := await hop(watch.look)) is not None:
                yield message
            if time.monotonic() > ends_at:
                return
            await asyncio.sleep(POLL_S)


def _state(service: Service, force: InForce) -> pb.BalancingState:
    entry = ledger.get(force.revision) if force.revision else None
    return pb.BalancingState(
        namespace=service.namespace,
        service=service.name,
        balancing=convert.balancing(force.balancing),
        revision=force.revision,
        at=timestamp(force.at),
        actor=entry.actor if entry else "",
        reason=entry.reason if entry else "",
        intended=convert.shares(force.balancing, service.endpoints),
    )


def _get(request: pb.GetBalancingRequest) -> pb.BalancingState:
    service = service_of("traffic.read", request.namespace, request.service)
    return _state(service, traffic.in_force([service])[service.uid])


def _list(request: pb.ListBalancingRequest) -> pb.ListBalancingResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str, str)
    revision = ledger.head_revision()
    found = registry.services(
        namespaces=visible("traffic.read", request.namespace),
        after=(position[0], position[1]) if position else None,
        limit=size + 1,
    )
    page = found[:size]
    policies = traffic.in_force(page)
    return pb.ListBalancingResponse(
        states=[_state(each, policies[each.uid]) for each in page],
        next_page_token=paging.token(page[-1].namespace, page[-1].name) if len(found) > size else "",
        revision=revision,
    )


def _command(request: pb.SwitchBalancingRequest) -> SwitchBalancing:
    return SwitchBalancing(
        namespace=request.namespace,
        service=request.service,
        balancing=convert.balancing_of(request.balancing),
        force=request.force,
    )


def _switch(request: pb.SwitchBalancingRequest) -> common.Receipt:
    with inside("balancing", convert.FIELDS):
        return receipt(execute(_command(request), by=current_actor(), **terms(request.mutation)))


def _validate(request: pb.SwitchBalancingRequest) -> pb.ValidateBalancingResponse:
    """Forced, because the answer itself says which clients would reject the policy."""
    request.force, request.mutation.validate_only, request.mutation.request_id = True, True, ""
    with inside("balancing", convert.FIELDS):
        command = _command(request)
        answer = execute(command, by=current_actor(), **terms(request.mutation))
    service = service_of("traffic.write", request.namespace, request.service)
    clients = dataplane.clients_of(service.namespace, service.name)
    return pb.ValidateBalancingResponse(
        receipt=receipt(answer),
        clients=convert.verdicts(answers(command.balancing, clients)),
        intended=convert.shares(command.balancing, service.endpoints),
    )


def _revisions(request: pb.ListBalancingRevisionsRequest) -> pb.ListBalancingRevisionsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, int)
    service = service_of("traffic.read", request.namespace, request.service)
    before = position[0] if position else None
    found = traffic.revisions(service.namespace, service.name, before=before, limit=size + 1)
    return pb.ListBalancingRevisionsResponse(
        revisions=[convert.revision(entry) for entry in found[:size]],
        next_page_token=paging.token(found[size - 1].revision) if len(found) > size else "",
    )
