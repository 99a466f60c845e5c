"""A real uvicorn in front of the sockets, people who are signed in, and readers of what is pushed to them."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from gateway.asgi import application
from gateway.live import hub
from gateway.sessions import begin
from governance.access.commands.people import CreatePerson
from governance.access.commands.roles import GrantRole
from governance.compliance.stream import stop_calls
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.ledger.execute import execute
from tests.fixtures.house import House

LIMIT_S = 20
BUFFER_BYTES = 16384  # small, so that a slow reader is felt soon


@dataclass(frozen=True)
class Door:
    """Where the sockets are, and how to open one."""

    address: str

    @contextlib.asynccontextmanager
    async def open(self, path: str, *, session: str = "", origin: str | None = None) -> AsyncIterator["Reader"]:
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"} if session else {}
        own = f"http://{self.address}"
        url = f"ws://{self.address}{path}"
        end = socket.socket()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        end.connect(("127.0.0.1", int(self.address.rpartition(":")[2])))
        async with connect(
            url, sock=end, additional_headers=headers, origin=Origin(origin or own), max_queue=2
        ) as connection:
            yield Reader(connection)


@dataclass
class Reader:
    """Takes apart what one socket is sent."""

    connection: ClientConnection
    waiting: list[dict[str, Any]] = field(default_factory=list)

    async def next(self) -> dict[str, Any]:
        while not self.waiting:
            frame = await asyncio.wait_for(self.connection.recv(), LIMIT_S)
            self.waiting = [json.loads(line) for line in str(frame).split("\n")]
        return self.waiting.pop(0)

    async def until(self, found: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Everything up to and including the first object for which `found` holds."""
        seen: list[dict[str, Any]] = []
        while not seen or not found(seen[-1]):
            seen.append(await self.next())
        return seen

    async def seqs_until(self, seq: int) -> list[int]:
        """The positions of the events up to `seq`."""
        seen = await self.until(lambda one: one["kind"] == "event" and one["seq"] >= seq)
        return [one["seq"] for one in seen if one["kind"] == "event"]


@pytest.fixture
def door(house: House) -> Iterator[Door]:
    """A uvicorn in a thread of this process, so that it lives in the same house."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    config = uvicorn.Config(
        application,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        loop="asyncio",
    )
    server = uvicorn.Server(config)
    started: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        started.append(asyncio.get_running_loop())
        await server.serve(sockets=[listening])
        await hub.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    yield Door(f"127.0.0.1:{listening.getsockname()[1]}")
    server.should_exit = True
    thread.join(LIMIT_S)
    stop_calls()
    listening.close()
    assert not thread.is_alive()


SignIn = Callable[..., str]


@pytest.fixture
def signed_in(house: House) -> SignIn:
    """Make a person with roles and return the key of a session of theirs."""

    def sign_in(username: str, role: str, namespace: str = EVERYWHERE) -> str:
        execute(CreatePerson(username=username, must_change_password=False), by=SYSTEM)
        execute(GrantRole(username=username, role=role, namespace=namespace), by=SYSTEM)
        user = User.objects.get(username=username)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        begin(session)
        session.save()
        assert session.session_key
        return session.session_key

    return sign_in
