"""Merkle trees and their proofs, against the reference values of Certificate Transparency and against each other."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.ledger import proofs
from governance.ledger.merkle import EMPTY_ROOT, Frontier, body_commitment, leaf_from_commitment, salted_leaf

# The inputs and roots of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _leaves(size: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + index.to_bytes(4, "big")).digest() for index in range(size)]


def _reference() -> list[bytes]:
    return [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS]


def _root(leaves: list[bytes]) -> bytes:
    return Frontier().extend(leaves).root()


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256().digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert _root(_reference()[:size]).hex() == ROOTS[size - 1]


def test_a_reference_inclusion_proof_is_made_and_accepted() -> None:
    leaves = _reference()
    path = proofs.inclusion(lambda start, end: leaves[start:end], 5, 8)
    assert [node.hex() for node in path] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert proofs.check_inclusion(leaves[5], 5, 8, path, bytes.fromhex(ROOTS[7]))


def test_a_reference_consistency_proof_is_made_and_accepted() -> None:
    leaves = _reference()
    path = proofs.consistency(lambda start, end: leaves[start:end], 6, 8)
    assert [node.hex() for node in path] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert proofs.check_consistency(6, 8, path, bytes.fromhex(ROOTS[5]), bytes.fromhex(ROOTS[7]))


def test_every_inclusion_proof_of_small_trees_holds_and_no_other_leaf_fits() -> None:
    leaves = _leaves(33)
    for size in range(1, 34):
        root = _root(leaves[:size])
        for index in range(size):
            path = proofs.inclusion(lambda start, end: leaves[start:end], index, size)
            assert proofs.check_inclusion(leaves[index], index, size, path, root)
            assert not proofs.check_inclusion(leaves[(index + 1) % 33], index, size, path, root)


def test_every_consistency_proof_of_small_trees_holds() -> None:
    leaves = _leaves(33)
    roots = [_root(leaves[:size]) for size in range(34)]
    for new in range(34):
        for old in range(new + 1):
            path = proofs.consistency(lambda start, end: leaves[start:end], old, new)
            assert proofs.check_consistency(old, new, path, roots[old], roots[new])


@given(size=st.integers(1, 300), data=st.data())
def test_a_proof_that_was_tampered_with_is_refused(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path = list(proofs.inclusion(lambda start, end: leaves[start:end], index, size))
    root = _root(leaves)
    assert proofs.check_inclusion(leaves[index], index, size, path, root)
    assert not proofs.check_inclusion(leaves[index], index, size, [*path, bytes(32)], root)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not proofs.check_inclusion(leaves[index], index, size, path[:at] + path[at + 1 :], root)
        path[at] = bytes(32)
        assert not proofs.check_inclusion(leaves[index], index, size, path, root)


@given(size=st.integers(2, 300), data=st.data())
def test_a_history_that_was_rewritten_is_not_consistent(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    old = data.draw(st.integers(1, size))
    changed = list(leaves)
    changed[data.draw(st.integers(0, old - 1))] = bytes(32)
    path = proofs.consistency(lambda start, end: changed[start:end], old, size)
    assert proofs.check_consistency(old, size, path, _root(changed[:old]), _root(changed))
    assert not proofs.check_consistency(old, size, path, _root(leaves[:old]), _root(changed))


@given(sizes=st.lists(st.integers(0, 70), max_size=5))
def test_growing_in_groups_is_growing_one_by_one(sizes: list[int]) -> None:
    leaves = _leaves(sum(sizes))
    grouped, at = Frontier(), 0
    for size in sizes:
        grouped = grouped.extend(leaves[at : at + size])
        at += size
    single = Frontier()
    for leaf in leaves:
        single = single.append(leaf)
    assert grouped == single
    assert Frontier.decode(grouped.size, grouped.encode()) == grouped


def test_a_frontier_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(Invalid):
        Frontier.decode(3, bytes(32))


def test_a_proof_over_missing_leaves_is_refused() -> None:
    leaves = _leaves(7)
    with pytest.raises(Invalid):
        proofs.inclusion(lambda start, end: leaves[start:end], 1, 8)


def test_a_leaf_survives_the_erasure_of_its_body() -> None:
    leaf = salted_leaf(b"header", b"body", b"salt")
    assert leaf == leaf_from_commitment(b"header", body_commitment(b"body", b"salt"))
