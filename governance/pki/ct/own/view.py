"""Our own log as its readers see it: over its tables and files, and believed no more than any other log."""

from collections.abc import Iterator
from contextlib import contextmanager

from governance.kernel.errors import Invalid, NotFound
from governance.pki.ct import checkpoint, tile_leaf
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.logs import Log
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.own import table, tilefiles
from governance.pki.ct.own.draft import entry_of
from governance.pki.ct.own.log import own_log
from governance.pki.ct.reading import LoggedEntry, check_consistent
from governance.pki.ct.tile_leaf import TileLeaf
from governance.pki.ct.tiles import DATA, WIDTH, TilePath, Tiles, width_of


class OwnView:
    """A LogView without HTTP. Signatures and roots are checked: whoever alters a table or a file is found out.

    What was read of one tree is kept, hence one view is for one thread and one piece of work.
    """

    def __init__(self) -> None:
        self.log: Log = own_log()
        self._tiles: tuple[Head, Tiles] | None = None
        self._issuers: dict[bytes, bytes] = {}

    def head(self) -> Head:
        """The newest checkpoint."""
        try:
            return checkpoint.check(table.checkpoint(), self.log)
        except Invalid as refusal:
            raise Misbehaved("bad_signature", f"the stored checkpoint {refusal.message}") from None

    def inclusion(self, leaf: bytes, index: int | None, head: Head) -> tuple[int, tuple[bytes, ...]]:
        """Where the leaf is, and its audit path. Without `index` every leaf is looked at."""
        with self._under(head) as tiles:
            if index is None:
                index = self._find(leaf, tiles)
            if index >= head.size or tiles.leaf(index) != leaf:
                raise NotFound(f"the log of {head.size} entries does not have that entry at {index}")
            return index, tiles.inclusion(index)

    def consistency(self, old: Head, new: Head) -> tuple[bytes, ...]:
        """The proof that the tree of `new` begins with that of `old`."""
        with self._under(new) as tiles:
            return check_consistent(old, new, tiles.consistency(old.size))

    def entries(self, start: int, end: int, head: Head) -> Iterator[LoggedEntry]:
        """The entries `start` up to but not including `end`, each shown to be in the tree of `head`."""
        if not 0 <= start <= end <= head.size:
            raise Invalid(f"entries {start} to {end} are not in a tree of {head.size} entries")
        for number in range(start // WIDTH, -(-end // WIDTH)):
            first = number * WIDTH
            with self._under(head) as tiles:
                hashes, leaves = tiles.tile(0, number), self._leaves(number, tiles)
                last = min(end, first + WIDTH)
                found = [self._entry(n, leaves[n - first], hashes[n - first]) for n in range(max(start, first), last)]
            yield from found

    @contextmanager
    def _under(self, head: Head) -> Iterator[Tiles]:
        """The tree of `head`, which goes with whatever is found to contradict it."""
        if self._tiles is None or self._tiles[0] != head:
            self._tiles = head, Tiles(tilefiles.fetch, head.size, root=head.root)
        try:
            yield self._tiles[1]
        except Misbehaved as lie:
            raise Misbehaved(lie.kind, lie.message, {"checkpoint": head.text, **lie.evidence}) from None

    def _find(self, leaf: bytes, tiles: Tiles) -> int:
        for number in range(-(-tiles.size // WIDTH)):
            hashes = tiles.tile(0, number)
            if leaf in hashes:
                return number * WIDTH + hashes.index(leaf)
        raise NotFound(f"the log of {tiles.size} entries does not have that entry")

    def _leaves(self, number: int, tiles: Tiles) -> tuple[TileLeaf, ...]:
        path = TilePath(DATA, number, width_of(0, number, tiles.size))
        try:
            leaves = tile_leaf.read_all(tilefiles.fetch(str(path)))
        except Invalid as refusal:
            raise Misbehaved("wrong_entry", f"{path} cannot be read: {refusal.message}") from None
        if len(leaves) != path.width:
            raise Misbehaved("wrong_entry", f"{path} has {len(leaves)} entries, and {path.width} are due")
        return leaves

    def _entry(self, index: int, leaf: TileLeaf, expected: bytes) -> LoggedEntry:
        chain = tuple(self._issuer(fingerprint) for fingerprint in leaf.chain_fingerprints)
        if leaf.leaf_hash != expected or not _fits(leaf, chain):
            evidence = {"index": str(index), "tile_leaf": leaf.encode().hex(), "leaf": expected.hex()}
            raise Misbehaved("wrong_entry", f"entry {index} is not what its leaf in the tree says", evidence)
        return LoggedEntry(index, leaf.timestamp_ms, leaf.entry, expected, leaf.certificate_der, chain)

    def _issuer(self, fingerprint: bytes) -> bytes:
        if fingerprint not in self._issuers:
            self._issuers[fingerprint] = table.issuer(fingerprint.hex())
        return self._issuers[fingerprint]


def _fits(leaf: TileLeaf, chain: tuple[bytes, ...]) -> bool:
    """Whether the precertificate, which is not in the tree, is the one that the entry is about."""
    try:
        return entry_of(leaf.certificate_der, chain) == leaf.entry
    except Invalid:
        return False
