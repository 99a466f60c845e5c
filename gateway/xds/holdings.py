"""Stores which certificates and which roots each consumer has acknowledged, so that it can be waited for."""

from collections.abc import Awaitable, Callable, Collection, Iterable

import structlog

from gateway.xds.periodic import Periodic
from gateway.xds.secrets import Held
from governance.pki.observe import Seen

EVERY_S = 0.5
log = structlog.get_logger(__name__)

Store = Callable[[Collection[Seen], Collection[str]], Awaitable[object]]


class Holdings:
    """Looks at what the streams hold twice a second, and stores what changed since the last look.

    `store` is given what is held now and was not before, and the consumers' processes that are gone.
    """

    def __init__(self, process: str, held: Callable[[], Iterable[Held]], store: Store) -> None:
        self._process, self._held, self._store = process, held, store
        self._known: dict[tuple[str, str, str], Seen] = {}
        self._periodic = Periodic(self.look, every_s=EVERY_S)

    def start(self) -> None:
        """Begin looking."""
        self._periodic.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self._periodic.stop()

    async def look(self) -> None:
        """Store what changed; what could not be stored is tried again at the next look."""
        found = {(each.consumer, each.process, each.secret): each for each in map(self._seen, self._held())}
        fresh = [each for key, each in found.items() if self._known.get(key) != each]
        there = {process for _, process, _ in found}
        gone = sorted({process for _, process, _ in self._known} - there)
        if not fresh and not gone:
            return
        try:
            await self._store(fresh, gone)
        except Exception:  # the outermost edge of this task: observations may come late, streams must not suffer
            log.exception("holdings not stored")
        else:
            self._known = found

    def _seen(self, held: Held) -> Seen:
        return Seen(
            consumer=held.identity,
            process=f"{self._process}/{held.stream}"[:120],
            secret=held.secret,
            serial=held.serial,
            roots=held.roots,
            how="xds",
        )
