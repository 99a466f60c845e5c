"""What someone can do to a stream who owns its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from governance.ledger.merkle import Frontier, salted_leaf
from governance.ledger.stream import Stream
from governance.ledger.verify import verify


@contextmanager
def unguarded(stream: Stream) -> Iterator[BaseDatabaseWrapper]:
    """The stream's database with the triggers gone, as its owner could have it."""
    connection = connections[stream.database]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield connection
            cursor.execute("SET session_replication_role = origin")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")
        yield connection


def sql(stream: Stream, statement: str, *values: Any) -> None:
    names = {
        "rows": stream.table(stream.rows),
        "head": stream.table(stream.head),
        "checkpoints": stream.table(stream.checkpoints),
        "seq": stream.seq,
        "size": stream.size,
    }
    with unguarded(stream) as connection, connection.cursor() as cursor:
        cursor.execute(statement.format(**names), values)


def row(stream: Stream, seq: int, *columns: str) -> tuple[object, ...]:
    with connections[stream.database].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {stream.table(stream.rows)} WHERE {stream.seq} = %s", (seq,))
        return tuple(bytes(value) if isinstance(value, memoryview) else value for value in cursor.fetchone())


def releaf(stream: Stream, seq: int) -> None:
    """Make the leaf of a row fit its changed content, as a forger would."""
    header, body, salt = row(stream, seq, "header", "body", "salt")
    assert isinstance(header, str)
    assert isinstance(body, str)
    assert isinstance(salt, bytes)
    sql(stream, "UPDATE {rows} SET leaf = %s WHERE {seq} = %s", salted_leaf(header.encode(), body.encode(), salt), seq)


def rebuild_head(stream: Stream) -> None:
    """Make the head fit the rows that are left."""
    with connections[stream.database].cursor() as cursor:
        cursor.execute(f"SELECT leaf FROM {stream.table(stream.rows)} ORDER BY {stream.seq}")
        tree = Frontier().extend(bytes(leaf) for (leaf,) in cursor.fetchall())
    sql(stream, "UPDATE {head} SET {size} = %s, frontier = %s", tree.size, tree.encode())


def found(stream: Stream, seq: int, text: str) -> None:
    verdict = verify(stream)
    assert not verdict.sound
    assert (verdict.seq, text in verdict.problem) == (seq, True), verdict
