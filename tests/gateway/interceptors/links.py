"""Links, and people who call, for the tests of links."""

import asyncio
from typing import Any

import pytest
from google.rpc import error_details_pb2, status_pb2

from gateway.interceptors.auth import Auth
from gateway.interceptors.call import Call
from gateway.interceptors.chain import Chain, Interceptor, Link
from gateway.interceptors.recover import Recover
from gateway.rpc.status import explain
from governance.kernel import errors
from governance.kernel.actor import EVERYWHERE, Actor
from tests.gateway.interceptors.wires import KINDS, WIRES

SAY = "/test.Echo/Say"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
every_wire = pytest.mark.parametrize("wire", WIRES)
every_kind = pytest.mark.parametrize("kind", KINDS)


def chain(*interceptors: Interceptor) -> Chain:
    return Chain(Link(priority, interceptor) for priority, interceptor in enumerate(interceptors))


def details_of(trailing: Any) -> dict[str, Any]:
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    found: dict[str, Any] = {}
    for packed in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            detail = kind()
            if packed.Unpack(detail):
                found[kind.__name__] = detail
    return found


OPERATOR = Actor(name="alice", kind="person", grants={EVERYWHERE: frozenset({"echo.say"})})
LOCAL = Actor(name="bob", kind="token", grants={"shop": frozenset({"echo.say"})})
NOBODY = Actor(name="mallory", kind="person")
PEOPLE = {"alice": OPERATOR, "bob": LOCAL, "mallory": NOBODY}


async def by_name(call: Call) -> Actor:
    if (actor := PEOPLE.get(call.first("authorization"))) is None:
        raise errors.Unauthenticated("who are you?")
    return actor


def guarded() -> Chain:
    auth = Auth(by_name, permissions={SAY: "echo.say", "/test.Echo/Chat": "echo.say"}, public=["/test.Echo/Gather"])
    return chain(Recover(explain), auth)


class Record:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.arrived = asyncio.Event()

    def __call__(self, call: Call) -> None:
        self.calls.append(call)
        self.arrived.set()
