"""Tiles: their names, what a tree of a size has of them, and proofs made from them."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.kernel.errors import Invalid, NotFound, Unavailable
from governance.ledger import proofs
from governance.ledger.merkle import EMPTY_ROOT, Frontier
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.tiles import (
    DATA,
    MAX_SIZE,
    TilePath,
    Tiles,
    changed,
    data_tiles,
    hashes_above,
    parse_path,
    width_of,
)
from tests.ledger.test_proofs import INPUTS, ROOTS

Store = dict[str, bytes]


def _leaves(size: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + index.to_bytes(4)).digest() for index in range(size)]


def _store(leaves: list[bytes], *, size: int | None = None) -> Store:
    store: Store = {}
    for tile in changed(0, len(leaves) if size is None else size):
        level_0 = b"".join(leaves[tile.start : tile.end])
        store[str(tile)] = level_0 if tile.level == 0 else hashes_above(tile, lambda path: store[str(path)])
    return store


def _fetch(store: Store) -> Callable[[str], bytes]:
    def fetch(path: str) -> bytes:
        if path not in store:
            raise NotFound(path)
        return store[path]

    return fetch


def _tiles(leaves: list[bytes]) -> Tiles:
    return Tiles(_fetch(_store(leaves)), len(leaves), root=Frontier().extend(leaves).root())


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_from_tiles_are_those_of_the_reference_implementation(size: int) -> None:
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS[:size]]
    assert Tiles(_fetch(_store(leaves)), size).root().hex() == ROOTS[size - 1]


def test_the_tree_without_leaves_needs_no_tile() -> None:
    assert changed(0, 0) == ()
    assert Tiles(_fetch({}), 0, root=EMPTY_ROOT).root() == EMPTY_ROOT


def test_the_example_of_the_specification_has_its_273_tiles_and_three_partial_ones() -> None:
    """Static-ct-api, "Partial Tiles": a tree of 70,000 leaves, and one of 256."""
    tiles = changed(0, 70_000)
    full = [tile for tile in tiles if tile.width == 256]
    assert [sum(tile.level == level for tile in full) for level in range(3)] == [273, 1, 0]
    partial = [str(tile) for tile in tiles if tile.width < 256]
    assert partial == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert [str(tile) for tile in changed(0, 256)] == ["tile/0/000", "tile/1/000.p/1"]


def test_a_tree_of_70000_leaves_read_from_its_tiles_is_the_tree() -> None:
    leaves = _leaves(70_000)
    tree, tiles = Frontier().extend(leaves), _tiles(leaves)
    assert tiles.frontier() == tree
    for index in (0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999):
        assert tiles.leaf(index) == leaves[index]
        assert proofs.check_inclusion(leaves[index], index, 70_000, tiles.inclusion(index), tree.root())
        old = Frontier().extend(leaves[:index])
        assert proofs.check_consistency(index, 70_000, tiles.consistency(index), old.root(), tree.root())


def test_every_proof_up_to_130_leaves_is_the_same_from_tiles_as_from_leaves_and_holds() -> None:
    leaves = _leaves(130)
    roots = [Frontier().extend(leaves[:size]).root() for size in range(131)]
    cases = 0
    for size in range(131):
        tiles = Tiles(_fetch(_store(leaves, size=size)), size, root=roots[size])
        for index in range(size):
            path = tiles.inclusion(index)
            assert path == proofs.inclusion(lambda start, end: leaves[start:end], index, size)
            assert proofs.check_inclusion(leaves[index], index, size, path, roots[size])
            assert proofs.frontier_before(index, size, path) == Frontier().extend(leaves[:index])
            cases += 1
        for old in range(size + 1):
            path = tiles.consistency(old)
            assert path == proofs.consistency(lambda start, end: leaves[start:end], old, size)
            assert proofs.check_consistency(old, size, path, roots[old], roots[size])
            cases += 1
    assert cases == 8_515 + 8_515 + 131


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 11, 37])
def test_no_inclusion_proof_survives_the_change_of_a_bit(size: int) -> None:
    leaves = _leaves(size)
    root = Frontier().extend(leaves).root()
    for index in range(size):
        proof = b"".join(_tiles(leaves).inclusion(index))
        for bit in range(8 * len(proof)):
            changed_proof = _with_bit(proof, bit)
            path = [changed_proof[at : at + 32] for at in range(0, len(changed_proof), 32)]
            assert not proofs.check_inclusion(leaves[index], index, size, path, root)


@pytest.mark.parametrize("new", [2, 3, 7, 8, 11, 21])
def test_no_consistency_proof_survives_the_change_of_a_bit(new: int) -> None:
    leaves = _leaves(new)
    roots = [Frontier().extend(leaves[:size]).root() for size in range(new + 1)]
    for old in range(1, new):
        proof = b"".join(_tiles(leaves).consistency(old))
        for bit in range(8 * len(proof)):
            changed_proof = _with_bit(proof, bit)
            path = [changed_proof[at : at + 32] for at in range(0, len(changed_proof), 32)]
            assert not proofs.check_consistency(old, new, path, roots[old], roots[new])


def _with_bit(data: bytes, bit: int) -> bytes:
    changed_data = bytearray(data)
    changed_data[bit // 8] ^= 1 << bit % 8
    return bytes(changed_data)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 1500), data=st.data())
def test_a_tile_with_another_bit_is_found_out_before_anything_of_it_is_used(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    store, root = _store(leaves), Frontier().extend(leaves).root()
    path = data.draw(st.sampled_from(sorted(store)))
    store[path] = _with_bit(store[path], data.draw(st.integers(0, 8 * len(store[path]) - 1)))
    tile, tiles = parse_path(path), Tiles(_fetch(store), size, root=root)
    with pytest.raises(Misbehaved) as refused:
        tiles.tile(tile.level, tile.index)
    assert refused.value.kind == "wrong_tile"
    assert refused.value.evidence["root"] == root.hex()


@settings(max_examples=60, deadline=None)
@given(old=st.integers(0, 1500), grown=st.integers(0, 1500))
def test_writing_what_changed_makes_every_tile_of_the_larger_tree(old: int, grown: int) -> None:
    leaves = _leaves(old + grown)
    store = _store(leaves[:old])
    for tile in changed(old, old + grown):
        level_0 = b"".join(leaves[tile.start : tile.end])
        store[str(tile)] = level_0 if tile.level == 0 else hashes_above(tile, lambda path: store[str(path)])
    assert Tiles(_fetch(store), old + grown).frontier() == Frontier().extend(leaves)
    assert {tile.full for tile in data_tiles(old, old + grown)} == {
        TilePath(DATA, tile.index) for tile in changed(old, old + grown) if tile.level == 0
    }


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    leaves = _leaves(600)
    later = _store(leaves)
    tiles = Tiles(_fetch(later), 300, root=Frontier().extend(leaves[:300]).root())
    assert "tile/0/001.p/44" not in later
    # Level 1 had one tile filled when there were 300 leaves, and that partial tile is gone too.
    with pytest.raises(Unavailable, match=r"tile/1/000\.p/1 is not there"):
        tiles.root()
    later["tile/1/000.p/1"] = later["tile/1/000.p/2"][:32]
    assert tiles.leaf(299) == leaves[299]
    assert tiles.root() == Frontier().extend(leaves[:300]).root()


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: data[:-32], lambda data: data + bytes(32)])
def test_a_tile_of_another_length_cannot_be_read(spoil: Callable[[bytes], bytes]) -> None:
    leaves = _leaves(300)
    store = _store(leaves)
    store["tile/0/000"] = spoil(store["tile/0/000"])
    with pytest.raises(Unavailable, match="tile/0/000 has"):
        Tiles(_fetch(store), 300).leaf(0)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/000", TilePath(0, 0)),
        ("tile/5/999", TilePath(5, 999)),
        ("tile/0/x001/000", TilePath(0, 1000)),
        ("tile/0/x001/x234/067", TilePath(0, 1_234_067)),
        ("tile/data/x001/x234/067.p/255", TilePath(DATA, 1_234_067, 255)),
        ("tile/1/001.p/17", TilePath(1, 1, 17)),
    ],
)
def test_a_tile_has_one_path(path: str, tile: TilePath) -> None:
    assert str(tile) == path
    assert parse_path(path) == tile


@given(
    level=st.integers(-1, 5), index=st.integers(0, MAX_SIZE // 256), width=st.one_of(st.just(256), st.integers(1, 255))
)
def test_every_path_names_the_tile_that_it_was_made_from(level: int, index: int, width: int) -> None:
    assert parse_path(str(TilePath(level, index, width))) == TilePath(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/001/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/00/001",
        "tile/6/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000/",
        "tile/0/../000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "/tile/0/000",
        "tile/names/000",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match="is no path of a tile"):
        parse_path(path)


def test_what_is_not_in_the_tree_is_refused() -> None:
    tiles = _tiles(_leaves(300))
    for ask in (
        lambda: tiles.leaf(300),
        lambda: tiles.hash_at(8, 1),
        lambda: tiles.inclusion(300),
        lambda: tiles.consistency(301),
        lambda: tiles.tile(0, 2),
        lambda: Tiles(_fetch({}), MAX_SIZE + 1),
        lambda: Tiles(_fetch({}), -1),
        lambda: hashes_above(TilePath(0, 0), lambda _: b""),
    ):
        with pytest.raises(Invalid):
            ask()
    assert [width_of(0, n, 300) for n in range(3)] == [256, 44, 0]
