"""What a caller learns of a refusal and of an unexpected error."""

import grpc
import pytest
import structlog

from gateway.interceptors.call import Kind
from gateway.interceptors.recover import Recover
from gateway.interceptors.server import Context
from gateway.rpc.status import explain
from governance.kernel import errors
from tests.gateway.interceptors.links import chain, details_of, every_kind, every_wire
from tests.gateway.interceptors.wires import wired

REFUSALS = [
    (errors.Invalid("must be 1 to 5", field="count"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID"),
    (errors.NotFound("no service x"), grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
    (errors.Unauthenticated("sign in"), grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
    (errors.Forbidden("lacks it"), grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN"),
    (errors.Conflict("was used"), grpc.StatusCode.ALREADY_EXISTS, "CONFLICT"),
    (errors.StaleRevision("changed"), grpc.StatusCode.ABORTED, "STALE_REVISION"),
    (errors.TooMany("slower"), grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY"),
    (errors.Unavailable("later"), grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
    (errors.GovernanceError("odd"), grpc.StatusCode.FAILED_PRECONDITION, "GOVERNANCE_ERROR"),
]


@every_wire
@pytest.mark.parametrize(("error", "code", "reason"), REFUSALS, ids=lambda each: type(each).__name__)
async def test_each_refusal_has_its_status_its_words_and_its_reason(
    wire: str, error: errors.GovernanceError, code: grpc.StatusCode, reason: str
) -> None:
    async def refuse(_: bytes, __: Context) -> None:
        raise error

    async with wired(wire, chain(Recover(explain)), refuse) as on:
        ended = await on.call("unary_unary", b"a")
    assert (ended.code, ended.details) == (code, str(error))
    found = details_of(ended.trailing)
    assert (found["ErrorInfo"].reason, found["ErrorInfo"].domain) == (reason, "governor")


@every_wire
async def test_every_violated_field_is_named(wire: str) -> None:
    async def refuse(_: bytes, __: Context) -> None:
        errors.raise_all([errors.Violation("policy", "unknown"), errors.Violation("timeout_ms", "negative")])

    async with wired(wire, chain(Recover(explain)), refuse) as on:
        ended = await on.call("unary_unary", b"a")
    violations = details_of(ended.trailing)["BadRequest"].field_violations
    assert {each.field: each.description for each in violations} == {"policy": "unknown", "timeout_ms": "negative"}


@every_wire
@every_kind
async def test_an_unexpected_error_is_logged_under_the_reference_that_the_caller_gets(wire: str, kind: Kind) -> None:
    async def fail(_: bytes, __: Context) -> None:
        raise KeyError("password=hunter2")

    with structlog.testing.capture_logs() as logs:
        async with wired(wire, chain(Recover(explain)), fail) as on:
            ended = await on.call(kind, b"a")
    assert ended.code is grpc.StatusCode.INTERNAL
    reference = ended.details.removeprefix("internal error, reference ")
    assert [line["reference"] for line in logs] == [reference]
    assert "hunter2" not in repr(ended)
