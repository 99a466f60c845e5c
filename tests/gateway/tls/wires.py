"""Real gRPC servers and clients over TLS, and openssl as a client from outside."""

import asyncio
import re
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc.experimental.session_cache import ssl_session_cache_lru

from gateway.interceptors.chain import Chain
from gateway.interceptors.server import ChainInterceptor
from gateway.tls.hot import HotCredentials
from gateway.tls.pair import Pair
from tests.gateway.interceptors.wires import Act, Echo

LIMIT_S = 20.0
SAY, CHAT = "/test.Echo/Say", "/test.Echo/Chat"
LOCAL_POOL = ("grpc.use_local_subchannel_pool", 1)


async def until(holds: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait until `holds` says so."""
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, f"not within {limit_s} s: {what}"
        await asyncio.sleep(0.02)


@dataclass
class Served:
    """A server that echoes, on one port for each of the credentials it was given."""

    ports: Sequence[int]

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(*hot: HotCredentials, chain: Chain | None = None, act: Act | None = None) -> AsyncIterator[Served]:
    """An echo server on free ports; the same credentials may be given for several."""
    interceptors = [ChainInterceptor(chain)] if chain is not None else []
    server = grpc.aio.server(interceptors=interceptors)
    server.add_registered_method_handlers("test.Echo", Echo(act).handlers())
    ports = [server.add_secure_port("127.0.0.1:0", each.credentials()) for each in hot]
    await server.start()
    try:
        yield Served(ports)
    finally:
        await server.stop(0)


class Resuming:
    """A client that connects anew for each call, and offers to resume its session where it has one."""

    def __init__(self, served: Served, pair: Pair, roots_pem: bytes, name: str = "localhost") -> None:
        self._target = served.target
        self._credentials = grpc.ssl_channel_credentials(roots_pem, pair.key_pem, pair.chain_pem)
        self._options = [
            ("grpc.ssl_target_name_override", name),
            ("grpc.ssl_session_cache", ssl_session_cache_lru(4)),  # type: ignore[no-untyped-call]
            LOCAL_POOL,
        ]

    async def say(self, message: bytes = b"hello") -> bytes:
        """Call once; grpc.aio.AioRpcError when refused."""
        async with grpc.aio.secure_channel(self._target, self._credentials, options=self._options) as channel:
            call: Any = channel.unary_unary(SAY)
            answer: bytes = await call(message, timeout=LIMIT_S)
            return answer


def connected(served: Served, pair: Pair | None, roots_pem: bytes, name: str = "localhost") -> grpc.aio.Channel:
    """A plain channel of grpc.aio."""
    shown = (pair.key_pem, pair.chain_pem) if pair is not None else (None, None)
    credentials = grpc.ssl_channel_credentials(roots_pem, *shown)
    return grpc.aio.secure_channel(
        served.target, credentials, options=[("grpc.ssl_target_name_override", name), LOCAL_POOL]
    )


def say(channel: grpc.aio.Channel, message: bytes = b"hello") -> Any:
    """A unary call that is answered with its own message."""
    start: Any = channel.unary_unary(SAY)
    return start(message, timeout=LIMIT_S)


def chat(channel: grpc.aio.Channel) -> Any:
    """A stream that answers each message with itself."""
    start: Any = channel.stream_stream(CHAT)
    return start()


async def echoed(stream: Any, message: bytes) -> bool:
    """Whether the stream is open and answers."""
    await stream.write(message)
    return bool(await stream.read() == message)


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """How a call that must fail ended."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    raise AssertionError("the call was served")


@dataclass(frozen=True)
class Shaken:
    """What openssl says of a handshake."""

    text: str

    @property
    def serial(self) -> str:
        """Of the server's certificate."""
        return self._first(r"serial=([0-9A-F]+)").lower().lstrip("0")

    @property
    def resumed(self) -> bool:
        assert ("New, " in self.text) != ("Reused, " in self.text), self.text
        return "Reused, " in self.text

    @property
    def alpn(self) -> str:
        return self._first(r"ALPN protocol: (\S+)")

    @property
    def version(self) -> str:
        return self._first(r"(?:New|Reused), (TLSv[0-9.]+)")

    @property
    def verified(self) -> bool:
        return "Verify return code: 0 (ok)" in self.text

    def _first(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        return found[1] if found else ""


async def openssl(port: int, *options: str, ask: bytes = b"") -> Shaken:
    """One handshake by `openssl s_client`, which then sends `ask` and hangs up."""
    shown = await _run("s_client", "-connect", f"127.0.0.1:{port}", *options, given=ask)
    if leaf := re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", shown, re.DOTALL):
        shown += await _run("x509", "-noout", "-serial", given=leaf[0].encode())
    return Shaken(shown)


async def hangs_up(port: int, *options: str) -> bool:
    """Whether the server ends a connection of `openssl s_client` by itself."""
    command = ("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    assert process.stdout is not None
    try:
        await asyncio.wait_for(process.stdout.read(), 2.0)
    except TimeoutError:
        process.kill()
        return False
    finally:
        await process.wait()
    return True


async def _run(*command: str, given: bytes) -> str:
    process = await asyncio.create_subprocess_exec("openssl", *command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    try:
        shown, _ = await asyncio.wait_for(process.communicate(given), LIMIT_S)
    except TimeoutError:
        process.kill()
        raise
    return shown.decode(errors="replace")


def kept(directory: Path, pair: Pair, roots_pem: bytes) -> tuple[str, ...]:
    """The options by which openssl shows `pair`, from files in `directory`."""
    for name, content in (("c.pem", pair.chain_pem), ("k.pem", pair.key_pem), ("r.pem", roots_pem)):
        (directory / name).write_bytes(content)
    files = {"-cert": "c.pem", "-cert_chain": "c.pem", "-key": "k.pem", "-CAfile": "r.pem"}
    return tuple(part for option, name in files.items() for part in (option, str(directory / name)))
