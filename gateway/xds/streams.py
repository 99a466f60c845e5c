"""All open streams and the snapshots they are brought to; lives on the event loop of the xDS process."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

from gateway.xds import metrics
from gateway.xds.compile import Compiler, Resources
from gateway.xds.fleet import Fleet
from gateway.xds.identity import identity_of
from gateway.xds.names import resource_name
from gateway.xds.node import Group
from gateway.xds.secrets import Held, Secrets
from gateway.xds.snapshot import Snapshot, snapshot
from gateway.xds.stream import Stream
from gateway.xds.trust import Trust

# Waking a thousand streams at once stalls the loop for 100 ms. In chunks with a pause, in which the last chunk's writes
# and answers are handled, it stalls for 15 ms, and half of all clients have answered in half the time.
CHUNK, PAUSE_S = 32, 0.004
IDLE_GROUPS = 32


class Streams:
    """Who is connected, and what each group is to be sent. Only the event loop's thread touches it."""

    def __init__(self, compiler: Compiler, fleet: Fleet) -> None:
        self.fleet = fleet
        self.dirty: set[Stream] = set()  # to be stored for display
        self._compiler = compiler
        self._secrets = Secrets(fleet.trust)
        self._snapshots: dict[Group, Snapshot] = {}
        self._members: dict[Group, set[Stream]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Stream]:
        return iter([stream for members in self._members.values() for stream in members])

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that have a snapshot; may be read from any thread."""
        return tuple(self._snapshots)

    def publish(self, fleet: Fleet, made: Mapping[Group, Resources]) -> None:
        """Put the fleet and what was made of it in place; streams for which something changed are woken."""
        if fleet.revision < self.fleet.revision:
            return
        self.fleet = fleet
        for group in list(self._snapshots):
            if group in made:
                self._put(group, fleet.revision, made[group])
            else:  # it joined while the others were compiled
                self._spawn(self._catch_up(group))
        self._put_secrets(fleet.trust)

    def held(self) -> list[Held]:
        """The certificates and trusted roots that the clients run, by what they acknowledged."""
        return [held for stream in self for held in stream.holdings()]

    def identify(self, context: Any) -> str:
        """Whose call it is, under the trust in force; Unauthenticated when it may not be served."""
        return identity_of(context.auth_context(), self.fleet.trust)

    def shown(self, identity: str) -> list[str]:
        """The names of the clusters that `identity` is shown."""
        trust = self.fleet.trust
        namespaces = trust.namespaces(identity) if identity else None
        return [resource_name(each.service.namespace, each.service.name) for each in self.fleet.of(namespaces)]

    async def join(self, stream: Stream) -> None:
        """Bring a stream whose node is known into its group; its snapshot is compiled when it is the first."""
        if stream.node is None:
            return
        group = stream.node.group
        metrics.streams.labels(group.plane, stream.mode).inc()
        self._members.setdefault(group, set()).add(stream)
        self.dirty.add(stream)
        stream.secrets = self._secrets.state(stream.identity)
        found = self._snapshots.get(group)
        if found is None:
            await self._catch_up(group)
        else:
            stream.snapshot = found
            stream.wake()

    def leave(self, stream: Stream) -> None:
        """Take a stream out that ended."""
        if stream.node is None or stream not in self._members.get(stream.node.group, ()):
            return
        group = stream.node.group
        metrics.streams.labels(group.plane, stream.mode).dec()
        self._members[group].discard(stream)
        self.dirty.add(stream)
        if not self._members[group]:
            del self._members[group]
            idle = [each for each in self._snapshots if each not in self._members]
            for each in idle[:-IDLE_GROUPS]:
                del self._snapshots[each]

    async def _catch_up(self, group: Group) -> None:
        while True:
            fleet = self.fleet
            made = await asyncio.to_thread(self._compiler.compile, fleet, group)
            self._put(group, fleet.revision, made)
            if self.fleet is fleet:
                return

    def _put(self, group: Group, revision: int, made: Resources) -> None:
        before = self._snapshots.get(group)
        if before is not None and before.revision > revision:
            return
        after = self._snapshots[group] = snapshot(revision, made, before)
        changed = before is None or any(after.types[kind] is not state for kind, state in before.types.items())
        members = list(self._members.get(group, ()))
        self.dirty.update(members)
        for stream in members:
            stream.snapshot = after
        if changed and members:
            self._spawn(_wake(members))

    def _put_secrets(self, trust: Trust) -> None:
        if trust is self._secrets.trust:
            return
        streams = list(self)
        self._secrets.replace(trust, {stream.identity for stream in streams})
        changed = []
        for stream in streams:
            state = self._secrets.state(stream.identity)
            if state is not stream.secrets:
                stream.secrets = state
                changed.append(stream)
        self.dirty.update(changed)
        if changed:
            self._spawn(_wake(changed))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _wake(members: list[Stream]) -> None:
    for start in range(0, len(members), CHUNK):
        for stream in members[start : start + CHUNK]:
            stream.wake()
        await asyncio.sleep(PAUSE_S)
