"""Stores how streams stand, off the event loop and a few times a second at most."""

from collections.abc import Callable, Collection

import structlog

from gateway.xds.aside import aside
from gateway.xds.periodic import Periodic
from gateway.xds.streams import Streams
from governance.dataplane import observe
from governance.dataplane.values import Client

INTERVAL_S = 0.2
log = structlog.get_logger(__name__)


class Observer:
    """Writes the streams that changed since the last time; slower when there is much to write.

    `store` is called in a thread. What cannot be stored is tried again with what comes next.
    """

    def __init__(self, streams: Streams, store: Callable[[Collection[Client]], None]) -> None:
        self._streams, self._store = streams, store
        self._writing = Periodic(self._flush, every_s=INTERVAL_S)

    def start(self) -> None:
        """Begin to write."""
        self._writing.start()

    async def stop(self) -> None:
        """Write what is left and end."""
        await self._writing.stop()

    async def _flush(self) -> None:
        if not self._streams.dirty:
            return
        dirty, self._streams.dirty = self._streams.dirty, set()
        clients = [client for client in (stream.client() for stream in dirty) if client is not None]
        try:
            await aside(self._store, clients)
        except Exception:  # the outermost edge of this task: observations may come late, streams must not suffer
            self._streams.dirty |= dirty
            log.exception("clients not stored")


def storing(process: str) -> Callable[[Collection[Client]], None]:
    """Store clients as seen by `process`; a node that is back replaces what was left of it."""

    def store(clients: Collection[Client]) -> None:
        observe.clients(process, clients)
        observe.returned({client.node_id for client in clients if client.connected})

    return store
