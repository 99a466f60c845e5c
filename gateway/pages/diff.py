"""What differs between two states, line by line; pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Line:
    """One field, by its path, before and after; empty where it did not or does not exist."""

    path: str
    before: str
    after: str
    kind: Kind


def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Line]:
    """Every field of either state, those that differ marked."""
    old, new = dict(_flat(before or {})), dict(_flat(after or {}))
    return [_line(path, old.get(path), new.get(path)) for path in [*old, *(path for path in new if path not in old)]]


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Line]:
    """Only the fields that differ."""
    return [line for line in diff(before, after) if line.kind != "same"]


def _line(path: str, old: str | None, new: str | None) -> Line:
    kind: Kind = "same" if old == new else "added" if old is None else "removed" if new is None else "changed"
    return Line(path, old or "", new or "", kind)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        path = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{path}.")
        else:
            yield path, item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
