"""Whoever alters the log behind our back, be it in the table or in the files, is found out by whoever reads it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction

from governance.kernel.errors import NotFound, Unavailable
from governance.ledger.merkle import Frontier
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.models import CtEntry, CtIssuer, CtLog
from governance.pki.ct.own import table, tilefiles
from governance.pki.ct.own.sequencer import append
from governance.pki.ct.own.view import OwnView
from governance.pki.ct.reading import advance
from tests.fixtures.house import House
from tests.pki.ct.own import in_order, several, whole_log

SIZE = 600


@pytest.fixture
def grown(empty_log: House) -> Path:
    """A log of two full tiles and a partial one; where its files are."""
    append(several(SIZE))
    return tilefiles.directory()


def unguarded(statement: str, *values: Any) -> None:
    """What somebody who owns the database can do: without triggers."""
    connection = connections[table.database()]
    with transaction.atomic(using=table.database()), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            for name in ("update", "delete"):
                for guarded in ("ctentry", "ctissuer"):
                    cursor.execute(f"DROP TRIGGER IF EXISTS governance_{guarded}_no_{name}")
        cursor.execute(statement, values)


def read_whole() -> None:
    view = OwnView()
    head = view.head()
    list(view.entries(0, head.size, head))


@pytest.mark.parametrize("model", [CtEntry, CtIssuer])
def test_rows_can_be_neither_changed_nor_deleted(grown: Path, model: type[CtEntry]) -> None:
    alias, name = table.database(), model._meta.db_table
    column = "serial" if model is CtEntry else "der"
    statements = [f"DELETE FROM {name}", f"UPDATE {name} SET {column} = {column}"]
    if connections[alias].vendor == "postgresql":
        statements.append(f"TRUNCATE {name}")
    for statement in statements:
        with pytest.raises(DatabaseError, match="append-only"), connections[alias].cursor() as cursor:
            cursor.execute(statement)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(using=alias):
        model.objects.all().delete()
    assert whole_log() == SIZE


@pytest.mark.parametrize("index", [0, 300, SIZE - 1])
def test_an_altered_entry_is_noticed(grown: Path, index: int) -> None:
    tile_leaf = bytes(CtEntry.objects.get(index=index - 1 if index else 1).tile_leaf)
    unguarded('UPDATE governance_ctentry SET tile_leaf = %s WHERE "index" = %s', tile_leaf, index)
    with pytest.raises(Misbehaved) as found:
        read_whole()
    assert (found.value.kind, "checkpoint" in found.value.evidence) == ("wrong_entry", True)


def test_an_altered_precertificate_is_noticed_though_it_is_not_in_the_tree(grown: Path) -> None:
    row = CtEntry.objects.get(index=SIZE - 2)
    tile_leaf = bytearray(row.tile_leaf)
    tile_leaf[-120] ^= 1  # behind the entry stand the precertificate, whose end is its signature, and two fingerprints
    unguarded('UPDATE governance_ctentry SET tile_leaf = %s WHERE "index" = %s', bytes(tile_leaf), row.index)
    read_whole()  # a signature says nothing of what is certified
    tile_leaf[tile_leaf.rindex(b".shop.svc") - 1] ^= 1
    unguarded('UPDATE governance_ctentry SET tile_leaf = %s WHERE "index" = %s', bytes(tile_leaf), row.index)
    with pytest.raises(Misbehaved, match="is not what its leaf"):
        read_whole()


def test_an_altered_leaf_is_noticed(grown: Path) -> None:
    unguarded('UPDATE governance_ctentry SET leaf = %s WHERE "index" = %s', bytes(32), SIZE - 1)
    view = OwnView()
    with pytest.raises(Misbehaved) as found:
        view.inclusion(bytes(32), SIZE - 1, view.head())
    assert found.value.kind == "wrong_tile"


def test_a_missing_entry_is_noticed(grown: Path) -> None:
    unguarded('DELETE FROM governance_ctentry WHERE "index" = %s', SIZE - 1)
    with pytest.raises(Misbehaved, match="only 87 are in the table"):
        read_whole()


def test_an_altered_issuer_is_noticed(grown: Path) -> None:
    fingerprint = CtIssuer.objects.order_by("pk").values_list("pk", flat=True)[0]
    unguarded("UPDATE governance_ctissuer SET der = %s WHERE fingerprint = %s", b"x", fingerprint)
    with pytest.raises(Misbehaved, match="is another"):
        read_whole()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("tile", ["tile/0/000", "tile/0/001", "tile/1/000.p/2"])
def test_an_altered_tile_is_noticed(grown: Path, tile: str) -> None:
    read_whole()
    _flip(grown / tile)
    with pytest.raises(Misbehaved) as found:
        read_whole()
    assert found.value.kind == "wrong_tile"


def test_a_proof_reads_only_the_tiles_on_its_way(grown: Path) -> None:
    view = OwnView()
    head = view.head()
    leaves = [entry.leaf_hash for entry in view.entries(0, head.size, head)]
    _flip(grown / "tile/0/001")
    for index in (0, 255, SIZE - 1):
        OwnView().inclusion(leaves[index], index, head)
    with pytest.raises(Misbehaved):
        OwnView().inclusion(leaves[300], 300, head)


SPOILT: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "too long": lambda path: path.write_bytes(path.read_bytes() * 2),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("tile", ["tile/0/000", "tile/0/001", "tile/1/000.p/2", "tile/data/000.gz"])
def test_a_file_that_is_not_whole_is_made_again(grown: Path, tile: str, spoil: Callable[[Path], object]) -> None:
    read_whole()
    good = (grown / tile).read_bytes()
    spoil(grown / tile)
    assert whole_log() == SIZE
    assert (grown / tile).read_bytes() == good


def test_without_its_files_the_log_is_the_same(grown: Path) -> None:
    shutil.rmtree(grown)
    assert whole_log() == SIZE
    shutil.rmtree(grown)
    grown.write_text("a file where the directory should be")
    assert whole_log() == SIZE, "where nothing can be written, there is no cache"


def test_a_partial_tile_is_served_for_no_more_than_it_holds(grown: Path) -> None:
    read_whole()
    assert [path.name for path in (grown / "tile/1/000.p").iterdir()] == ["2"]
    append(several(200, "more"))
    read_whole()
    assert [path.name for path in (grown / "tile/1/000.p").iterdir()] == ["3"]
    assert tilefiles.fetch("tile/1/000.p/2") == tilefiles.fetch("tile/1/000.p/3")[:64]
    for beyond in ("tile/1/000.p/4", "tile/1/000", "tile/0/003.p/33", "tile/2/000.p/1"):
        with pytest.raises(NotFound):
            tilefiles.fetch(beyond)
    assert whole_log() == SIZE + 200


def test_an_altered_checkpoint_is_noticed_and_nothing_is_signed_after_it(grown: Path) -> None:
    text = CtLog.objects.get().checkpoint
    CtLog.objects.update(checkpoint=text.replace("\n600\n", "\n599\n"))
    with pytest.raises(Misbehaved) as found:
        OwnView().head()
    assert found.value.kind == "bad_signature"
    with pytest.raises(Unavailable, match="was altered"):
        append(several(1, "x"))
    CtLog.objects.update(checkpoint="nonsense")
    with pytest.raises(Misbehaved):
        OwnView().head()


def test_a_tree_that_was_not_signed_is_not_gone_on_with(grown: Path) -> None:
    row = CtLog.objects.get()
    other = Frontier().extend(bytes([n % 256]) * 32 for n in range(SIZE))
    for changes in ({"frontier": other.encode()}, {"size": SIZE - 1}, {"frontier": b""}):
        CtLog.objects.update(**changes)
        with pytest.raises(Unavailable, match="was altered"):
            append(several(1, "x"))
        CtLog.objects.update(size=row.size, frontier=row.frontier)
    assert in_order(append(several(1, "x"))) == [SIZE]


def test_a_log_from_a_backup_makes_its_files_again_and_is_found_out_by_who_saw_more(grown: Path) -> None:
    backup = CtLog.objects.values("size", "frontier", "checkpoint", "checkpoint_at").get()
    append(several(300, "lost"))
    read_whole()
    seen = OwnView().head()
    unguarded('DELETE FROM governance_ctentry WHERE "index" >= %s', SIZE)
    CtLog.objects.update(**backup)
    tilefiles._looked_at.clear()  # as in a process that starts
    append(several(300, "other"))
    assert whole_log() == SIZE + 300
    with pytest.raises(Misbehaved) as found:
        advance(seen, OwnView().head(), OwnView())
    assert found.value.kind == "forked"
