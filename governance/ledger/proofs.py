"""Inclusion and consistency proofs of RFC 6962 (sections 2.1.1 and 2.1.2), made from leaves or subtrees; pure."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from governance.kernel.errors import Invalid
from governance.ledger.merkle import EMPTY_ROOT, Frontier, node_hash

# The leaf hashes with index `start` up to but not including `end`.
Leaves = Callable[[int, int], Sequence[bytes]]
# The root of the subtree over the leaves with index `start` up to but not including `end`.
Subtrees = Callable[[int, int], bytes]
# The root of the perfect subtree that is number `index`, from 0, of those with 2**height leaves: (height, index).
Nodes = Callable[[int, int], bytes]

PAGE = 4096


def root(leaves: Leaves, start: int, end: int) -> bytes:
    """Root of the subtree over the leaves `start` to `end`, read in pages."""
    tree = Frontier()
    for first in range(start, end, PAGE):
        last = min(first + PAGE, end)
        page = leaves(first, last)
        if len(page) != last - first:
            raise Invalid(f"leaves {first} to {last} are not all there")
        tree = tree.extend(page)
    return tree.root()


def root_of_nodes(nodes: Nodes, start: int, end: int) -> bytes:
    """Root of the subtree over the leaves `start` to `end`, put together from perfect subtrees.

    `start` must be a multiple of a power of two that is no smaller than the number of leaves, as it is in every proof.
    """
    return frontier_of_nodes(nodes, start, end).root()


def frontier_of_nodes(nodes: Nodes, start: int, end: int) -> Frontier:
    """The perfect subtrees over the leaves `start` to `end`; `start` as in `root_of_nodes`."""
    found, at = [], start
    for height in reversed(range((end - start).bit_length())):
        if (end - start) >> height & 1:
            found.append(nodes(height, at >> height))
            at += 1 << height
    return Frontier(end - start, tuple(found))


def inclusion(leaves: Leaves, index: int, size: int) -> tuple[bytes, ...]:
    """The audit path of leaf `index` (from 0) in the tree of the first `size` leaves, lowest node first."""
    return inclusion_of_subtrees(partial(root, leaves), index, size)


def inclusion_of_subtrees(subtrees: Subtrees, index: int, size: int) -> tuple[bytes, ...]:
    """The audit path, as `inclusion` makes it, for whoever knows the roots of subtrees."""
    if not 0 <= index < size:
        raise Invalid(f"leaf {index} is not in a tree of {size} leaves")
    return tuple(_path(subtrees, index, 0, size))


def consistency(leaves: Leaves, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of `new` leaves begins with the tree of `old` leaves; empty when either is trivial."""
    return consistency_of_subtrees(partial(root, leaves), old, new)


def consistency_of_subtrees(subtrees: Subtrees, old: int, new: int) -> tuple[bytes, ...]:
    """The proof, as `consistency` makes it, for whoever knows the roots of subtrees."""
    if not 0 <= old <= new:
        raise Invalid(f"a tree of {old} leaves is not the beginning of one of {new}")
    if old in (0, new):
        return ()
    return tuple(_subproof(subtrees, old, 0, new, known=True))


def _split(size: int) -> int:
    """The largest power of two smaller than `size`, which is 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _path(subtrees: Subtrees, index: int, start: int, end: int) -> Iterator[bytes]:
    if end - start == 1:
        return
    middle = start + _split(end - start)
    if index < middle:
        yield from _path(subtrees, index, start, middle)
        yield subtrees(middle, end)
    else:
        yield from _path(subtrees, index, middle, end)
        yield subtrees(start, middle)


def _subproof(subtrees: Subtrees, old: int, start: int, end: int, *, known: bool) -> Iterator[bytes]:
    """SUBPROOF of RFC 6962; `old` is absolute, and `known` says that the verifier holds this subtree's root."""
    if old == end:
        if not known:
            yield subtrees(start, end)
        return
    middle = start + _split(end - start)
    if old <= middle:
        yield from _subproof(subtrees, old, start, middle, known=known)
        yield subtrees(middle, end)
    else:
        yield from _subproof(subtrees, old, middle, end, known=False)
        yield subtrees(start, middle)


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether `path` shows that `leaf` is leaf `index` of the tree with `expected_root`."""
    try:
        return implied_root(leaf, index, size, path) == expected_root
    except Invalid:
        return False


def implied_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root to which `path` leads from leaf `index` (RFC 9162, 2.1.3.2); Invalid when its length does not fit."""
    if not 0 <= index < size:
        raise Invalid(f"leaf {index} is not in a tree of {size} leaves")
    at, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Invalid("the path is too long")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise Invalid("the path is too short")
    return node


def frontier_before(index: int, size: int, path: Sequence[bytes]) -> Frontier:
    """The tree of the leaves before leaf `index`, as `path`, the leaf's audit path in a tree of `size`, tells of it.

    It can be believed when the path leads to a root that is believed. Raises Invalid when the path is too short.
    """
    left, at, last = [], index, size - 1
    for sibling in path:
        if at & 1 or at == last:
            left.append(sibling)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    if len(left) != index.bit_count():
        raise Invalid(f"a path of {len(path)} hashes does not fit leaf {index} of {size}")
    return Frontier(index, tuple(reversed(left)))


def check_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether `path` shows that the tree of `new` leaves begins with that of `old` leaves (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not path and old_root == (EMPTY_ROOT if old == 0 else new_root)
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not nodes:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, node)
        at, last = at >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)
