"""The addresses of the sockets."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.live.consumers import AuditConsumer, FleetConsumer, Nowhere

Application = Callable[[Any, Any, Any], Awaitable[None]]

CONSUMERS: Mapping[str, Application] = {
    "/live/audit": AuditConsumer.as_asgi(),
    "/live/fleet": FleetConsumer.as_asgi(),
}
_nowhere: Application = Nowhere.as_asgi()


async def websocket_application(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application for scopes of the type websocket."""
    await CONSUMERS.get(scope["path"], _nowhere)(scope, receive, send)
