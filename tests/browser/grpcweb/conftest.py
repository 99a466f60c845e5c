"""A page with both browser clients, and the hardened server that serves it."""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from gateway.interceptors.chain import Chain, Link
from gateway.interceptors.recover import Recover
from gateway.interceptors.server import ChainInterceptor, Context
from gateway.interceptors.tracing import Tracing
from gateway.rpc.sonora import EdgeRefusal, Origins, Web
from gateway.rpc.status import explain
from governance.kernel.errors import NotFound

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --headless=new --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PATIENCE_S = 20.0


@dataclass
class Service:
    """The service behind the page; `left` says that the caller of Idle is gone."""

    messages: ModuleType
    left: threading.Event = field(default_factory=threading.Event)
    refusals: list[EdgeRefusal] = field(default_factory=list)

    async def say(self, request: Any, context: Context) -> Any:
        return request

    async def count(self, request: Any, context: Context) -> AsyncIterator[Any]:
        for number in range(int(request.text)):
            yield self.messages.Text(text=str(number))

    async def idle(self, request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            yield self.messages.Text(text="first")
            await asyncio.Event().wait()
        finally:
            self.left.set()

    async def fail(self, request: Any, context: Context) -> Any:
        raise NotFound("there is no “thing”", field="text")

    async def fail_late(self, request: Any, context: Context) -> AsyncIterator[Any]:
        async for message in self.count(request, context):
            yield message
        await self.fail(request, context)

    def add_to(self, web: Web) -> None:
        read, write = self.messages.Text.FromString, self.messages.Text.SerializeToString
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        made: dict[str, Any] = {
            "Say": unary(self.say, read, write),
            "Fail": unary(self.fail, read, write),
            "Count": stream(self.count, read, write),
            "Idle": stream(self.idle, read, write),
            "FailLate": stream(self.fail_late, read, write),
        }
        web.add_registered_method_handlers("test.v1.Echo", made)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's script and the service's messages, made from the .proto as the product makes its own."""
    out = tmp_path_factory.mktemp("grpcweb")
    options = [f"-I{HERE}", f"--python_out={out}", f"--es_out={out}", "--es_opt=target=ts"]
    plugin = f"--plugin=protoc-gen-es={ROOT}/node_modules/.bin/protoc-gen-es"
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, plugin, "echo.proto"], check=True)
    bundle = [f"{ROOT}/node_modules/.bin/esbuild", f"{HERE}/page.ts", "--bundle", f"--alias:echo={out}/echo_pb.ts"]
    environ = {**os.environ, "NODE_PATH": f"{ROOT}/node_modules"}
    subprocess.run([*bundle, "--log-level=warning", f"--outfile={out}/page.js"], check=True, cwd=ROOT, env=environ)
    return out


@pytest.fixture(scope="module")
def messages(built: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("echo_pb2", built / "echo_pb2.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["echo_pb2"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages(script: bytes) -> Callable[..., Any]:
    """Serves the page and its script to whoever asks, under every name of this machine."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        is_script = scope["path"] == "/page.js"
        body = script if is_script else b"<!doctype html><title>calls</title><script src=/page.js></script>"
        kind = b"text/javascript" if is_script else b"text/html"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    return serve


@dataclass
class Edge:
    port: int
    service: Service
    web: Web
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def edge(built: Path, messages: ModuleType) -> Iterator[Edge]:
    """uvicorn with the edge in a thread; pages under the name `localhost` are another origin, which is allowed."""
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    service = Service(messages)
    web = Web(
        pages((built / "page.js").read_bytes()),
        origins=Origins(hosts=["127.0.0.1"], others=[f"http://localhost:{port}"]),
        interceptors=[ChainInterceptor(Chain([Link(0, Recover(explain)), Link(1, Tracing())]), door="grpc-web")],
        on_refusal=service.refusals.append,
    )
    service.add_to(web)
    server = uvicorn.Server(uvicorn.Config(web, loop="uvloop", http="httptools", lifespan="off", log_level="error"))
    started: list[asyncio.AbstractEventLoop] = []
    is_running = threading.Event()

    async def serve() -> None:
        started.append(asyncio.get_running_loop())
        is_running.set()
        await server.serve(sockets=[door])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert is_running.wait(PATIENCE_S)
    yield Edge(port, service, web, started[0])
    asyncio.run_coroutine_threadsafe(web.drain(1), started[0]).result(PATIENCE_S)
    server.should_exit = True
    thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.fail("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()
