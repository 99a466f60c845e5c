"""The chain itself: order, refusal, replacement, and the same behaviour on both wires for all four kinds."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from gateway.interceptors.call import Call, Kind, Refusal, Status
from gateway.interceptors.chain import Chain, Interceptor, Link, Proceed
from gateway.interceptors.context import current_actor, current_call
from gateway.interceptors.server import Context
from governance.kernel.actor import STRANGER
from tests.gateway.interceptors.wires import KINDS, WIRES, wired

SENT: dict[Kind, tuple[bytes, ...]] = {
    "unary_unary": (b"a",),
    "unary_stream": (b"a,b,c",),
    "stream_unary": (b"a", b"b"),
    "stream_stream": (b"a", b"b"),
}
GOT: dict[Kind, list[bytes]] = {
    "unary_unary": [b"a"],
    "unary_stream": [b"a", b"b", b"c"],
    "stream_unary": [b"a,b"],
    "stream_stream": [b"a", b"b"],
}
every_wire = pytest.mark.parametrize("wire", WIRES)
every_kind = pytest.mark.parametrize("kind", KINDS)


class Noting(Interceptor):
    """Writes down what it sees."""

    def __init__(self, name: str, notes: list[str], refuse: Exception | None = None) -> None:
        self.name = name
        self._notes = notes
        self._refuse = refuse

    async def around(self, call: Call, proceed: Proceed) -> Any:
        self._notes.append(f"{self.name} in")
        if self._refuse is not None:
            raise self._refuse
        try:
            return await proceed()
        finally:
            self._notes.append(f"{self.name} out {call.status.code.name}")

    def refused(self, call: Call) -> None:
        self._notes.append(f"{self.name} refused {call.status.code.name}")


def three(notes: list[str], refuse: Exception | None = None) -> Chain:
    return Chain(
        [Link(30, Noting("inner", notes)), Link(10, Noting("outer", notes)), Link(20, Noting("middle", notes, refuse))]
    )


@every_wire
@every_kind
async def test_the_links_surround_a_call_of_every_kind_in_the_order_of_their_priority(wire: str, kind: Kind) -> None:
    notes: list[str] = []
    async with wired(wire, three(notes)) as on:
        ended = await on.call(kind, *SENT[kind])
    assert (ended.code, ended.messages) == (grpc.StatusCode.OK, GOT[kind])
    assert notes == ["outer in", "middle in", "inner in", "inner out OK", "middle out OK", "outer out OK"]


@every_wire
@every_kind
async def test_a_link_that_raises_refuses_and_those_further_in_are_told(wire: str, kind: Kind) -> None:
    notes: list[str] = []
    no = Refusal(Status(grpc.StatusCode.PERMISSION_DENIED, "no", (("x-why-bin", b"\x01"),)))

    async def never(_: bytes, __: Context) -> None:
        raise AssertionError("the handler was reached")

    async with wired(wire, three(notes, no), never) as on:
        ended = await on.call(kind, *SENT[kind])
    assert (ended.code, ended.details, list(ended.messages)) == (grpc.StatusCode.PERMISSION_DENIED, "no", [])
    assert ended.trailing["x-why-bin"] == b"\x01"
    assert notes == ["outer in", "middle in", "outer out PERMISSION_DENIED", "inner refused PERMISSION_DENIED"]


@every_wire
@every_kind
async def test_an_error_of_the_handler_is_seen_by_every_link_and_its_text_by_nobody(wire: str, kind: Kind) -> None:
    notes: list[str] = []

    async def fail(_: bytes, __: Context) -> None:
        raise ValueError("password=hunter2")

    async with wired(wire, three(notes), fail) as on:
        ended = await on.call(kind, *SENT[kind])
    assert ended.code is grpc.StatusCode.INTERNAL
    assert "hunter2" not in repr(ended)
    assert notes[3:] == ["inner out UNKNOWN", "middle out UNKNOWN", "outer out UNKNOWN"]


@every_wire
@every_kind
async def test_the_links_see_the_status_that_the_handler_aborted_with(wire: str, kind: Kind) -> None:
    notes: list[str] = []

    async def abort(_: bytes, context: Context) -> None:
        await context.abort(grpc.StatusCode.NOT_FOUND, "gone")

    async with wired(wire, three(notes), abort) as on:
        ended = await on.call(kind, *SENT[kind])
    assert (ended.code, ended.details) == (grpc.StatusCode.NOT_FOUND, "gone")
    assert notes[3:] == ["inner out NOT_FOUND", "middle out NOT_FOUND", "outer out NOT_FOUND"]


@every_wire
async def test_the_links_see_the_status_that_the_handler_set(wire: str) -> None:
    notes: list[str] = []

    async def soft(_: bytes, context: Context) -> None:
        context.set_code(grpc.StatusCode.OUT_OF_RANGE)
        context.set_details("too far")

    async with wired(wire, three(notes), soft) as on:
        ended = await on.call("unary_unary", b"a")
    assert (ended.code, ended.details) == (grpc.StatusCode.OUT_OF_RANGE, "too far")
    assert notes[3] == "inner out OUT_OF_RANGE"


@every_wire
@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream"])
async def test_the_links_see_that_the_deadline_passed(wire: str, kind: Kind) -> None:
    notes: list[str] = []
    ended_by_deadline = asyncio.Event()

    class Last(Noting):
        async def around(self, call: Call, proceed: Proceed) -> Any:
            try:
                return await super().around(call, proceed)
            finally:
                ended_by_deadline.set()

    async def forever(_: bytes, __: Context) -> None:
        await asyncio.Event().wait()

    async with wired(wire, Chain([Link(1, Last("only", notes))]), forever) as on:
        ended = await on.call(kind, b"a", timeout_s=0.2)
        async with asyncio.timeout(10):
            await ended_by_deadline.wait()
    assert ended.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert notes == ["only in", "only out DEADLINE_EXCEEDED"]


@every_wire
async def test_a_method_that_nobody_serves_passes_the_chain_and_ends_unimplemented(wire: str) -> None:
    notes: list[str] = []
    known: list[bool] = []

    class Look(Interceptor):
        name = "look"

        async def around(self, call: Call, proceed: Proceed) -> Any:
            known.append(call.known)
            return await proceed()

    async with wired(wire, three(notes).with_link(Link(0, Look()))) as on:
        ended = await on.call("unary_unary", b"a", method="Nothing")
    assert ended.code is grpc.StatusCode.UNIMPLEMENTED
    assert notes[3] == "inner out UNIMPLEMENTED"
    assert known == [False]


@every_wire
async def test_a_call_keeps_the_chain_with_which_it_began(wire: str) -> None:
    notes: list[str] = []
    entered, release = asyncio.Event(), asyncio.Event()

    async def wait(message: bytes, _: Context) -> None:
        if message == b"slow":
            entered.set()
            await release.wait()

    async with wired(wire, three(notes), wait) as on:
        slow = asyncio.create_task(on.call("unary_unary", b"slow"))
        async with asyncio.timeout(10):
            await entered.wait()
        on.interceptor.chain = Chain([Link(1, Noting("new", notes))])
        await on.call("unary_unary", b"fast")
        release.set()
        await slow
    assert notes[3:5] == ["new in", "new out OK"]
    assert notes[5:] == ["inner out OK", "middle out OK", "outer out OK"]


@every_wire
async def test_the_call_is_known_to_the_code_that_serves_it_and_forgotten_afterwards(wire: str) -> None:
    seen: list[Call | None] = []

    async def look(_: bytes, __: Context) -> None:
        seen.append(current_call())

    async with wired(wire, Chain(), look) as on:
        await on.call("unary_unary", b"a", metadata={"x-a": "1"})
        door = on.door
    call = seen[0]
    assert call is not None
    assert (call.method, call.kind, call.door, call.request) == ("/test.Echo/Say", "unary_unary", door, b"a")
    assert call.first("x-a") == "1"
    assert call.address in ("127.0.0.1", "192.0.2.7")
    assert current_call() is None
    assert current_actor() is STRANGER


def test_enabled_disabled_and_absent_are_three_different_things() -> None:
    notes: list[str] = []
    chain = three(notes)
    resting = chain.switched("middle", enabled=False)
    gone = chain.without("middle")
    assert [each.state("middle") for each in (chain, resting, gone)] == ["enabled", "disabled", "absent"]
    assert [link.name for link in resting.links] == ["outer", "middle", "inner"]
    assert resting.switched("middle", enabled=True).state("middle") == "enabled"
    with pytest.raises(KeyError):
        gone.switched("middle", enabled=True)


async def test_a_disabled_link_neither_sees_calls_nor_hears_of_refusals() -> None:
    notes: list[str] = []
    chain = three(notes, Refusal(Status(grpc.StatusCode.ABORTED))).switched("inner", enabled=False)
    with pytest.raises(Refusal):
        await chain.run(Call("/x/Y"), _nothing)
    await chain.switched("middle", enabled=False).run(Call("/x/Y"), _nothing)
    assert notes == ["outer in", "middle in", "outer out ABORTED", "outer in", "outer out OK"]


async def _nothing() -> None:
    return None


def test_a_chain_never_changes() -> None:
    notes: list[str] = []
    chain = three(notes)
    names = [link.name for link in chain.links]
    changes: list[Callable[[], Chain]] = [
        lambda: chain.without("outer"),
        lambda: chain.with_link(Link(5, Noting("first", notes))),
        lambda: chain.switched("inner", enabled=False),
    ]
    for change in changes:
        assert change() is not chain
        assert [link.name for link in chain.links] == names
    with pytest.raises(AttributeError):
        chain.something = 1  # type: ignore[attr-defined]


def test_a_link_takes_the_place_of_the_one_of_its_name() -> None:
    notes: list[str] = []
    chain = three(notes).with_link(Link(99, Noting("outer", notes)))
    assert [link.name for link in chain.links] == ["middle", "inner", "outer"]
    with pytest.raises(ValueError, match="a name of its own"):
        Chain([Link(1, Noting("same", notes)), Link(2, Noting("same", notes))])
