"""HTTPS by uvicorn, with certificates that change while it serves."""

import asyncio
import http.client
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gateway.tls.edge import EdgeContext
from gateway.tls.pair import Pair
from governance.kernel.errors import Invalid
from tests.gateway.tls.issuing import House, seconds
from tests.gateway.tls.wires import openssl

pytestmark = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@pytest.fixture(scope="module")
def house() -> House:
    return House()


async def greet(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """An application that says over which scheme it was reached."""
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


@contextmanager
def web(edge: EdgeContext, loop: str) -> Iterator[int]:
    """uvicorn on a socket that it was given, as in the web process; yields the port."""
    door = socket.create_server(("127.0.0.1", 0))
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what uvloop does by itself
    config = uvicorn.Config(
        greet,
        loop=loop,
        http="httptools",
        lifespan="off",
        log_config=None,
        ssl_context_factory=lambda _config, _default: edge.context,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        door.close()


def connection(house: House, port: int, name: str) -> http.client.HTTPSConnection:
    """A connection that checks the certificate against `name`, but goes to 127.0.0.1."""
    trust = ssl.create_default_context(cadata=house.roots_pem.decode())
    made = http.client.HTTPSConnection(name, port, context=trust, timeout=20)
    made._create_connection = lambda _, *rest: socket.create_connection(("127.0.0.1", port), *rest)  # type: ignore[attr-defined]
    return made


def fetched(over: http.client.HTTPSConnection) -> bytes:
    over.request("GET", "/")
    return over.getresponse().read()


async def answered(port: int, *options: str, name: str = "") -> str:
    """The serial of the certificate that a client gets who asks for `name`."""
    return (await openssl(port, *(("-servername", name) if name else ("-noservername",)), *options)).serial


async def test_each_name_gets_its_certificate(house: House, loop: str) -> None:
    nobody, red, wild = house.server("nobody.invalid"), house.server("red.example"), house.server("*.blue.example")
    exact = house.server("a.blue.example")
    with web(EdgeContext(nobody, [wild, red, exact]), loop) as port:
        assert await answered(port, name="red.example") == red.serial
        assert await answered(port, name="RED.example") == red.serial
        assert await answered(port, name="a.blue.example") == exact.serial
        assert await answered(port, name="b.blue.example") == wild.serial
        for unknown in ("", "green.example", "blue.example", "x.b.blue.example"):
            assert await answered(port, name=unknown) == nobody.serial
        assert await asyncio.to_thread(fetched, connection(house, port, "red.example")) == b"https"
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(fetched, connection(house, port, "green.example"))


async def test_a_change_is_for_connections_that_begin_after_it(house: House, loop: str) -> None:
    default, first, second = house.server("nobody.invalid"), house.server("red.example"), house.server("red.example")
    edge = EdgeContext(default, [first])
    with web(edge, loop) as port:
        kept = connection(house, port, "red.example")
        assert await asyncio.to_thread(fetched, kept) == b"https"
        assert edge.use([second], default=default)
        assert not edge.use([second], default=default)
        assert await answered(port, name="red.example") == second.serial
        assert await asyncio.to_thread(fetched, kept) == b"https"
        shown = kept.sock.getpeercert()
        assert shown is not None
        assert str(shown["serialNumber"]).lower().lstrip("0") == first.serial
        edge.use([], default=default)
        assert await answered(port, name="red.example") == default.serial
        kept.close()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_no_session_is_resumed_across_a_change(house: House, loop: str, version: str, tmp_path: Path) -> None:
    default, red = house.server("nobody.invalid"), house.server("red.example")
    edge = EdgeContext(default, [red])
    session = str(tmp_path / "session")
    again = ("-servername", "red.example", version, "-sess_in", session)
    request = b"GET / HTTP/1.1\r\nHost: red.example\r\nConnection: close\r\n\r\n"
    with web(edge, loop) as port:
        options = ("-servername", "red.example", version, "-sess_out", session, "-ign_eof")
        assert not (await openssl(port, *options, ask=request)).resumed
        assert (await openssl(port, *again)).resumed
        edge.use([house.server("red.example")], default=default)
        assert not (await openssl(port, *again)).resumed


async def test_only_what_is_served_is_offered(house: House, loop: str) -> None:
    with web(EdgeContext(house.server()), loop) as port:
        assert (await openssl(port, "-alpn", "h2,http/1.1")).alpn == "http/1.1"
        assert (await openssl(port, "-tls1_2")).version == "TLSv1.2"
        assert (await openssl(port, "-tls1_3")).version == "TLSv1.3"
        for weak in (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_2", "-cipher", "AES128-GCM-SHA256")):
            assert not (await openssl(port, *weak)).serial


async def test_hundreds_of_requests_do_not_notice_the_changes(house: House, loop: str) -> None:
    default = house.server("nobody.invalid")
    edge = EdgeContext(default, [house.server("red.example")])
    changing = True
    served = [0, 0]

    def ask_on(anew: bool) -> None:
        over = connection(house, port, "red.example")
        while changing:
            assert fetched(over) == b"https"
            served[anew] += 1
            if anew:
                over.close()
        over.close()

    def answers(more: list[int]) -> bool:
        return served[0] > more[0] and served[1] > more[1]

    with web(edge, loop) as port:
        asking = [asyncio.ensure_future(asyncio.to_thread(ask_on, anew)) for anew in (False, True)]
        for _ in range(3):
            wanted = [served[0] + 300, served[1] + 20]
            while not answers(wanted) and not any(each.done() for each in asking):
                await asyncio.wait(asking, timeout=0.05)
            edge.use([house.server("red.example")], default=default)
        changing = False
        await asyncio.gather(*asking)
    assert served[0] > 900


async def test_what_is_refused_changes_nothing(house: House, loop: str) -> None:
    default, red = house.server("nobody.invalid"), house.server("red.example")
    edge = EdgeContext(default, [red])
    expired = house.make(dns=("red.example",), life=seconds(60), at=house.root.not_before).pair
    bad: list[tuple[Pair, ...]] = [(expired,), (red, house.server("red.example")), (house.client(),)]
    with web(edge, loop) as port:
        for pairs in bad:
            with pytest.raises(Invalid):
                edge.use(pairs, default=default)
        assert await answered(port, name="red.example") == red.serial


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_key_is_left_on_disk_or_open(
    house: House, loop: str, in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:  # a system that has no such files
        monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pair = house.server("red.example")
    with web(EdgeContext(house.server(), [pair]), loop) as port:
        assert asyncio.run(answered(port, name="red.example")) == pair.serial
    assert not list(tmp_path.iterdir())
    assert not [
        path for path in Path("/proc/self/fd").iterdir() if path.is_symlink() and "memfd" in str(path.readlink())
    ]
