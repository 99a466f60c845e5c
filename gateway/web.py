"""The web process: uvicorn, started from code."""

import asyncio
import socket

import uvicorn
from django.conf import settings

from governance.compliance.stream import stop_calls

DRAIN_S = 1.5
GRACE_S = 1


class EdgeServer(uvicorn.Server):
    """Ends the open streams before it waits for connections to finish, or it would wait for ever."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, stop, and write down the calls that ended last."""
        from gateway.asgi import drain

        await drain(DRAIN_S)
        await super().shutdown(sockets)
        await asyncio.to_thread(stop_calls)


def run(door: socket.socket) -> None:
    """Serve on the listening socket `door` until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        "gateway.asgi:application",
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
    EdgeServer(config).run(sockets=[door])
