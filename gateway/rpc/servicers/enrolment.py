"""EnrolmentService."""

from typing import Any

from gateway.interceptors.call import Call
from gateway.interceptors.context import current_call
from gateway.proto import certificate_pb2 as pb
from gateway.proto import certificate_pb2_grpc
from gateway.rpc.convert.certificate import enrolled
from gateway.rpc.hop import hop
from gateway.tls.peers import Peer
from governance.kernel.actor import Origin
from governance.kernel.errors import Forbidden
from governance.pki import enrolment
from governance.pki.queries.authorities import roots_pem


class EnrolmentServicer(certificate_pb2_grpc.EnrolmentServiceServicer):
    """How workloads get certificates over keys that they make and keep themselves."""

    async def Join(self, request: pb.JoinRequest, context: Any) -> pb.Enrolled:
        return enrolled(await hop(enrolment.join, request.token, request.csr, origin=_origin(current_call())))

    async def Renew(self, request: pb.RenewRequest, context: Any) -> pb.Enrolled:
        call, peer = _workload()
        return enrolled(await hop(enrolment.renew, peer.serial, peer.uris[0], request.csr, by=call.actor))

    async def Check(self, request: pb.CheckRequest, context: Any) -> pb.CheckResponse:
        _, peer = _workload()
        renew = await hop(enrolment.is_stale, peer.uris[0], peer.serial)
        return pb.CheckResponse(renew=renew, roots_pem=await hop(roots_pem))

    async def GetRoots(self, request: pb.GetRootsRequest, context: Any) -> pb.GetRootsResponse:
        return pb.GetRootsResponse(roots_pem=await hop(roots_pem))


def _origin(call: Call | None) -> Origin:
    return Origin(door=call.door, address=call.address, trace_id=call.trace_id) if call else Origin()


def _workload() -> tuple[Call, Peer]:
    """The call with the certificate behind it, when it is made in the name of that certificate and of nobody else."""
    call = current_call()
    peer = call.peer_certificate if call else None
    if call is None or peer is None or call.actor.kind != "workload" or peer.uris != (call.actor.name,):
        raise Forbidden("only a workload that shows its own certificate, and no token, may ask for this")
    return call, peer
