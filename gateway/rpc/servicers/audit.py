"""AuditService."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from gateway.proto import audit_pb2 as pb
from gateway.proto import audit_pb2_grpc
from gateway.rpc import paging
from gateway.rpc.convert import audit as convert
from gateway.rpc.hop import hop
from gateway.rpc.servicers.scope import visible
from governance.compliance import queries as compliance
from governance.compliance.streams import CALLS
from governance.kernel.actor import EVERYWHERE
from governance.kernel.errors import Invalid, NotFound
from governance.ledger import checkpoint
from governance.ledger import queries as ledger
from governance.ledger.queries import Entry
from governance.ledger.stream import CHANGES, Stream

POLL_S = 0.25
BATCH = 500


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Who did what."""

    async def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> pb.ListEventsResponse:
        return await hop(_list, request)

    async def TailEvents(self, request: pb.TailEventsRequest, context: Any) -> AsyncIterator[pb.Event]:
        cursor = request.after if request.HasField("after") else await hop(ledger.head_revision)
        while True:
            entries = await hop(ledger.after, cursor, limit=BATCH)
            spaces = visible("audit.read")
            for entry in entries:
                cursor = entry.revision
                if EVERYWHERE in spaces or entry.namespace in spaces:
                    yield convert.change(entry)
            if len(entries) < BATCH:
                await asyncio.sleep(POLL_S)

    async def GetCheckpoint(self, request: pb.GetCheckpointRequest, context: Any) -> pb.Checkpoint:
        return await hop(_checkpoint, request)

    async def ProveInclusion(self, request: pb.ProveInclusionRequest, context: Any) -> pb.InclusionProof:
        proof = await hop(checkpoint.prove_inclusion, _stream(request.stream), request.seq, request.size)
        return convert.inclusion(proof)

    async def ProveConsistency(self, request: pb.ProveConsistencyRequest, context: Any) -> pb.ConsistencyProof:
        hashes = await hop(checkpoint.prove_consistency, _stream(request.stream), request.from_size, request.to_size)
        return pb.ConsistencyProof(from_size=request.from_size, to_size=request.to_size, hashes=hashes)


def _stream(kind: pb.Stream.ValueType) -> Stream:
    if kind in (pb.STREAM_UNSPECIFIED, pb.STREAM_CHANGES):
        return CHANGES
    if kind == pb.STREAM_CALLS:
        return CALLS
    raise Invalid(f"is {kind}; 1 (changes) or 2 (calls)", field="stream")


def _list(request: pb.ListEventsRequest) -> pb.ListEventsResponse:
    size, position = paging.size_of(request.page), paging.position_of(request.page, int)
    before = position[0] if position else None
    changes = _stream(request.stream) is CHANGES
    events = _changes(request, before, size + 1) if changes else _calls(request, before, size + 1)
    page = events[:size]
    return pb.ListEventsResponse(events=page, next_page_token=paging.token(page[-1].seq) if len(events) > size else "")


def _changes(request: pb.ListEventsRequest, before: int | None, limit: int) -> list[pb.Event]:
    if request.outcome not in ("", "success"):
        return []
    found: list[Entry] = ledger.search(
        namespaces=visible("audit.read", request.namespace),
        things=[request.thing] if request.thing else [],
        actor=request.actor,
        action=request.action,
        before=before,
        limit=limit,
    )
    return [convert.change(entry) for entry in found]


def _calls(request: pb.ListEventsRequest, before: int | None, limit: int) -> list[pb.Event]:
    if request.thing:
        raise Invalid("calls are not searched by thing; leave it empty", field="thing")
    found = compliance.search(
        namespaces=visible("audit.read", request.namespace),
        actor=request.actor,
        action=request.action,
        outcome=request.outcome,
        before=before,
        limit=limit,
    )
    return [convert.call(event) for event in found]


def _checkpoint(request: pb.GetCheckpointRequest) -> pb.Checkpoint:
    stream = _stream(request.stream)
    found = checkpoint.newest(stream)
    if found is None:
        raise NotFound("nothing has been signed yet; a checkpoint is signed every minute", field="stream")
    return convert.checkpoint(found, pb.STREAM_CHANGES if stream is CHANGES else pb.STREAM_CALLS)
