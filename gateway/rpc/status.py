"""What a refusal looks like as a gRPC status with google.rpc details."""

from collections.abc import Iterator

import grpc
import structlog
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from gateway.interceptors.call import Call, Refusal, Status
from gateway.interceptors.limit import OverLimit
from governance.kernel import errors
from governance.kernel.ids import uuid7

DOMAIN = "governor"
DETAILS = "grpc-status-details-bin"
log = structlog.get_logger(__name__)

_CODES: dict[type[errors.GovernanceError], grpc.StatusCode] = {
    errors.Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    errors.Conflict: grpc.StatusCode.ALREADY_EXISTS,
    errors.StaleRevision: grpc.StatusCode.ABORTED,
    errors.TooMany: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}


def explain(error: BaseException, call: Call) -> Status:
    """The status of `error`. An unexpected one is logged under a reference, which is all that the caller learns."""
    if isinstance(error, Refusal):
        return error.status
    if isinstance(error, errors.GovernanceError):
        return refusal(error)
    call.reference = uuid7()
    log.error("unexpected error", method=call.method, reference=call.reference, exc_info=error)
    return Status(grpc.StatusCode.INTERNAL, f"internal error, reference {call.reference}")


def refusal(error: errors.GovernanceError) -> Status:
    """The status of a refusal: its message word for word, and its reason, fields and delay as details."""
    code = code_of(error)
    body = status_pb2.Status(code=code.value[0], message=str(error))
    for detail in _details(error):
        packed = Any()
        packed.Pack(detail)
        body.details.append(packed)
    return Status(code, str(error), ((DETAILS, body.SerializeToString()),))


def code_of(error: errors.GovernanceError) -> grpc.StatusCode:
    """The code of a refusal; a kind that is not known here is a failed precondition."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    return grpc.StatusCode.FAILED_PRECONDITION


def _details(error: errors.GovernanceError) -> Iterator[Message]:
    yield details.ErrorInfo(reason=error.reason, domain=DOMAIN)
    if error.violations:
        yield details.BadRequest(
            field_violations=[
                details.BadRequest.FieldViolation(field=each.field, description=each.message)
                for each in error.violations
            ]
        )
    if isinstance(error, OverLimit):
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after_s * 1000) + 1)
        yield details.RetryInfo(retry_delay=delay)
