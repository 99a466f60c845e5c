"""Who is calling, and what they may."""

import asyncio
import itertools
from collections.abc import Iterator

import grpc
import pytest

from gateway.interceptors.audit import Audit
from gateway.interceptors.auth import Auth
from gateway.interceptors.call import Call, Kind
from gateway.interceptors.chain import Link
from gateway.interceptors.context import current_actor
from gateway.interceptors.recover import Recover
from gateway.interceptors.server import Context
from gateway.interceptors.tracing import Tracing
from gateway.rpc.status import explain
from governance.kernel import errors
from governance.kernel.actor import Actor
from tests.gateway.interceptors.links import (
    LOCAL,
    NOBODY,
    OPERATOR,
    PARENT,
    Record,
    chain,
    every_wire,
    guarded,
)
from tests.gateway.interceptors.wires import wired


@every_wire
@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("unary_unary", "alice", grpc.StatusCode.OK),
        ("stream_stream", "alice", grpc.StatusCode.OK),
        ("unary_unary", "bob", grpc.StatusCode.OK),  # somewhere; where, the command decides
        ("unary_unary", "mallory", grpc.StatusCode.PERMISSION_DENIED),
        ("unary_unary", "", grpc.StatusCode.UNAUTHENTICATED),
        ("stream_stream", "", grpc.StatusCode.UNAUTHENTICATED),
        ("unary_stream", "alice", grpc.StatusCode.PERMISSION_DENIED),  # declares no permission
        ("stream_unary", "", grpc.StatusCode.OK),  # public
    ],
)
async def test_a_method_is_served_to_those_who_hold_its_permission(
    wire: str, kind: Kind, name: str, code: grpc.StatusCode
) -> None:
    async with wired(wire, guarded()) as on:
        ended = await on.call(kind, b"a", metadata={"authorization": name} if name else {})
    assert ended.code is code


@every_wire
async def test_the_handler_knows_who_calls_and_from_where(wire: str) -> None:
    seen: list[Actor] = []

    async def look(_: bytes, __: Context) -> None:
        seen.append(current_actor())

    async with wired(wire, guarded().with_link(Link(-1, Tracing())), look) as on:
        await on.call("unary_unary", b"a", metadata={"authorization": "alice", "traceparent": PARENT})
        door = on.door
    actor = seen[0]
    assert (actor.name, actor.kind, actor.grants) == ("alice", "person", OPERATOR.grants)
    assert (actor.origin.door, actor.origin.trace_id) == (door, "0af7651916cd43dd8448eb211c80319c")
    assert actor.origin.address


@pytest.mark.parametrize(
    "header", ["user-agent", "x-internal", "x-forwarded-for", "x-user-id", "x-trace-id", "x-forwarded-user", "cookie"]
)
async def test_no_other_header_changes_who_calls(header: str) -> None:
    async with wired("gRPC-Web", guarded()) as on:
        ended = await on.call("unary_unary", b"a", metadata={header: "alice"})
    assert ended.code is grpc.StatusCode.UNAUTHENTICATED


@every_wire
@pytest.mark.parametrize(
    ("left", "code"),
    [(None, grpc.StatusCode.UNAUTHENTICATED), (NOBODY, grpc.StatusCode.PERMISSION_DENIED)],
    ids=["revoked", "without the permission"],
)
async def test_who_loses_the_right_to_a_stream_loses_the_stream(
    wire: str, left: Actor | None, code: grpc.StatusCode
) -> None:
    people: dict[str, Actor | None] = {"alice": OPERATOR}
    cleaned_up = asyncio.Event()
    record = Record()

    async def by_people(call: Call) -> Actor:
        if (actor := people[call.first("authorization")]) is None:
            raise errors.Unauthenticated("the token was revoked")
        return actor

    async def second_waits(message: bytes, _: Context) -> None:
        if message == b"b":
            people["alice"] = left
            try:
                await asyncio.Event().wait()
            finally:
                cleaned_up.set()

    auth = Auth(by_people, permissions={"/test.Echo/Watch": "echo.say"}, recheck_s=0.02)
    async with wired(wire, chain(Recover(explain), auth, Audit(record)), second_waits) as on:
        ended = await on.call("unary_stream", b"a,b", metadata={"authorization": "alice"})
    assert (ended.code, list(ended.messages)) == (code, [b"a"])
    assert cleaned_up.is_set()
    assert [call.status.code for call in record.calls] == [code]


@every_wire
async def test_the_handler_of_a_stream_sees_rights_that_change_while_it_is_open(wire: str) -> None:
    asked: Iterator[int] = itertools.count()
    asked_again = asyncio.Event()
    seen: list[Actor] = []

    async def by_people(_: Call) -> Actor:
        times = next(asked)
        if times > 1:
            asked_again.set()
        return LOCAL if times else OPERATOR

    async def look(_: bytes, __: Context) -> None:
        seen.append(current_actor())
        await asked_again.wait()
        seen.append(current_actor())

    auth = Auth(by_people, permissions={"/test.Echo/Watch": "echo.say"}, recheck_s=0.02)
    async with wired(wire, chain(Recover(explain), auth), look) as on:
        ended = await on.call("unary_stream", b"a", metadata={"authorization": "alice"})
    assert ended.code is grpc.StatusCode.OK
    assert [actor.grants for actor in seen] == [OPERATOR.grants, LOCAL.grants]
