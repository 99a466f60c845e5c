"""Reads a log that serves its tree in tiles (C2SP static-ct-api)."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from governance.kernel.errors import Invalid, NotFound, Unavailable
from governance.pki.ct import checkpoint, tile_leaf
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.fetching import CERTIFICATE, CHECKPOINT, ENTRIES, HASHES, Door, Pace
from governance.pki.ct.logs import Log
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.reading import LoggedEntry, check_consistent
from governance.pki.ct.tile_leaf import TileLeaf
from governance.pki.ct.tiles import DATA, WIDTH, TilePath, Tiles, fetch_tile, width_of

_KEPT_ISSUERS = 512
# So much of an entry is kept as evidence; the rest of a larger one can be had where the first part came from.
_EVIDENCE_BYTES = 12 * 1024


class StaticView:
    """A static-ct log over HTTP, as reading.LogView; not for two threads at once."""

    def __init__(self, log: Log, client: httpx.Client, *, pace: Pace | None = None, deadline_s: float = 60.0) -> None:
        self.log = log
        self._door = Door(log, client, pace=pace, deadline_s=deadline_s)
        self._tree: Tiles | None = None
        self._tree_of: tuple[int, bytes] | None = None
        self._issuers: dict[bytes, bytes] = {}

    def head(self) -> Head:
        """The newest checkpoint, whose signature is good."""
        try:
            text = self._door.get(self.log.monitoring_url, "checkpoint", CHECKPOINT).decode()
            return checkpoint.check(text, self.log)
        except NotFound as absent:
            raise Unavailable(absent.message) from None
        except (UnicodeDecodeError, Invalid) as refusal:
            why = refusal.message if isinstance(refusal, Invalid) else "is not text"
            raise Unavailable(f"{self._door.name} serves a checkpoint that {why}") from None

    def inclusion(self, leaf: bytes, index: int | None, head: Head) -> tuple[int, tuple[bytes, ...]]:
        """As in LogView; raises Invalid without `index`, which the SCTs of such a log name and tiles are found by.

        NotFound also when another leaf is there: whether that breaks a promise says the SCT, which is not known here.
        """
        if index is None:
            raise Invalid(f"{self._door.name} is read by index, and the SCT names none")
        if index >= head.size:
            raise NotFound(f"{self._door.name} has {head.size} entries, and none yet at index {index}")
        with self._under(head) as tree:
            if tree.leaf(index) != leaf:
                raise NotFound(f"{self._door.name} has another entry at index {index}")
            return index, tree.inclusion(index)

    def consistency(self, old: Head, new: Head) -> tuple[bytes, ...]:
        """As in LogView."""
        if old.size in {0, new.size}:
            return check_consistent(old, new, ())
        with self._under(new) as tree:
            path = tree.consistency(old.size)
        return check_consistent(old, new, path)

    def entries(self, start: int, end: int, head: Head) -> Iterator[LoggedEntry]:
        """As in LogView, tile by tile: each entry must hash to its place in a tile that leads to the root of `head`."""
        if not 0 <= start <= end <= head.size:
            raise Invalid(f"entries {start} to {end} are not in a tree of {head.size} entries")
        for number in range(start // WIDTH, -(-end // WIDTH)):
            leaves = self._leaves(number, head)
            first = number * WIDTH
            for index in range(max(start, first), min(end, first + WIDTH)):
                yield self._logged(index, leaves[index - first])

    def _leaves(self, number: int, head: Head) -> tuple[TileLeaf, ...]:
        """The entries of one tile, after all of them were found in the tree."""
        width = width_of(0, number, head.size)
        with self._under(head) as tree:
            hashes = tree.tile(0, number)
            found, data = fetch_tile(self._entries_tile, TilePath(DATA, number, width))
        try:
            leaves = tile_leaf.read_all(data, at_most=width)
        except Invalid as refusal:
            raise Unavailable(f"{self._door.name} serves {found}, which cannot be read: {refusal.message}") from None
        if len(leaves) < width:
            raise Unavailable(f"{self._door.name} serves {found} with {len(leaves)} entries, and {width} are due")
        for index, (leaf, known) in enumerate(zip(leaves, hashes, strict=True), number * WIDTH):
            if leaf.leaf_hash != known:
                self._refuse(index, leaf, head, f"is another one in {found} than in the tree")
            if leaf.leaf_index not in {None, index}:
                self._refuse(index, leaf, head, f"says that it is at index {leaf.leaf_index}")
        return leaves

    def _refuse(self, index: int, leaf: TileLeaf, head: Head, why: str) -> None:
        entry = base64.b64encode(leaf.encode()[:_EVIDENCE_BYTES]).decode()
        evidence = {"checkpoint": head.text, "index": str(index), "entry": entry, "leaf": leaf.leaf_hash.hex()}
        raise Misbehaved("wrong_entry", f"the entry {index} of {self._door.name} {why}", evidence)

    def _logged(self, index: int, leaf: TileLeaf) -> LoggedEntry:
        return LoggedEntry(
            index=index,
            timestamp_ms=leaf.timestamp_ms,
            entry=leaf.entry,
            leaf_hash=leaf.leaf_hash,
            certificate_der=leaf.certificate_der,
            chain=tuple(self._issuer(fingerprint) for fingerprint in leaf.chain_fingerprints),
        )

    def _issuer(self, fingerprint: bytes) -> bytes:
        """The certificate with this fingerprint; a log's entries have few different ones."""
        if fingerprint not in self._issuers:
            path = f"issuer/{fingerprint.hex()}"
            try:
                der = self._door.get(self.log.monitoring_url, path, CERTIFICATE)
            except NotFound as absent:
                raise Unavailable(f"{absent.message}, and must have it") from None
            if hashlib.sha256(der).digest() != fingerprint:
                raise Unavailable(f"{self._door.name} serves another certificate at {path}")
            while len(self._issuers) >= _KEPT_ISSUERS:
                del self._issuers[next(iter(self._issuers))]
            self._issuers[fingerprint] = der
        return self._issuers[fingerprint]

    @contextmanager
    def _under(self, head: Head) -> Iterator[Tiles]:
        """The tree of `head`; what is refused in it names the log, and brings the head along."""
        if self._tree is None or self._tree_of != (head.size, head.root):
            self._tree = Tiles(self._hash_tile, head.size, root=head.root)
            self._tree_of = (head.size, head.root)
        try:
            yield self._tree
        except Misbehaved as lie:
            message = f"{self._door.name}: {lie.message}"
            raise Misbehaved(lie.kind, message, {"checkpoint": head.text, **lie.evidence}) from None
        except Unavailable as refusal:
            named = self._door.name in refusal.message
            raise Unavailable(refusal.message if named else f"{self._door.name}: {refusal.message}") from None

    def _hash_tile(self, path: str) -> bytes:
        return self._door.get(self.log.monitoring_url, path, HASHES)

    def _entries_tile(self, path: str) -> bytes:
        return self._door.get(self.log.monitoring_url, path, ENTRIES)
