"""Workloads, join tokens and transports."""

from datetime import datetime

from gateway.proto import certificate_pb2 as pb
from gateway.rpc.convert.common import timestamp
from governance.pki.status import JoinTokenView, TransportView, WorkloadView

_STATES = {
    "open": pb.JOIN_TOKEN_STATE_OPEN,
    "used": pb.JOIN_TOKEN_STATE_USED,
    "withdrawn": pb.JOIN_TOKEN_STATE_WITHDRAWN,
    "expired": pb.JOIN_TOKEN_STATE_EXPIRED,
}


def workload(value: WorkloadView) -> pb.Workload:
    """A program with an identity."""
    return pb.Workload(
        namespace=value.namespace,
        name=value.name,
        uri=value.uri,
        enabled=value.enabled,
        serial=value.serial,
        not_before=timestamp(value.not_before),
        not_after=timestamp(value.not_after),
        revoked_reason=value.revoked_reason,
        revision=value.revision,
    )


def join_token(value: JoinTokenView, at: datetime) -> pb.JoinToken:
    """A join token as it stands at `at`, without its secret."""
    return pb.JoinToken(
        id=value.id,
        namespace=value.namespace,
        workload=value.workload,
        state=_STATES[value.state(at)],
        created_at=timestamp(value.created_at),
        expires_at=timestamp(value.expires_at),
        used_at=timestamp(value.used_at),
        withdrawn_at=timestamp(value.withdrawn_at),
        revision=value.revision,
    )


def transport(value: TransportView) -> pb.Transport:
    """How the calls to a service travel."""
    return pb.Transport(
        namespace=value.namespace,
        service=value.service,
        mode=value.mode,
        server_uris=value.server_uris,
        revision=value.revision,
    )
