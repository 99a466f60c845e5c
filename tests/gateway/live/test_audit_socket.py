"""The live audit trail."""

import asyncio
import contextlib

import pytest
from django.contrib.sessions.backends.db import SessionStore
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.live.consumers import MAX_OPEN
from governance.access.commands.people import DisablePerson
from governance.access.commands.roles import WithdrawRole
from governance.compliance import queries as compliance
from governance.compliance.stream import calls
from governance.compliance.values import CallRecord
from governance.kernel.actor import SYSTEM, Actor
from governance.ledger import queries
from governance.ledger.command import Command
from governance.ledger.execute import execute_async
from governance.registry.commands import CreateService, UpdateService
from governance.registry.values import ServiceSpec
from tests.gateway.live.conftest import LIMIT_S, Door, SignIn


def create(name: str, namespace: str = "shop") -> CreateService:
    return CreateService(namespace=namespace, spec=ServiceSpec(namespace=namespace, name=name))


def describe(text: str) -> UpdateService:
    return UpdateService(namespace="shop", service="checkout", description=text)


async def do(command: Command, by: Actor = SYSTEM) -> int:
    return (await execute_async(command, by=by)).revision


async def test_an_event_arrives_whole(door: Door, signed_in: SignIn, alice: Actor) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    async with door.open("/live/audit", session=session) as reader:
        head = await reader.next()
        revision = await do(create("checkout"), by=alice)
        event = await reader.next()
    assert head == {"kind": "head", "seq": revision - 1}
    entry = await asyncio.to_thread(queries.get, revision)
    assert entry is not None
    assert event == {
        "kind": "event",
        "stream": "changes",
        "seq": revision,
        "at": event["at"],
        "actor": "alice",
        "action": "registry.service.create",
        "namespace": "shop",
        "thing": "service/shop/checkout",
        "outcome": "success",
        "reason": "",
        "door": "local",
        "address": "",
        "trace_id": "",
        "before": None,
        "after": entry.after,
        "leaf": entry.leaf.hex(),
    }


async def test_a_reader_who_comes_back_misses_nothing_and_sees_nothing_twice(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    first = await do(create("checkout"))
    async with door.open(f"/live/audit?after={first - 1}", session=session) as reader:
        assert await reader.seqs_until(first) == [first]
    for number in range(1200):
        last = await do(describe(f"text {number}"))
    writing = asyncio.create_task(_keep_writing(200))
    async with door.open(f"/live/audit?after={first}", session=session) as reader:
        final = last + 200
        assert await reader.seqs_until(final) == list(range(first + 1, final + 1))
    await writing


async def _keep_writing(count: int) -> None:
    for number in range(count):
        await do(describe(f"more {number}"))


async def test_a_reader_ahead_of_the_stream_starts_at_its_end(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    async with door.open("/live/audit?after=999999", session=session) as reader:
        head = await reader.next()
        revision = await do(create("checkout"))
        assert head["seq"] == revision - 1
        assert await reader.seqs_until(revision) == [revision]


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("actor=alice", {"service/shop/one"}),
        ("action=registry", {"service/shop/one", "service/bank/two", "service/shop/last"}),
        ("action=registry.service.create&namespace=bank", {"service/bank/two"}),
        ("action=regis", set()),
        ("outcome=refused", set()),
    ],
)
async def test_filters_narrow_what_is_shown(
    door: Door, signed_in: SignIn, alice: Actor, query: str, seen: set[str]
) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    start = await asyncio.to_thread(queries.head_revision)
    async with (
        door.open(f"/live/audit?{query}", session=session) as live,
        door.open("/live/audit", session=session) as everything,
    ):
        assert (await live.next())["kind"] == (await everything.next())["kind"] == "head"
        await do(create("one"), by=alice)
        await do(create("two", "bank"))
        last = await do(create("last"))
        await everything.seqs_until(last)
        async with door.open(f"/live/audit?{query}&after={start}", session=session) as again:
            shown = await again.until(lambda one: one["kind"] == "head")
        assert {one["thing"] for one in shown if one["kind"] == "event"} == seen
        for _ in seen:
            assert (await live.next())["thing"] in seen


async def test_other_namespaces_are_not_shown(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "dave", "auditor", "bank")
    async with door.open("/live/audit?after=0", session=session) as reader:
        past = await reader.until(lambda one: one["kind"] == "head")
        assert [one["thing"] for one in past[:-1]] == ["person/dave"]  # the role in bank
        await do(create("one"))
        revision = await do(create("two", "bank"))
        assert await reader.seqs_until(revision) == [revision]


