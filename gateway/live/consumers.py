"""The sockets of the dashboard: the live audit trail and the state of the fleet."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer

from gateway.live import lines
from gateway.live.admission import admit, check_origin, origin_of
from gateway.live.fleet import fleet_text
from gateway.live.hub import Stream, hub
from gateway.live.lines import Filter, StreamName
from gateway.live.outbox import Outbox
from governance.compliance.stream import calls
from governance.compliance.values import CallRecord
from governance.kernel.actor import STRANGER, Actor
from governance.kernel.errors import GovernanceError, Invalid, TooMany, Unauthenticated

HEARTBEAT_S = 10.0
RECHECK_S = 4.0
MAX_OPEN = 64  # per actor
NOT_SIGNED_IN, NOT_ALLOWED = 4401, 4403
log = structlog.get_logger(__name__)


class LiveConsumer(AsyncWebsocketConsumer):
    """Pushes to one signed-in actor who holds `permission`, which is checked again every RECHECK_S.

    What the client sends is ignored.
    """

    permission: ClassVar[str]
    action: ClassVar[str]
    open_by: ClassVar[Counter[str]] = Counter()  # sockets of this process, by actor
    actor: Actor = STRANGER
    _running: asyncio.Task[None] | None = None

    async def push(self) -> None:
        """Send what there is to send, until cancelled."""
        raise NotImplementedError

    def ask(self, wanted: Mapping[str, str]) -> None:
        """Take the parameters of the address; Invalid when they make no sense."""
        if wanted:
            raise Invalid("is not a parameter of this address", field=next(iter(wanted)))

    def admitted(self, actor: Actor) -> None:
        """Take the actor as just found; called again whenever access is checked again."""
        self.actor = actor

    async def connect(self) -> None:
        """Accept who may, refuse the others before the handshake ends."""
        try:
            check_origin(self.scope)
            self.admitted(await admit(self.scope, self.permission, seen=True))
            self.ask(dict(parse_qsl(self.scope["query_string"].decode("latin-1"))))
            self._check_room()
        except GovernanceError as refusal:
            self._record(refusal)
            await self.close()
            return
        await self.accept()
        self._record(None)
        self._running = asyncio.create_task(self._run())

    async def disconnect(self, code: int) -> None:
        """Stop pushing."""
        if self._running:
            self._running.cancel()
            await asyncio.wait([self._running])

    def _check_room(self) -> None:
        if self.open_by[self.actor.name] >= MAX_OPEN:
            raise TooMany(f"{self.actor.name} has {MAX_OPEN} live connections open; close one first")

    async def _run(self) -> None:
        name = self.actor.name
        self.open_by[name] += 1
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self.push())
                both.create_task(self._watch_access())
        except* GovernanceError as refusals:
            refusal = refusals.exceptions[0]
            self._record(refusal)
            code = NOT_SIGNED_IN if isinstance(refusal, Unauthenticated) else NOT_ALLOWED
            await self.close(code, str(refusal)[:100])
        except* OSError:  # the client went away while something was being sent
            pass
        except* Exception:  # the outermost edge of this socket
            log.exception("live connection failed", action=self.action, actor=self.actor.name)
            await self.close(1011)
        finally:
            self.open_by[name] -= 1

    async def _watch_access(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_S)
            self.admitted(await admit(self.scope, self.permission, seen=False))

    def _record(self, refusal: BaseException | None) -> None:
        origin = origin_of(self.scope)
        calls().record(
            CallRecord(
                action=self.action,
                actor=self.actor.name,
                actor_kind=self.actor.kind,
                outcome="refused" if refusal else "success",
                status=getattr(refusal, "reason", "OPEN"),
                message=str(refusal or ""),
                door=origin.door,
                address=origin.address,
            )
        )


class AuditConsumer(LiveConsumer):
    """/live/audit?stream=changes|calls&after=N, filtered by actor, action, namespace and outcome."""

    permission = "audit.read"
    action = "live.audit"
    _outbox: Outbox | None = None

    def ask(self, wanted: Mapping[str, str]) -> None:
        """Read the stream's name, where to resume, and the filters."""
        wanted = dict(wanted)
        stream = wanted.pop("stream", "changes")
        if stream not in ("changes", "calls"):
            raise Invalid(f"{stream[:80]!r} is not one of changes, calls", field="stream")
        self._stream: StreamName = "calls" if stream == "calls" else "changes"
        after = wanted.pop("after", "")
        if after and not (after.isascii() and after.isdigit() and len(after) < 16):
            raise Invalid(f"{after[:80]!r} is not a position in the stream", field="after")
        self._after = int(after) if after else None
        try:
            self._filter = Filter(visible=self.actor.namespaces(self.permission), **wanted)
        except TypeError:
            raise Invalid("there are stream, after, actor, action, namespace, outcome", field="query") from None

    def admitted(self, actor: Actor) -> None:
        """Show only what the actor may see now."""
        super().admitted(actor)
        if self._outbox is not None:
            visible = actor.namespaces(self.permission)
            self._outbox.filter = dataclasses.replace(self._outbox.filter, visible=visible)

    async def push(self) -> None:
        """Read back from where the client stopped, then follow."""
        stream = await hub().stream(self._stream)
        newest = stream.position if self._after is None else await self._newest(stream, self._after)
        self._outbox = outbox = Outbox(self._filter, cursor=newest if self._after is None else min(self._after, newest))
        await self._read_back(stream, outbox)
        with stream.heard_by(outbox):
            await self.send(lines.head(max(stream.position, outbox.cursor)))
            await self._follow(outbox)

    @staticmethod
    async def _newest(stream: Stream, after: int) -> int:
        """Where to start at most: a client that comes from a longer stream than this one starts at its end."""
        return after if after <= stream.position or await stream.after(after - 1) else stream.position

    async def _read_back(self, stream: Stream, outbox: Outbox) -> None:
        """Send the past, page by page, until what is left is what the stream hands out."""
        while outbox.cursor < stream.position:
            page = await stream.after(outbox.cursor)
            outbox.offer(page)
            while frame := outbox.take():
                await self.send(frame)
            if not page:
                break

    async def _follow(self, outbox: Outbox) -> None:
        clock = asyncio.get_running_loop().time
        beat_at = clock() + HEARTBEAT_S
        while True:
            try:
                async with asyncio.timeout_at(beat_at):
                    await outbox.filled.wait()
            except TimeoutError:
                beat_at = clock() + HEARTBEAT_S
                await self.send(lines.heartbeat())
                continue
            await self.send(outbox.take())


class FleetConsumer(LiveConsumer):
    """/live/fleet, which takes no parameters."""

    permission = "registry.read"
    action = "live.fleet"

    async def push(self) -> None:
        """Send the fleet whenever it changed, at most once a second, and a sign of life else."""
        await hub().stream("changes")  # from which the fleet learns of certificates
        clock = asyncio.get_running_loop().time
        shown: dict[str, Any] = {}
        sent_at = clock()
        while True:
            fleet = await hub().fleet.beat()
            frame = fleet.frame(self.actor.namespaces(self.permission))
            if frame != shown:
                shown, sent_at = frame, clock()
                await self.send(fleet_text(frame, fleet.at))
            elif clock() - sent_at >= HEARTBEAT_S:
                sent_at = clock()
                await self.send(lines.heartbeat())


class Nowhere(AsyncWebsocketConsumer):
    """Every other address."""

    async def connect(self) -> None:
        """Refuse."""
        await self.close()
