"""What is written down about a call, and what is not."""

import asyncio
import itertools
from collections.abc import Iterator

import grpc
import pytest
import structlog
from prometheus_client import CollectorRegistry

from gateway.interceptors.access_log import AccessLog
from gateway.interceptors.audit import Audit
from gateway.interceptors.auth import Auth
from gateway.interceptors.call import Kind, Pairs
from gateway.interceptors.chain import Chain
from gateway.interceptors.limit import Buckets, Limit
from gateway.interceptors.metrics import Metrics
from gateway.interceptors.recover import Recover
from gateway.interceptors.redact import HIDDEN, Redact, shown
from gateway.interceptors.server import Context
from gateway.interceptors.tracing import Tracing
from gateway.rpc.status import explain
from tests.gateway.interceptors.links import (
    PARENT,
    Record,
    by_name,
    chain,
    every_kind,
    every_wire,
)
from tests.gateway.interceptors.wires import wired

SECRETS = ("authorization", "cookie", "x-api-key", "x-auth", "my-token", "db_password", "x-session-id", "client-secret")


def test_secrets_and_bytes_are_not_shown_and_long_values_are_cut() -> None:
    sent: Pairs = (
        *((name, "s3cret") for name in SECRETS),
        ("x-trace-id", "abc"),
        ("x-hash-key", "customer"),
        ("keyboard", "us"),
        ("blob-bin", b"s3cret"),
        ("x", "y" * 999),
    )
    result = dict(shown(sent))
    assert "s3cret" not in repr(result)
    assert [name for name in SECRETS if result[name] != HIDDEN] == []
    assert (result["x-trace-id"], result["keyboard"], result["blob-bin"]) == ("abc", "us", "[6 bytes]")
    assert len(str(result["x"])) == 256


@every_wire
@every_kind
async def test_one_line_is_written_per_call(wire: str, kind: Kind) -> None:
    with structlog.testing.capture_logs() as logs:
        async with wired(wire, chain(Tracing(), AccessLog(structlog.get_logger()))) as on:
            await on.call(kind, b"a", metadata={"authorization": "Bearer s3cret", "traceparent": PARENT})
    assert len(logs) == 1
    assert (logs[0]["event"], logs[0]["code"], logs[0]["log_level"]) == ("call", "OK", "info")
    assert logs[0]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "s3cret" not in repr(logs)


def whole(record: Record, registry: CollectorRegistry) -> Chain:
    auth = Auth(by_name, permissions={f"/test.Echo/{name}": "echo.say" for name in ("Say", "Watch", "Gather", "Chat")})
    return chain(
        Recover(explain),
        Tracing(),
        auth,
        Limit(Buckets(per_s=1000, burst=1000)),
        Metrics(registry),
        Redact(),
        AccessLog(),
        Audit(record),
    )


OUTCOMES = [("alice", grpc.StatusCode.OK), ("mallory", grpc.StatusCode.PERMISSION_DENIED)]
CASES: list[tuple[str, grpc.StatusCode]] = [*OUTCOMES, ("", grpc.StatusCode.UNAUTHENTICATED)]


@every_wire
@every_kind
@pytest.mark.parametrize(("name", "code"), CASES)
async def test_every_call_is_recorded_once_with_its_final_status(
    wire: str, kind: Kind, name: str, code: grpc.StatusCode, registry: CollectorRegistry
) -> None:
    record = Record()
    async with wired(wire, whole(record, registry)) as on:
        ended = await on.call(kind, b"a", metadata={"authorization": name, "x-a": "1"})
    assert ended.code is code
    assert len(record.calls) == 1
    call = record.calls[0]
    assert (call.status.code, call.kind, call.trace_id) == (code, kind, ended.trailing["x-trace-id"])
    assert ("authorization", HIDDEN) in call.shown_metadata
    assert ("x-a", "1") in call.shown_metadata
    assert call.actor.name == (name or "anonymous")
    assert call.duration_us >= 0


@every_wire
async def test_a_stream_is_recorded_when_its_caller_leaves(wire: str, registry: CollectorRegistry) -> None:
    record = Record()
    ticks: Iterator[int] = itertools.count()

    async def second_waits(_: bytes, __: Context) -> None:
        if next(ticks):
            await asyncio.Event().wait()

    async with wired(wire, whole(record, registry), second_waits) as on:
        ended = await on.call("unary_stream", b"a,b", metadata={"authorization": "alice"}, timeout_s=0.3)
        async with asyncio.timeout(10):
            await record.arrived.wait()
    assert (ended.code, list(ended.messages)) == (grpc.StatusCode.DEADLINE_EXCEEDED, [b"a"])
    assert [call.status.code for call in record.calls] == [grpc.StatusCode.DEADLINE_EXCEEDED]
