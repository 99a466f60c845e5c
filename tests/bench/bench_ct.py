"""What certificate transparency costs, beside the bare limits of the same run: `python -m tests.bench.bench_ct`."""

import secrets
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.bench import databases
from tests.bench.tables import measured, table_of

if TYPE_CHECKING:
    from governance.pki.ct.own.sequencer import Draft
    from governance.pki.ct.own.view import OwnView

SINGLE, BATCH, BATCHES = 300, 200, 20
SIGNATURES = 5_000
BODY_BYTES = 1_500  # of an entry as it is stored: precertificate and what is signed about it


def main() -> None:
    """Measure on each database."""
    databases.on_each("bench_ct")


def measure(name: str) -> None:
    """Print the tables of one database."""
    databases.prepare()
    console = Console(width=110)
    console.print(_appending(name))
    console.print(_reading(name))


def _appending(name: str) -> Table:
    """Entries of our own log, each with its SCT, the tree's new checkpoint and an fsync for each batch."""
    from governance.pki.ct.own.log import ensure_log

    ensure_log()
    _bare_table()
    table = table_of(f"appending to the log in the box, {name}, durable, one process")
    measured(table, "bare: P-256 signatures", SIGNATURES, _bare_signatures)
    one = measured(table, "bare: insert one row of that size, one transaction each", SINGLE, lambda: _bare(SINGLE, 1))
    many = measured(table, f"bare: the same, {BATCH} rows each", BATCH * BATCHES, lambda: _bare(BATCHES, BATCH))
    single, batched = _drafts(SINGLE, "s"), _drafts(BATCH * BATCHES, "b")
    measured(table, "append, one at a time", SINGLE, lambda: _append(single, 1), bare=one)
    measured(table, f"append, {BATCH} at a time", BATCH * BATCHES, lambda: _append(batched, BATCH), bare=many)
    measured(table, "append what is there already, one at a time", SINGLE, lambda: _append(single, 1), bare=one)
    return table


def _reading(name: str) -> Table:
    """The same log read again: nothing of it is believed unseen."""
    from governance.pki.ct.own.view import OwnView

    view = OwnView()
    head = view.head()
    leaves = [entry.leaf_hash for entry in view.entries(0, head.size, head)]
    table = table_of(f"reading the log in the box, {head.size:,} entries, {name}")
    measured(table, "head, its signature checked", 500, lambda: [view.head() for _ in range(500)])
    measured(table, "inclusion, one view for all", head.size, lambda: _prove(leaves, view, range(head.size)))
    measured(
        table, "inclusion, a new view for each", 200, lambda: [_prove(leaves, OwnView(), (n,)) for n in range(200)]
    )
    measured(table, "entries, each found in the tree", head.size, lambda: list(view.entries(0, head.size, head)))
    return table


def _prove(leaves: Sequence[bytes], view: "OwnView", indices: Sequence[int]) -> int:
    """Have these entries proven; how many hashes that took."""
    head = view.head()
    return sum(len(view.inclusion(leaves[index], index, head)[1]) for index in indices)


def _drafts(count: int, name: str) -> "list[Draft]":
    """Precertificates, made and taken apart before the clock runs."""
    from tests.pki.ct.own import precertificate

    return [precertificate(f"{name}-{n}") for n in range(count)]


def _append(drafts: "Sequence[Draft]", batch: int) -> None:
    from governance.pki.ct.own.sequencer import append

    for start in range(0, len(drafts), batch):
        append(drafts[start : start + batch])


def _bare_signatures() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    for n in range(SIGNATURES):
        key.sign(b"%d" % n, algorithm)


def _bare_table() -> None:
    from django.db import connections

    from governance.pki.ct.own.table import database

    connection = connections[database()]
    binary = "bytea" if connection.vendor == "postgresql" else "blob"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bare_entry (number bigint PRIMARY KEY, body {binary}, identity text UNIQUE)")
        cursor.execute("CREATE TABLE bare_log (id int PRIMARY KEY, size bigint)")
        cursor.execute("INSERT INTO bare_log VALUES (1, 0)")


def _bare(times: int, rows: int) -> None:
    """What no log could be faster than: one locked row and the entries, through the driver."""
    from django.db import connections, transaction

    from governance.ledger.turn import turn
    from governance.pki.ct.own.table import database

    alias = database()
    connection = connections[alias]
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    for _ in range(times):
        with turn(alias), transaction.atomic(using=alias), connection.cursor() as cursor:
            cursor.execute(f"SELECT size FROM bare_log WHERE id = 1{lock}")
            (size,) = cursor.fetchone()
            values = [(size + n, secrets.token_bytes(BODY_BYTES), secrets.token_hex(32)) for n in range(rows)]
            cursor.executemany("INSERT INTO bare_entry VALUES (%s, %s, %s)", values)
            cursor.execute("UPDATE bare_log SET size = %s", (size + rows,))


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
