"""When a start is over: every part answers, and in a demo the fleet is on its first page."""

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connections

from governance.dataplane import queries as dataplane
from governance.kernel.clock import now
from governance.ledger import queries

SHOW_LIFE = ("xds", "worker")
ASK_EVERY_S = 0.05
SAY_EVERY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Host and port of the two doors, the hosts as they were set."""

    http: tuple[str, int]
    grpc: tuple[str, int]

    @property
    def url(self) -> str:
        """The dashboard's."""
        host, port = self.near(self.http)
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    @staticmethod
    def near(door: tuple[str, int]) -> tuple[str, int]:
        """How `door` is reached from this machine."""
        host, port = door
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104  (compared, not bound to)


async def until_ready(doors: Doors, *, demo: bool, say: Callable[[str], None]) -> None:
    """Return when everything answers; meanwhile say every 10 s what is still missing."""
    told_at, since = time.monotonic(), now()
    while missing := await asyncio.to_thread(_look, doors, since, demo=demo):
        if time.monotonic() - told_at > SAY_EVERY_S:
            say(f"waiting for {missing}")
            told_at = time.monotonic()
        await asyncio.sleep(ASK_EVERY_S)


def _look(doors: Doors, since: datetime, *, demo: bool) -> str:
    try:
        return _missing(doors, since, demo=demo)
    except DatabaseError as error:  # busy, most likely; if it stays, the user is told
        return f"the database ({error})"
    finally:
        connections.close_all()  # of this thread; nobody asks again once all is ready


def _missing(doors: Doors, since: datetime, *, demo: bool) -> str:
    # A sign of life of the Governor that ran before is no sign of this one.
    if silent := [name for name in SHOW_LIFE if name not in {each.follower for each in _seen(since)}]:
        return ", ".join(silent)
    if not _accepts(doors.near(doors.grpc)):
        return "xds"
    if missing := _parts_missing(doors.near(doors.http)):
        return missing
    return "the demo fleet" if demo and not _populated() else ""


def _seen(since: datetime) -> Iterator[queries.Place]:
    return (place for place in queries.places() if place.seen_at >= since)


def _accepts(door: tuple[str, int]) -> bool:
    try:
        socket.create_connection(door, timeout=1).close()
    except OSError:
        return False
    return True


def _parts_missing(door: tuple[str, int]) -> str:
    """Which parts /readyz calls not ready, empty when all are."""
    connection = http.client.HTTPConnection(*door, timeout=2)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return "web"
    finally:
        connection.close()
    if response.status == http.HTTPStatus.OK:
        return ""
    try:
        parts = json.loads(body)["parts"]
        return ", ".join(name for name, part in parts.items() if not part["ok"]) or "web"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "web"


def _populated() -> bool:
    """Whether a connected client has acknowledged what it was sent about a service."""
    return any(
        client.services and all(sync.acked_version for sync in client.types)
        for client in dataplane.clients(connected_only=True)
    )
