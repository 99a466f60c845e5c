"""What a command, a change and a receipt are, and which handler applies a command."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from governance.kernel.actor import EVERYWHERE, Actor

State = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something asked for. Subclasses are verb + noun, and check their own fields in __post_init__.

    `permission` is needed in `namespace`; `action` is the dotted name of the fact that results.
    """

    permission: ClassVar[str]
    action: ClassVar[str]
    namespace: str = EVERYWHERE

    @property
    def thing(self) -> str:
        """Name of what is changed, "kind/namespace/name"; its last fact is what if_revision is compared with."""
        raise NotImplementedError

    def check_actor(self, by: Actor) -> None:
        """Refuse what the permission alone cannot decide, such as handing out a right that `by` lacks."""

    def check_reason(self, reason: str) -> None:
        """Refuse what may not be done without saying why."""

    def changed_at(self, recorded: int) -> int:
        """The revision that `if_revision` must not be older than; `recorded` is that of the last fact of the thing."""
        return recorded

    def as_json(self) -> dict[str, Any]:
        """The content that must be the same when a request_id is used again."""
        return {key: _plain(getattr(self, key)) for key in (field.name for field in dataclasses.fields(self))}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_plain(item) for item in items]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


@dataclass(frozen=True, slots=True)
class Change:
    """What a handler did: the thing's state before and after, None where it did not or does not exist."""

    before: State
    after: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to a command; `changed` is False when everything already stood as asked."""

    revision: int
    changed: bool
    action: str
    thing: str
    at: datetime
    before: State
    after: State
    replayed: bool = False


Handler = Callable[[Any, int], Change]
C = TypeVar("C", bound=Command)
_handlers: dict[type[Command], Handler] = {}


def handles(kind: type[C]) -> Callable[[Callable[[C, int], Change]], Callable[[C, int], Change]]:
    """Declare the decorated function to be the handler of `kind`; it is called inside the ledger's transaction."""

    def declare(handler: Callable[[C, int], Change]) -> Callable[[C, int], Change]:
        if kind in _handlers:
            raise TypeError(f"{kind.__name__} has a handler already")
        _handlers[kind] = handler
        return handler

    return declare


def handler_of(kind: type[Command]) -> Handler:
    """The handler of `kind`; a command without one is a programming error."""
    return _handlers[kind]


def all_commands() -> Mapping[type[Command], Handler]:
    """Every command that has a handler."""
    return dict(_handlers)
