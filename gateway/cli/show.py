"""Messages as tables for people, or as JSON for programs."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNKNOWN = "-"
# Redirected output has no width of its own: wide enough that no row is cut.
_WIDE = 240


def console() -> Console:
    """Where tables go."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> Table:
    """A table; columns whose name ends in '>' are aligned to the right. Cells are never taken for markup."""
    made = Table(title=title or None, box=None, pad_edge=False, header_style="bold", title_justify="left")
    for column in columns:
        made.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left", no_wrap=True)
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made


def as_json(value: object) -> None:
    """Print `value` as indented JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def as_line(value: object) -> None:
    """Print `value` as one line of JSON, at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def plain(message: Message) -> dict[str, Any]:
    """`message` as JSON would have it: numbers as numbers, times as RFC 3339, enums as short lower-case words.

    Fields that are absent are null where the message tells absent from empty. `*_json` texts become what they hold.
    """
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            found[field.name] = None
        elif field.name.endswith("_json"):
            text = getattr(message, field.name)
            found[field.name.removesuffix("_json")] = json.loads(text) if text else None
        else:
            found[field.name] = _value(field, getattr(message, field.name))
    return found


def _value(field: Any, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        kind = field.message_type.fields_by_name["value"]
        return {key: _single(kind, value[key]) for key in sorted(value)}
    if field.is_repeated:
        return [_single(field, item) for item in value]
    return _single(field, value)


def _single(field: Any, value: Any) -> Any:
    if isinstance(value, Timestamp):
        return time_of(value)
    if isinstance(value, Message):
        return plain(value)
    if field.enum_type is not None:
        return word(field.enum_type, value)
    return value.hex() if isinstance(value, bytes) else value


def word(kind: Any, number: int) -> str:
    """An enum's value without the enum's name in front: HEALTH_UNHEALTHY is unhealthy."""
    names: Mapping[int, Any] = kind.values_by_number
    if number not in names:
        return str(number)
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return str(names[number].name).removeprefix(prefix).lower()


def time_of(at: Timestamp) -> str:
    """`at` in UTC to the millisecond; empty when it was never set."""
    if not at.ByteSize():
        return ""
    read = datetime.fromtimestamp(at.seconds + at.nanos / 1e9, UTC)
    return read.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def percent(ppm: int) -> str:
    """Parts per million as per cent with one digit."""
    return f"{ppm / 10_000:.1f} %"
