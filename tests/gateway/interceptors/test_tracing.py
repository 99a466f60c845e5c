"""Each call has its place in a trace, and says so."""

import grpc
import pytest

from gateway.interceptors.call import Kind
from gateway.interceptors.recover import Recover
from gateway.interceptors.server import Context
from gateway.interceptors.tracing import Tracing, continued
from gateway.rpc.status import explain
from governance.kernel import errors
from tests.gateway.interceptors.links import PARENT, chain, every_kind, every_wire
from tests.gateway.interceptors.wires import wired


@every_wire
@every_kind
async def test_a_call_continues_the_callers_trace_and_answers_with_its_own_span(wire: str, kind: Kind) -> None:
    async with wired(wire, chain(Tracing())) as on:
        ended = await on.call(kind, b"a", metadata={"traceparent": PARENT})
    assert ended.trailing["x-trace-id"] == "0af7651916cd43dd8448eb211c80319c"
    assert ended.trailing["x-parent-span-id"] == "b7ad6b7169203331"
    assert ended.trailing["traceparent"] == f"{PARENT[:36]}{ended.trailing['x-span-id']}-01"
    assert ended.trailing["x-span-id"] != "b7ad6b7169203331"


@every_wire
async def test_the_trace_is_answered_with_a_refusal_too(wire: str) -> None:
    async def refuse(_: bytes, __: Context) -> None:
        raise errors.NotFound("gone")

    async with wired(wire, chain(Recover(explain), Tracing()), refuse) as on:
        ended = await on.call("unary_unary", b"a", metadata={"traceparent": PARENT})
    assert ended.trailing["x-trace-id"] == "0af7651916cd43dd8448eb211c80319c"


@every_wire
@every_kind
async def test_the_trace_is_answered_whatever_the_handler_does_with_its_own_trailing_metadata(
    wire: str, kind: Kind
) -> None:
    async def act(message: bytes, context: Context) -> None:
        if message == b"abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "gone")
        context.set_trailing_metadata((("x-own", "1"),))

    async with wired(wire, chain(Recover(explain), Tracing()), act) as on:
        aborted = await on.call(kind, b"abort", metadata={"traceparent": PARENT})
        ended = await on.call(kind, b"a", metadata={"traceparent": PARENT})
    assert aborted.trailing["x-trace-id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (ended.trailing["x-own"], ended.trailing["x-trace-id"]) == ("1", "0af7651916cd43dd8448eb211c80319c")


def test_x_trace_id_is_taken_where_there_is_no_traceparent() -> None:
    trace = continued("", "0AF7651916CD43DD8448EB211C80319C", "B7AD6B7169203331")
    assert (trace.trace_id, trace.parent_span_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "garbage",
        PARENT.upper(),
        PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        PARENT.replace("b7ad6b7169203331", "0" * 16),
        "ff" + PARENT[2:],
        PARENT + "-more",
        PARENT + "\n",
    ],
)
def test_a_trace_that_is_not_well_formed_is_not_continued(bad: str) -> None:
    trace = continued(bad, "<script>", "x" * 16)
    assert (len(trace.trace_id), len(trace.span_id), trace.parent_span_id) == (32, 16, "")
    assert trace.trace_id not in bad


def test_a_later_version_of_traceparent_is_read_as_far_as_it_is_known() -> None:
    assert continued("01" + PARENT[2:] + "-more").parent_span_id == "b7ad6b7169203331"
    assert not continued(PARENT[:-2] + "00").sampled
