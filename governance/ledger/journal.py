"""The statements of every command, written out: letting the ORM build them took half the time of a command."""

from typing import Any

from django.db import connection

from governance.ledger.merkle import Frontier
from governance.ledger.models import Fact, Head

_COLUMNS = tuple(field.attname for field in Fact._meta.concrete_fields)  # noqa: SLF001  (public in Django)
_FACT, _HEAD = Fact._meta.db_table, Head._meta.db_table  # noqa: SLF001
_LOCK_HEAD = f"SELECT revision, frontier FROM {_HEAD} WHERE id = 1"  # noqa: S608  (names only, here and below)
_LAST = f"SELECT MAX(revision) FROM {_FACT} WHERE thing = %s"  # noqa: S608
_FIRST = f"SELECT revision FROM {_FACT} WHERE request_key = %s"  # noqa: S608
_INSERT = f"INSERT INTO {_FACT} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"  # noqa: S608
_MOVE_HEAD = f"UPDATE {_HEAD} SET revision = %s, frontier = %s WHERE id = 1"  # noqa: S608


def lock_head() -> Frontier:
    """The tree as it stands, locked until the transaction ends; SQLite's BEGIN IMMEDIATE has locked it already."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    revision, nodes = _one(_LOCK_HEAD + lock)
    return Frontier.decode(revision, bytes(nodes))


def last_revision(thing: str) -> int:
    """Revision of the last fact about `thing`; 0 when there is none."""
    return _one(_LAST, thing)[0] or 0


def first_with(request_key: str) -> Fact | None:
    """The fact that a request id left."""
    found = _one(_FIRST, request_key)
    return Fact.objects.get(revision=found[0]) if found else None


def append(fact: Fact, tree: Frontier) -> None:
    """Insert `fact` and let the head be `tree`, whose last leaf is the fact's."""
    values = [getattr(fact, name) for name in _COLUMNS]
    at = _COLUMNS.index("at")
    values[at] = connection.ops.adapt_datetimefield_value(values[at])
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        cursor.execute(_MOVE_HEAD, (tree.size, tree.encode()))


def _one(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()
