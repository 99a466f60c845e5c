"""Connected clients and the loads they reported."""

from datetime import datetime

from gateway.proto import dataplane_pb2 as pb
from gateway.rpc.convert.common import timestamp
from governance.dataplane.values import Client, Load, TypeSync, type_state

_STATES = {
    "in_sync": pb.SYNC_STATE_IN_SYNC,
    "sent": pb.SYNC_STATE_SENT,
    "nacked": pb.SYNC_STATE_NACKED,
    "stale": pb.SYNC_STATE_STALE,
    "offline": pb.SYNC_STATE_OFFLINE,
}


def client(value: Client, now: datetime) -> pb.Client:
    """One stream as it stands at `now`."""
    return pb.Client(
        name=value.name,
        node_id=value.node_id,
        kind=value.kind,
        version=value.version,
        zone=value.zone,
        address=value.address,
        mode=value.mode,
        state=_STATES[value.state(now)],
        connected_at=timestamp(value.connected_at),
        seen_at=timestamp(value.seen_at),
        types=[_type(each, value, now) for each in value.types],
        services=value.services,
        revision=value.revision,
    )


def _type(value: TypeSync, owner: Client, now: datetime) -> pb.TypeSync:
    return pb.TypeSync(
        type=value.type,
        state=_STATES[type_state(value, now) if owner.connected else "offline"],
        sent_version=value.sent_version,
        acked_version=value.acked_version,
        nonce=value.nonce,
        sent_at=timestamp(value.sent_at),
        acked_at=timestamp(value.acked_at),
        round_trip_ms=value.round_trip_ms,
        nacks=value.nacks,
        nack_version=value.nack_version,
        nack_text=value.nack_text,
        nacked_at=timestamp(value.nacked_at),
        resources=value.resources,
    )


def load(value: Load, window_s: int) -> pb.Load:
    """Calls to one endpoint over `window_s` seconds."""
    return pb.Load(
        endpoint=value.endpoint,
        calls=value.issued,
        errors=value.errors,
        in_progress=value.in_progress,
        rate=value.issued / window_s,
    )
