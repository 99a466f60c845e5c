"""One resource type on one stream: what the client holds, what it refused, and what it is due; pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from gateway.xds.names import SHORT, WHOLE_SET, path_of
from gateway.xds.resource import Resource
from gateway.xds.snapshot import TypeState
from governance.dataplane.values import TypeSync
from governance.kernel.clock import now

WILDCARD = "*"
MAX_NACK_TEXT = 2000
SHOWN_RESOURCES = 100


@dataclass(frozen=True, slots=True)
class Due:
    """What goes into one response: resources, and the names told to be gone."""

    resources: Mapping[str, Resource]
    removed: tuple[str, ...] = ()


@dataclass(slots=True)
class Subscription:
    """The state of one type on one stream; the stream's task alone changes it.

    `known` is what the client holds as far as we were told: name -> hash, empty for "told to be absent".
    While `in_flight` is set a response waits for its ACK or NACK, and nothing else is sent: latest state wins.
    """

    type: str
    delta: bool
    names: set[str] = field(default_factory=set)
    wildcard: bool = False
    known: dict[str, str] = field(default_factory=dict)
    accepted: dict[str, Resource] = field(default_factory=dict)
    rejected: dict[tuple[str, str], str] = field(default_factory=dict)  # (name, hash) -> the client's words
    withheld: frozenset[tuple[str, str]] = frozenset()  # what it would be sent, had it not refused just that
    in_flight: Due | None = None
    replaced: dict[str, str] = field(default_factory=dict)  # what `known` said of the names in flight
    again: set[str] = field(default_factory=set)  # to be sent although unchanged
    settled: TypeState | None = None  # the state of which nothing is due any more
    answered: bool = False
    nonce: str = ""
    sent_version: str = ""
    acked_version: str = ""
    sent_at: datetime | None = None
    acked_at: datetime | None = None
    round_trip_ms: float | None = None
    nacks: int = 0
    nack_version: str = ""
    nack_text: str = ""
    nacked_at: datetime | None = None

    restores: ClassVar[bool] = False  # whether after a refusal what was accepted before is sent again

    @property
    def _whole(self) -> bool:
        """Whether an answer says all there is; types that we do not serve are answered so, with nothing."""
        return not self.delta and (self.type in WHOLE_SET or self.type not in SHORT)

    def subscribe_all(self, names: Collection[str]) -> None:
        """State of the world: `names` is the whole list; an empty first list, or "*", asks for everything."""
        wildcard = WILDCARD in names or (not names and self.type in WHOLE_SET and (self.wildcard or not self.answered))
        wanted = set(names) - {WILDCARD}
        if self.answered and (wanted, wildcard) == (self.names, self.wildcard):
            return  # a mere ACK
        if self.wildcard and not wildcard:
            self.known = {name: content for name, content in self.known.items() if name in wanted}
        for name in self.names - wanted:
            if not wildcard:
                self.known.pop(name, None)
        self.settled = None
        self.again |= wanted - self.names
        self.again &= wanted
        self.names, self.wildcard = wanted, wildcard

    def subscribe(self, added: Collection[str], removed: Collection[str], *, first: bool) -> None:
        """Delta: names come and go; a first message without any asks for everything."""
        if not added and not removed and not first:
            return
        self.settled = None
        joined, left = set(added), set(removed)
        if WILDCARD in joined or (first and not joined and self.type in WHOLE_SET):
            self.wildcard = True
        if WILDCARD in left:
            self.wildcard = False
            self.known = {name: content for name, content in self.known.items() if name in self.names}
        self.names = (self.names | joined) - left - {WILDCARD}
        for name in left:
            if not self.wildcard:
                self.known.pop(name, None)
        if not first:
            self.again |= joined - {WILDCARD}
        self.again &= self.names

    def pending(self, state: TypeState) -> bool:
        """Whether anything is due; cheap when nothing has changed."""
        if self.settled is state:
            return False
        self.watch_withheld(state)
        if self.due(state) is None:
            self.settled = state
        return self.settled is not state

    def due(self, state: TypeState, *, keep: bool = False) -> Due | None:
        """What the client must be sent to agree with `state`; with `keep` nothing is taken away from it yet."""
        target = self._target(state)
        held = {name for name, _ in self._refused(state)}
        gone = {name for name, content in self.known.items() if content and name not in target} - held
        if self.delta:
            return self._due_delta(target, () if keep else gone, held)
        if self._whole:
            if keep:
                target |= {name: self.accepted[name] for name in gone if name in self.accepted}
            same = len(target) == len(self.known) and all(self.known.get(n) == r.hash for n, r in target.items())
            return None if same and self.answered and not self.again else Due(target)
        changed = self._changed(target)
        return Due(changed) if changed else None

    def _due_delta(self, target: Mapping[str, Resource], gone: Collection[str], held: Collection[str]) -> Due | None:
        changed = self._changed(target)
        absent = {name for name in self.names if name not in target and name not in self.known} - set(held)
        removed = tuple(sorted(absent.union(gone)))
        if not changed and not removed and (self.answered or self.type not in WHOLE_SET):
            return None
        return Due(changed, removed)

    def _changed(self, target: Mapping[str, Resource]) -> dict[str, Resource]:
        return {n: r for n, r in target.items() if self.known.get(n) != r.hash or n in self.again}

    def _target(self, state: TypeState) -> dict[str, Resource]:
        """What the client asks for as it stands, with what it refused replaced by what it accepted last."""
        names = state.resources if self.wildcard else sorted(self.names & state.resources.keys())
        target = {name: state.resources[name] for name in names}
        for name, _ in self._refused(state):
            if name in self.accepted and (self.restores or not self.delta):
                target[name] = self.accepted[name]
            else:
                del target[name]
        return target

    def _refused(self, state: TypeState) -> list[tuple[str, str]]:
        """What stands in `state` and was refused before, by (name, hash)."""
        if not self.rejected:
            return []
        asked = self.names if not self.wildcard else state.resources.keys()
        return [
            (name, content)
            for name, content in self.rejected
            if name in asked and name in state.resources and state.resources[name].hash == content
        ]

    def sent(self, due: Due, *, version: str, nonce: str) -> None:
        """Record that `due` went out."""
        self.replaced = {name: self.known.get(name, "") for name in due.resources}
        if self._whole:
            self.known = {}
        self.known |= {name: item.hash for name, item in due.resources.items()}
        for name in due.removed:
            if name in self.names:
                self.known[name] = ""
            else:
                self.known.pop(name, None)
        self.again, self.settled = set(), None
        self.in_flight, self.answered = due, True
        self.sent_version, self.nonce, self.sent_at = version, nonce, now()

    def ack(self) -> None:
        """The client took the response in flight."""
        if self.in_flight is None:
            return
        self._accept(self.in_flight.resources)
        self._answered()
        self.acked_version, self.acked_at = self.sent_version, now()
        if not self.withheld:
            self.nack_version = self.nack_text = ""

    def nack(self, text: str) -> None:
        """The client refused it: remember which content, so that it is never sent again on this stream.

        The text names what was wrong; when it names none of the changed resources, all of them count as refused.
        """
        if self.in_flight is None:
            return
        blamed = self.blamed(text)
        self._accept({n: r for n, r in self.in_flight.resources.items() if n not in blamed})
        for name, item in blamed.items():
            self.rejected[name, item.hash] = text[-MAX_NACK_TEXT:]
            self.withheld |= {(name, item.hash)}
            if self.replaced.get(name):
                self.known[name] = self.replaced[name]
            else:
                self.known.pop(name, None)
        self._answered()
        self.settled = None
        self.nacks += 1
        # The tail says what was wrong: some clients begin with a dump of the whole resource.
        self.nack_version, self.nack_text, self.nacked_at = self.sent_version, text[-MAX_NACK_TEXT:], now()

    def blamed(self, text: str) -> dict[str, Resource]:
        """What of the response in flight `text` refuses."""
        sent = self.in_flight.resources if self.in_flight is not None else {}
        changed = {n: r for n, r in sent.items() if self.replaced.get(n) != r.hash}
        return {name: item for name, item in changed.items() if _names(text, name)} or changed

    def watch_withheld(self, state: TypeState) -> None:
        """Show as refused, without sending it, what `state` asks for again and the client refused before."""
        refused = frozenset(self._refused(state))
        if new := refused - self.withheld:
            self.nack_version, self.nack_text = state.version, self.rejected[next(iter(new))]
        elif self.withheld and not refused and self.in_flight is None:
            self.nack_version = self.nack_text = ""
        self.withheld = refused

    def held(self, state: TypeState) -> dict[str, Resource]:
        """What the client runs by its own word: what it accepted, or said to hold when it came back."""
        found: dict[str, Resource] = {}
        for name in self.names | self.known.keys():
            sent = self.in_flight is not None and name in self.in_flight.resources
            content = self.replaced.get(name) if sent else self.known.get(name)
            for item in (self.accepted.get(name), state.resources.get(name)):
                if item is not None and item.hash == content:
                    found[name] = item
        return found

    def _accept(self, resources: Mapping[str, Resource]) -> None:
        wanted = self.accepted if self.wildcard else {n: r for n, r in self.accepted.items() if n in self.names}
        self.accepted = {**wanted, **resources}

    def _answered(self) -> None:
        self.in_flight, self.replaced = None, {}
        if self.sent_at is not None:
            self.round_trip_ms = round((now() - self.sent_at).total_seconds() * 1000, 3)

    def report(self) -> TypeSync:
        """Its state for display."""
        shown = sorted(name for name, content in self.known.items() if content)
        return TypeSync(
            type=SHORT.get(self.type, self.type.rpartition(".")[2]),
            sent_version=self.sent_version,
            acked_version=self.acked_version,
            nonce=self.nonce,
            sent_at=self.sent_at,
            acked_at=self.acked_at,
            round_trip_ms=self.round_trip_ms,
            nacks=self.nacks,
            nack_version=self.nack_version,
            nack_text=self.nack_text,
            nacked_at=self.nacked_at,
            resources=tuple(shown[:SHOWN_RESOURCES]),
            refused=tuple(sorted({path_of(name, self.type) for name, _ in self.withheld})[:SHOWN_RESOURCES]),
        )


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", text) is not None
