"""One door: gRPC-Web to Sonora, websockets to Channels, the rest to Django."""

import os
from collections.abc import MutableMapping
from functools import partial
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
django.setup()

from a2wsgi import WSGIMiddleware  # noqa: E402  (what follows needs Django's settings)
from django.conf import settings  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

from gateway.doors import record_refusal, web_interceptors  # noqa: E402
from gateway.live import hub  # noqa: E402
from gateway.live.routing import websocket_application  # noqa: E402
from gateway.rpc import servicers  # noqa: E402
from gateway.rpc.sonora import Origins, Web  # noqa: E402
from gateway.rpc.sonora.asgi_types import App, Receive, Scope, Send  # noqa: E402

# Django answers on this many threads, each with its own database connection.
THREADS = 8
DRAIN_S = 3.0


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one ASGI scope."""
    if scope["type"] == "websocket":
        await websocket_application(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _live(receive, send)
    else:
        await web(scope, receive, send)


async def drain(timeout_s: float = DRAIN_S) -> bool:
    """Refuse new gRPC-Web calls, end open streams, wait for the other calls; True when they ended by themselves."""
    return await web.drain(timeout_s)


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    await hub.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await hub.stop()
    await send({"type": "lifespan.shutdown.complete"})


def threaded(wsgi: Any) -> App:
    """A WSGI application on threads of its own, so that Django keeps its connections and is five times as fast."""
    serve: Any = WSGIMiddleware(wsgi, workers=THREADS)

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        # In a WSGI environment X_Forwarded_For and X-Forwarded-For are the same name.
        headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        await serve({**scope, "headers": headers}, partial(_whole, receive), send)

    return guarded


async def _whole(receive: Receive) -> MutableMapping[str, Any]:
    """The next piece of a body; a client that goes away in the middle has not sent a shorter one."""
    event = await receive()
    if event["type"] == "http.disconnect":
        raise ConnectionResetError("the client went away before its request was complete")
    return event


def grpc_web(beyond: App) -> Web:
    """The gRPC-Web edge in front of `beyond`."""
    edge = Web(
        beyond,
        origins=Origins(hosts=settings.ALLOWED_HOSTS, others=settings.GOV.origins),
        interceptors=web_interceptors(),
        on_refusal=record_refusal,
    )
    servicers.add_all(edge)
    return edge


web = grpc_web(threaded(get_wsgi_application()))
