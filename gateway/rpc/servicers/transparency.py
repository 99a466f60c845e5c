"""TransparencyService: whether certificates are logged, what was found, and what is watched."""

from typing import Any

from gateway.interceptors.context import current_actor
from gateway.proto import common_pb2 as common
from gateway.proto import transparency_pb2 as pb
from gateway.proto import transparency_pb2_grpc
from gateway.rpc import paging
from gateway.rpc.convert import transparency as convert
from gateway.rpc.convert.common import receipt, terms
from gateway.rpc.hop import hop
from gateway.rpc.servicers.scope import visible
from gateway.threads import Threads
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.ledger import queries as ledger
from governance.ledger.command import Command
from governance.ledger.execute import execute
from governance.pki import commands
from governance.pki.ct import explaining, seen
from governance.pki.ct.board import board
from governance.pki.enrolment import ISSUER
from governance.pki.seen import issued_seen

# Logs elsewhere take their time, and nobody else is to wait for that.
_asking = Threads(2, "ct").run


class TransparencyServicer(transparency_pb2_grpc.TransparencyServiceServicer):
    """Certificates against logs, logs against themselves, and ports against both."""

    async def ListLogs(self, request: pb.ListLogsRequest, context: Any) -> pb.ListLogsResponse:
        return await hop(_logs, request)

    async def GetLog(self, request: pb.GetLogRequest, context: Any) -> pb.Log:
        return convert.log(await hop(seen.log_state, request.log_id), now())

    async def CheckCertificate(self, request: pb.CheckCertificateRequest, context: Any) -> pb.CheckCertificateResponse:
        return convert.explained(await _asking(_check, request))

    async def GetProof(self, request: pb.GetProofRequest, context: Any) -> pb.LogEvidence:
        found = await hop(seen.evidence_seen, current_actor(), request.serial, request.log_id)
        return convert.evidence(found, seen.verify_script())

    async def ListFindings(self, request: pb.ListFindingsRequest, context: Any) -> pb.ListFindingsResponse:
        return await hop(_findings, request)

    async def AcknowledgeFinding(self, request: pb.AcknowledgeFindingRequest, context: Any) -> common.Receipt:
        return await hop(_acknowledge, request)

    async def GetBoard(self, request: pb.GetBoardRequest, context: Any) -> pb.GetBoardResponse:
        return await hop(_board, request)

    async def ListGates(self, request: pb.ListGatesRequest, context: Any) -> pb.ListGatesResponse:
        found = await hop(seen.gates_seen, current_actor())
        return pb.ListGatesResponse(gates=[convert.gate(each) for each in found])

    async def SetGate(self, request: pb.SetGateRequest, context: Any) -> common.Receipt:
        command = commands.SetTransparency(issuer=request.issuer or ISSUER, mode=request.mode)  # type: ignore[arg-type]  # the command checks itself
        return await hop(_execute, command, request.mutation)

    async def GetWatched(self, request: pb.GetWatchedRequest, context: Any) -> pb.WatchedNames:
        return convert.watched(await hop(seen.watched_seen, current_actor()))

    async def WatchNames(self, request: pb.WatchNamesRequest, context: Any) -> common.Receipt:
        return await hop(_execute, commands.WatchNames(names=tuple(request.names)), request.mutation)

    async def ListListeners(self, request: pb.ListListenersRequest, context: Any) -> pb.ListListenersResponse:
        return await hop(_listeners, request)

    async def AddListener(self, request: pb.AddListenerRequest, context: Any) -> common.Receipt:
        command = commands.AddListener(
            namespace=request.namespace, address=request.address, server_name=request.server_name
        )
        return await hop(_execute, command, request.mutation)

    async def RemoveListener(self, request: pb.RemoveListenerRequest, context: Any) -> common.Receipt:
        command = commands.RemoveListener(namespace=request.namespace, id=request.id)
        return await hop(_execute, command, request.mutation)


def _execute(command: Command, mutation: common.Mutation) -> common.Receipt:
    return receipt(execute(command, by=current_actor(), **terms(mutation)))


def _logs(request: pb.ListLogsRequest) -> pb.ListLogsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, int, str, str, str)
    found = seen.logs_in(request.source)
    rest = [each for each in found if position is None or seen.log_place(each) > tuple(position)]
    page, at = rest[:size], now()
    return pb.ListLogsResponse(
        logs=[convert.log(each, at) for each in page],
        next_page_token=paging.token(*seen.log_place(page[-1])) if len(rest) > size else "",
    )


def _check(request: pb.CheckCertificateRequest) -> explaining.Explained:
    chosen = request.WhichOneof("certificate")
    if chosen is None:
        raise Invalid("is missing; give the serial number of an issued certificate, or a chain as pem", field="serial")
    if chosen == "pem":
        return explaining.of_pem(request.pem, stapled=request.stapled, tls=request.tls)
    if request.stapled or request.tls:
        raise Invalid("goes with pem alone", field="stapled" if request.stapled else "tls")
    issued = issued_seen(current_actor(), request.serial)
    return explaining.of_pem(issued.chain_pem) if request.ask_logs else explaining.of_issued(issued.serial)


def _findings(request: pb.ListFindingsRequest) -> pb.ListFindingsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, int, str)
    revision = ledger.head_revision()
    found = seen.findings_in(
        visible("pki.read", request.namespace),
        kind=request.kind,
        state=request.state,
        after=(position[0], position[1]) if position else None,
        limit=size + 1,
    )
    page = found[:size]
    return pb.ListFindingsResponse(
        findings=[convert.finding(each) for each in page],
        next_page_token=paging.token(*seen.place(page[-1])) if len(found) > size else "",
        revision=revision,
    )


def _acknowledge(request: pb.AcknowledgeFindingRequest) -> common.Receipt:
    found = seen.finding_seen(current_actor(), request.id)
    return _execute(commands.AcknowledgeFinding(namespace=found.namespace, id=found.id), request.mutation)


def _board(request: pb.GetBoardRequest) -> pb.GetBoardResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, int)
    start = max(0, position[0]) if position else 0
    whole = board(visible("pki.read", request.namespace), at=now())
    rows = seen.rows_of(whole, kind=request.kind, service=request.service)
    more = paging.token(start + size) if len(rows) > start + size else ""
    return convert.board(whole, rows[start : start + size], more)


def _listeners(request: pb.ListListenersRequest) -> pb.ListListenersResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, str, str, str)
    found = seen.listeners_in(
        visible("pki.read", request.namespace),
        after=(position[0], position[1], position[2]) if position else None,
        limit=size + 1,
    )
    page = found[:size]
    return pb.ListListenersResponse(
        listeners=[convert.listener(each) for each in page],
        next_page_token=paging.token(*seen.listener_place(page[-1].listener)) if len(found) > size else "",
    )
