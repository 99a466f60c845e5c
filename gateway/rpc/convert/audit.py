"""Events, checkpoints and proofs."""

from gateway.proto import audit_pb2 as pb
from gateway.rpc.convert.common import json_text, timestamp
from governance.compliance.queries import Call
from governance.ledger.checkpoint import Inclusion, Signed
from governance.ledger.queries import Entry


def change(entry: Entry) -> pb.Event:
    """An event of the changes stream."""
    return pb.Event(
        stream=pb.STREAM_CHANGES,
        seq=entry.revision,
        event_id=entry.event_id,
        at=timestamp(entry.at),
        actor=entry.actor,
        actor_kind=entry.actor_kind,
        action=entry.action,
        namespace=entry.namespace,
        thing=entry.thing,
        outcome="success",
        reason=entry.reason,
        door=entry.door,
        address=entry.address,
        trace_id=entry.trace_id,
        request_id=entry.request_id,
        before_json=json_text(entry.before),
        after_json=json_text(entry.after),
        leaf=entry.leaf,
    )


def call(event: Call) -> pb.Event:
    """An event of the calls stream."""
    return pb.Event(
        stream=pb.STREAM_CALLS,
        seq=event.seq,
        event_id=event.event_id,
        at=timestamp(event.at),
        actor=event.actor,
        actor_kind=event.actor_kind,
        action=event.action,
        namespace=event.namespace,
        thing=event.thing,
        outcome=event.outcome,
        reason=event.message,
        door=event.door,
        address=event.address,
        trace_id=event.trace_id,
        request_id=event.request_id,
        leaf=event.leaf,
    )


def checkpoint(value: Signed, stream: pb.Stream.ValueType) -> pb.Checkpoint:
    """A signed checkpoint."""
    return pb.Checkpoint(stream=stream, size=value.size, root=value.root, note=value.note, at=timestamp(value.at))


def inclusion(value: Inclusion) -> pb.InclusionProof:
    """The proof that an event is in the tree."""
    return pb.InclusionProof(
        leaf_index=value.index, size=value.size, leaf=value.leaf, hashes=value.hashes, root=value.root
    )
