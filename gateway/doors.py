"""The chain as it stands before the admin API, on each of its doors."""

from functools import cache
from typing import Literal

import grpc

from gateway.callers import Callers
from gateway.guard import Guard
from gateway.interceptors.access_log import AccessLog
from gateway.interceptors.audit import Audit
from gateway.interceptors.auth import Auth
from gateway.interceptors.call import Call
from gateway.interceptors.chain import Chain, Link
from gateway.interceptors.limit import Buckets, Limit
from gateway.interceptors.metrics import Metrics
from gateway.interceptors.peer import PeerCheck
from gateway.interceptors.recover import Recover
from gateway.interceptors.redact import Redact
from gateway.interceptors.server import ChainInterceptor
from gateway.interceptors.tracing import Tracing
from gateway.rpc import permissions
from gateway.rpc.sonora import EdgeRefusal
from gateway.rpc.status import explain
from governance.compliance.stream import calls
from governance.compliance.values import CallRecord, Outcome
from governance.kernel.actor import EVERYWHERE

Door = Literal["grpc", "grpc-web"]

# What needs no permission.
OPEN = (
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/governor.admin.v1.EnrolmentService/Join",  # a join token is the right to it
    "/governor.admin.v1.EnrolmentService/GetRoots",
)
# Data planes prove who they are by the certificate of their connection, and need the right to be one.
DATA_PLANE = {
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources": "dataplane.connect",
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources": "dataplane.connect",
    "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats": "dataplane.connect",
}
# On a plain-text port nobody can prove anything: it belongs on a network where only data planes are.
PUBLIC = (*OPEN, *DATA_PLANE)
# Far above what people and their tools do, far below what would crowd out others: a whole fleet behind one address
# may reconnect at once.
CALLS_PER_S, BURST = 1_000.0, 5_000

_OURS = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS})
_UNDECIDED = frozenset({grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE})


def standard_chain(door: Door, *, guard: Guard | None = None) -> Chain:
    """Recover, trace, peer, auth, limit, metrics, redact, logging, audit: from the outside to the inside.

    With a `guard` the door is one of mutual TLS: every call is looked at for the certificate behind it.
    """
    callers = Callers(sessions=door == "grpc-web", guard=guard, by_certificate=DATA_PLANE)
    public = PUBLIC if guard is None else OPEN
    auth = Auth(callers, permissions={**permissions.declared(), **DATA_PLANE}, public=public)
    peer = () if guard is None else (PeerCheck(revoked=guard.revoked, opened=guard.opened, required=True),)
    interceptors = (
        Recover(explain),
        Tracing(),
        *peer,
        auth,
        Limit(Buckets(per_s=CALLS_PER_S, burst=BURST)),
        _metrics(),
        Redact(),
        AccessLog(),
        Audit(record_call),
    )
    return Chain(Link(priority, interceptor) for priority, interceptor in enumerate(interceptors))


def native_interceptors(guard: Guard | None = None) -> tuple[ChainInterceptor, ...]:
    """What stands before the native gRPC server, behind a port of mutual TLS when there is a `guard`."""
    return (ChainInterceptor(standard_chain("grpc", guard=guard), door="grpc"),)


def web_interceptors() -> tuple[ChainInterceptor, ...]:
    """What stands before the gRPC-Web edge."""
    return (ChainInterceptor(standard_chain("grpc-web"), door="grpc-web"),)


@cache
def _metrics() -> Metrics:
    return Metrics()  # its series exist once in a process


def record_call(call: Call) -> None:
    """Put a finished call into the calls stream."""
    namespace, thing = _about(call)
    calls().record(
        CallRecord(
            action=_action(call),
            namespace=namespace,
            thing=thing,
            actor=call.actor.name,
            actor_kind=call.actor.kind,
            outcome=_outcome(call.status.code),
            status=call.status.code.name,
            message=call.status.details,
            door=call.door,
            address=call.address,
            trace_id=call.trace_id,
            request_id=str(getattr(getattr(call.request, "mutation", None), "request_id", "")),
            duration_us=call.duration_us,
            detail={"kind": call.kind, "metadata": {name: str(value) for name, value in call.shown_metadata}},
        )
    )


def record_refusal(refusal: EdgeRefusal) -> None:
    """Put a request that was refused before the chain into the calls stream."""
    calls().record(
        CallRecord(
            action="rpc.refused",
            outcome="refused",
            status=refusal.status,
            message=refusal.message,
            door="grpc-web",
            address=refusal.address,
            detail={"path": refusal.path, "origin": refusal.origin},
        )
    )


def _action(call: Call) -> str:
    if not call.known:
        return "rpc.unknown"
    service, _, method = call.method.rpartition("/")
    return f"rpc.{service.rpartition('.')[2]}.{method}"


def _about(call: Call) -> tuple[str, str]:
    """The namespace and the thing that the request names, if it does."""
    namespace = getattr(call.request, "namespace", "") or EVERYWHERE
    service = getattr(call.request, "service", "")
    return str(namespace), f"service/{namespace}/{service}" if service and isinstance(service, str) else ""


def _outcome(code: grpc.StatusCode) -> Outcome:
    if code is grpc.StatusCode.OK:
        return "success"
    return "failed" if code in _OURS or code in _UNDECIDED else "refused"