async def test_calls_are_followed_too(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    async with door.open("/live/audit?stream=calls&outcome=refused", session=session) as reader:
        await reader.next()
        calls().record(CallRecord(action="test.call", outcome="success"))
        calls().record(CallRecord(action="test.call", outcome="refused", message="no"))
        event = await reader.next()
    assert (event["stream"], event["outcome"], event["reason"]) == ("calls", "refused", "no")


async def test_two_sockets_see_the_same(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    async with (
        door.open("/live/audit", session=session) as one,
        door.open("/live/audit", session=session) as other,
    ):
        await one.next()
        await other.next()
        revision = await do(create("checkout"))
        assert await one.next() == await other.next()
        assert revision


async def test_a_reader_who_is_too_slow_is_told_what_it_missed(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    path = "/live/audit?stream=calls&action=test"
    async with door.open(path, session=session) as slow, door.open(path, session=session) as fast:
        await slow.next()
        await fast.next()
        sent = 0
        for _ in range(8):
            for _ in range(500):
                calls().record(CallRecord(action="test.call", message="x" * 1500))
            sent += 500
            got = [await fast.next() for _ in range(500)]
            assert [one["seq"] for one in got] == list(range(got[0]["seq"], got[0]["seq"] + 500))
        last = got[-1]["seq"]
        seen = await slow.until(lambda one: one["kind"] == "event" and one["seq"] == last)
    events = [one["seq"] for one in seen if one["kind"] == "event"]
    missed = [seq for one in seen if one["kind"] == "gap" for seq in range(one["from"], one["to"] + 1)]
    assert missed
    assert sorted(events + missed) == list(range(last - sent + 1, last + 1))
    assert events == sorted(events)


async def test_who_loses_access_is_cut_off(door: Door, signed_in: SignIn) -> None:
    carol = await asyncio.to_thread(signed_in, "carol", "auditor")
    dave = await asyncio.to_thread(signed_in, "dave", "auditor")
    async with door.open("/live/audit", session=carol) as one, door.open("/live/audit", session=dave) as other:
        await do(WithdrawRole(username="carol", role="auditor"))
        await do(DisablePerson(username="dave"))
        for reader, code in ((one, 4403), (other, 4401)):
            with pytest.raises(ConnectionClosed) as closed:
                await reader.until(lambda _: False)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code


async def test_signing_out_ends_the_socket(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    async with door.open("/live/audit", session=session) as reader:
        await asyncio.to_thread(SessionStore(session).delete)
        with pytest.raises(ConnectionClosed):
            await reader.until(lambda _: False)


@pytest.mark.parametrize(
    ("path", "role", "origin"),
    [
        ("/live/audit", "auditor", "http://evil.example"),
        ("/live/audit", "auditor", "null"),
        ("/live/audit", "viewer", None),
        ("/live/audit", None, None),
        ("/live/audit?after=-1", "auditor", None),
        ("/live/audit?stream=secrets", "auditor", None),
        ("/live/audit?colour=red", "auditor", None),
        ("/live/fleet?x=1", "viewer", None),
    ],
)
async def test_who_may_not_is_refused_before_the_handshake_ends_and_that_is_recorded(
    door: Door, signed_in: SignIn, path: str, role: str | None, origin: str | None
) -> None:
    session = await asyncio.to_thread(signed_in, "someone", role) if role else ""
    with pytest.raises(InvalidStatus) as refused:
        async with door.open(path, session=session, origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert await asyncio.to_thread(calls().flush, LIMIT_S)
    (recorded,) = await asyncio.to_thread(compliance.search, outcome="refused")
    assert (recorded.door, recorded.action) == ("websocket", path[1:].partition("?")[0].replace("/", "."))
    assert recorded.address == "127.0.0.1"


async def test_an_unknown_address_is_refused(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    with pytest.raises(InvalidStatus):
        async with door.open("/live/elsewhere", session=session):
            pass


async def test_one_person_cannot_open_sockets_without_end(door: Door, signed_in: SignIn) -> None:
    session = await asyncio.to_thread(signed_in, "carol", "auditor")
    async with contextlib.AsyncExitStack() as opened:
        for _ in range(MAX_OPEN):
            reader = await opened.enter_async_context(door.open("/live/audit", session=session))
            await reader.next()
        with pytest.raises(InvalidStatus):
            await opened.enter_async_context(door.open("/live/audit", session=session))
    async with door.open("/live/audit", session=session) as reader:
        assert (await reader.next())["kind"] == "head"
