"""Rows as the database holds them, whatever was done to them: verification must not stumble over a wrong type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connections, models

from governance.kernel.clock import stamp
from governance.ledger.stream import Stream

PAGE = 1000

_KINDS = {
    "BigIntegerField": ("integer",),
    "PositiveSmallIntegerField": ("integer",),
    "DateTimeField": ("text",),
    "CharField": ("text",),
    "TextField": ("text",),
    "BinaryField": ("blob",),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column name, the time apart and as recorded; `problem` says why it could not be read."""

    values: Mapping[str, Any]
    at: str = ""
    problem: str = ""


def rows(stream: Stream, *, up_to: int) -> Iterator[Row]:
    """The rows in order, by keyset pages so that no read transaction stays open; those after `up_to` are left out."""
    columns = list(_columns(stream))
    read = _sqlite_row if connections[stream.database].vendor == "sqlite" else _postgresql_row
    last = -1
    while True:
        page = _page(stream, columns, last)
        for found in page:
            row = read(stream, dict(zip(columns, found, strict=False)), found)
            seq = row.values.get(stream.seq)
            if not row.problem and isinstance(seq, int):
                if seq > up_to:
                    return
                last = seq
            yield row
            if row.problem:
                return
        if len(page) < PAGE:
            return


def head(stream: Stream) -> tuple[Any, Any, Any]:
    """The head's size and frontier, and the first row beyond it if there is one, all seen at one moment."""
    q = connections[stream.database].ops.quote_name
    size, seq = q(stream.size), q(stream.seq)
    beyond = f"SELECT MIN(r.{seq}) FROM {stream.table(stream.rows)} r WHERE r.{seq} > h.{size}"  # noqa: S608  (names)
    table = stream.table(stream.head)
    nodes = _as_bytes(stream, "h.frontier")
    sql = f"SELECT h.{size}, {nodes}, ({beyond}) FROM {table} h WHERE h.id = 1"  # noqa: S608
    found = _fetch(stream, sql, ())
    if not found:
        return None, None, None
    return found[0][0], _bytes(found[0][1]), found[0][2]


def checkpoints(stream: Stream) -> Iterator[tuple[Any, Any, Any]]:
    """(size, root, note) of each stored checkpoint, smallest first."""
    last: Any = -1
    root, text = _as_bytes(stream, "root"), _as_bytes(stream, "note")
    while True:
        table = stream.table(stream.checkpoints)
        sql = f"SELECT size, {root}, {text} FROM {table} WHERE size > %s ORDER BY size LIMIT {PAGE}"  # noqa: S608  (names)
        page = _fetch(stream, sql, (last,))
        for size, digest, note in page:
            yield size, _bytes(digest), note.decode(errors="replace") if isinstance(note, bytes) else note
            last = size
        if len(page) < PAGE:
            return


def _columns(stream: Stream) -> Mapping[str, "models.Field[Any, Any]"]:
    return {field.attname: field for field in stream.rows._meta.concrete_fields}  # noqa: SLF001  (public in Django)


def _page(stream: Stream, columns: list[str], last: int) -> list[tuple[Any, ...]]:
    connection = connections[stream.database]
    q = connection.ops.quote_name
    if connection.vendor == "sqlite":
        # As bytes, with what they really are beside them: neither a false encoding nor a false date can stop this.
        wanted = ", ".join(q(name) if name == stream.seq else _as_bytes(stream, q(name)) for name in columns)
        wanted += ", " + " || ',' || ".join(f"typeof({q(name)})" for name in columns)
    else:
        wanted = ", ".join(q(name) for name in columns)
    seq, table = q(stream.seq), stream.table(stream.rows)
    sql = f"SELECT {wanted} FROM {table} WHERE {seq} > %s ORDER BY {seq} LIMIT {PAGE}"  # noqa: S608  (names only)
    return _fetch(stream, sql, (last,))


def _as_bytes(stream: Stream, column: str) -> str:
    """`column` in SQL so that SQLite cannot stumble over text that is not UTF-8."""
    return f"CAST({column} AS BLOB)" if connections[stream.database].vendor == "sqlite" else column


def _bytes(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _fetch(stream: Stream, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connections[stream.database].cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _postgresql_row(stream: Stream, values: dict[str, Any], found: tuple[Any, ...]) -> Row:
    plain = {name: _bytes(value) for name, value in values.items()}
    return Row(plain, stamp(values["at"]))


def _sqlite_row(stream: Stream, values: dict[str, Any], found: tuple[Any, ...]) -> Row:
    """SQLite holds any type in any column: what was never written is a problem of that row."""
    problem, texts = _kinds(stream, found[-1])
    if problem:
        return Row({}, problem=problem)
    for name in texts:
        try:
            values[name] = values[name].decode()
        except UnicodeDecodeError:
            return Row({}, problem=f"its column {name} is not UTF-8")
    try:
        at = stamp(datetime.fromisoformat(values["at"]).replace(tzinfo=UTC))
    except ValueError:
        return Row({}, problem="its column at is not a time")
    return Row(values, at)


@lru_cache(maxsize=256)
def _kinds(stream: Stream, kinds: str) -> tuple[str, tuple[str, ...]]:
    """What is wrong with a row whose columns have these types, if anything, and which of them are text."""
    texts = []
    for (name, field), kind in zip(_columns(stream).items(), kinds.split(","), strict=True):
        if kind not in _KINDS[field.get_internal_type()] and not (field.null and kind == "null"):
            return f"its column {name} holds {kind}, which was never written", ()
        if kind == "text":
            texts.append(name)
    return "", tuple(texts)
