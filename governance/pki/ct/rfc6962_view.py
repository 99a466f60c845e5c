"""Reads a log that answers questions (RFC 6962, section 4)."""

import base64
from collections.abc import Collection, Iterator
from typing import Any

import httpx

from governance.kernel.errors import Invalid, NotFound, Unavailable
from governance.ledger import proofs
from governance.ledger.merkle import Frontier
from governance.ledger.note import TreeHead
from governance.pki.ct import checkpoint, tile_leaf
from governance.pki.ct.answers import Answer
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.entry import leaf_hash
from governance.pki.ct.fetching import ANSWER, PAGE, Body, Door, Pace
from governance.pki.ct.logs import Log
from governance.pki.ct.misbehaviour import Kind, Misbehaved
from governance.pki.ct.reading import LoggedEntry, check_consistent
from governance.pki.ct.tile_leaf import TileLeaf

_PAGE_ENTRIES = 256
_Read = tuple[TileLeaf, tuple[bytes, ...]]


class Rfc6962View:
    """An RFC 6962 log over HTTP, as reading.LogView.

    Its heads are put into the words of a checkpoint, which says the same: so proofs and evidence have one form.
    """

    def __init__(self, log: Log, client: httpx.Client, *, pace: Pace | None = None, deadline_s: float = 60.0) -> None:
        self.log = log
        self._door = Door(log, client, pace=pace, deadline_s=deadline_s)
        self._url = log.monitoring_url or log.submission_url

    def head(self) -> Head:
        """The newest signed tree head, whose signature is good."""
        answer = self._ask("get-sth")
        root = answer.octets("sha256_root_hash", length=32)
        tree = TreeHead(self.log.origin, answer.number("tree_size"), root)
        signed, at_ms = answer.octets("tree_head_signature"), answer.number("timestamp")
        text = checkpoint.of_tree_head(tree, timestamp_ms=at_ms, signed=signed, log_id=self.log.log_id)
        try:
            return checkpoint.check(text, self.log)
        except Invalid as refusal:
            raise Unavailable(f"{self._door.name} answered get-sth with what {refusal.message}") from None

    def inclusion(self, leaf: bytes, index: int | None, head: Head) -> tuple[int, tuple[bytes, ...]]:
        """As in LogView; the log is asked by the leaf's hash, and `index` is not needed."""
        if head.size == 0:
            raise NotFound(f"{self._door.name} has no entries yet")
        wanted = base64.b64encode(leaf).decode()
        # Logs answer 400 or 404 for a hash that they do not have; RFC 6962 does not say which.
        answer = self._ask("get-proof-by-hash", absent=(400, 404), hash=wanted, tree_size=head.size)
        found, path = answer.number("leaf_index"), answer.hashes("audit_path")
        if not proofs.check_inclusion(leaf, found, head.size, path, head.root):
            raise self._lie("wrong_tile", f"the proof for {leaf.hex()} does not lead to the signed root", head)
        return found, path

    def consistency(self, old: Head, new: Head) -> tuple[bytes, ...]:
        """As in LogView."""
        if old.size in {0, new.size}:
            return check_consistent(old, new, ())
        answer = self._ask("get-sth-consistency", first=old.size, second=new.size)
        return check_consistent(old, new, answer.hashes("consistency"))

    def entries(self, start: int, end: int, head: Head) -> Iterator[LoggedEntry]:
        """As in LogView, page by page, of whatever length the log makes them.

        The proof of the last entry of a page has in it every perfect subtree before that entry. So a page is in the
        tree when its leaves, grown on the tree before it, give these very subtrees: one proof for each page, one more
        for where the first one starts, and none at the end of the tree, where the root itself is known.
        """
        if not 0 <= start <= end <= head.size:
            raise Invalid(f"entries {start} to {end} are not in a tree of {head.size} entries")
        tree = self._before(start, head) if start < end else Frontier()
        while (at := max(start, tree.size)) < end:
            page = self._page(at, min(end, at + _PAGE_ENTRIES))
            leaves = [leaf.leaf_hash for leaf, _ in page]
            tree = self._grown(tree, leaves, head)
            for index, (leaf, chain) in enumerate(page, at):
                yield LoggedEntry(index, leaf.timestamp_ms, leaf.entry, leaf.leaf_hash, leaf.certificate_der, chain)

    def _before(self, start: int, head: Head) -> Frontier:
        """The tree of the entries before `start`."""
        if start == 0:
            return Frontier()
        return proofs.frontier_before(start, head.size, self._proven(start, head)[1])

    def _grown(self, tree: Frontier, leaves: list[bytes], head: Head) -> Frontier:
        """`tree` with `leaves`, after that was shown to be a part of the tree of `head`."""
        before = tree.extend(leaves[:-1])
        grown = before.append(leaves[-1])
        if grown.size == head.size:
            agrees = grown.root() == head.root
        else:
            leaf, path = self._proven(before.size, head)
            agrees = leaf == leaves[-1] and proofs.frontier_before(before.size, head.size, path) == before
        if not agrees:
            what = f"the entries {tree.size} to {grown.size - 1} are not those of the signed tree"
            raise self._lie("wrong_entry", what, head, start=str(tree.size), end=str(grown.size))
        return grown

    def _proven(self, index: int, head: Head) -> tuple[bytes, tuple[bytes, ...]]:
        """The leaf at `index` and its audit path, which leads to the root of `head`."""
        answer = self._ask("get-entry-and-proof", body=PAGE, leaf_index=index, tree_size=head.size)
        leaf, path = leaf_hash(answer.octets("leaf_input")), answer.hashes("audit_path")
        if not proofs.check_inclusion(leaf, index, head.size, path, head.root):
            raise self._lie("wrong_tile", f"the proof for entry {index} does not lead to the signed root", head)
        return leaf, path

    def _page(self, start: int, end: int) -> list[_Read]:
        """The entries from `start`, at least one and not beyond `end`; as many as the log gives at once."""
        found = self._ask("get-entries", body=PAGE, start=start, end=end - 1).items("entries")
        if not found:
            raise Unavailable(f"{self._door.name} has no entries from {start}, which it must have")
        try:
            return [
                tile_leaf.read_logged(entry.octets("leaf_input"), entry.octets("extra_data"))
                for entry in found[: end - start]
            ]
        except Invalid as refusal:
            raise Unavailable(
                f"{self._door.name} has entries after {start} that cannot be read: {refusal.message}"
            ) from None

    def _ask(self, verb: str, *, body: Body = ANSWER, absent: Collection[int] = (), **query: Any) -> Answer:
        data = self._door.get(self._url, f"ct/v1/{verb}", body, absent=absent, **query)
        return Answer.read(data, f"{self._door.name} answered {verb} with")

    def _lie(self, kind: Kind, what: str, head: Head, **evidence: str) -> Misbehaved:
        return Misbehaved(kind, f"{self._door.name}: {what}", {"checkpoint": head.text, **evidence})
