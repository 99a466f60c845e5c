"""The web process: uvicorn, started from code."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Literal

import uvicorn
from django.conf import settings

from governance.compliance.stream import stop_calls

DRAIN_S = 1.5
GRACE_S = 1


class Beside(uvicorn.Server):
    """A second door of the same application: it begins and ends with the first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the first one's."""
        yield


class EdgeServer(uvicorn.Server):
    """Ends the open streams before it waits for connections to finish, or it would wait for ever.

    `beside` is served meanwhile, on the listening socket `other`.
    """

    def __init__(
        self, config: uvicorn.Config, beside: Beside | None = None, other: socket.socket | None = None
    ) -> None:
        super().__init__(config)
        self._beside, self._other = beside, other
        self._besides: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open both doors."""
        await super().startup(sockets)
        if self._beside is not None and self._other is not None:
            self._besides = asyncio.create_task(self._beside.serve(sockets=[self._other]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, stop, and write down the calls that ended last."""
        from gateway.asgi import drain

        await drain(DRAIN_S)
        if self._beside is not None and self._besides is not None:
            self._beside.should_exit = True
            await self._besides
        await super().shutdown(sockets)
        await asyncio.to_thread(stop_calls)


def run(door: socket.socket, *, https: socket.socket | None = None) -> None:
    """Serve on the listening socket `door`, and with TLS on `https`, until SIGTERM or SIGINT."""
    if https is None:
        EdgeServer(_config()).run(sockets=[door])
        return
    from gateway.https import Https

    secure = Https()
    secure.start()
    beside = Beside(_config(lifespan="off", tls=secure.edge.context))
    EdgeServer(_config(), beside, https).run(sockets=[door])
    secure.stop()


def _config(*, lifespan: Literal["auto", "off"] = "auto", tls: ssl.SSLContext | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        "gateway.asgi:application",
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        lifespan=lifespan,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        # Per-message compression costs a third more memory and half more CPU for small events.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        access_log=False,  # the calls stream says who did what
        log_config=None,
        # Only listed peers may say for whom they speak, or the audit trail would hold whatever address a caller likes.
        proxy_headers=bool(settings.GOV.trusted_proxies),
        forwarded_allow_ips=settings.GOV.trusted_proxies,
    )
