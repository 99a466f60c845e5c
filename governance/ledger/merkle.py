"""The Merkle tree of RFC 6962 (section 2.1), grown from its frontier; pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from governance.kernel.errors import Invalid

EMPTY_ROOT = hashlib.sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def salted_leaf(header: bytes, body: bytes, salt: bytes) -> bytes:
    """SHA-256(0x00 || header || SHA-256(salt || body)): the body can be erased and old proofs still hold."""
    return leaf_from_commitment(header, body_commitment(body, salt))


def body_commitment(body: bytes, salt: bytes) -> bytes:
    """SHA-256(salt || body), what remains of an erased body; `salt` is 16 random bytes."""
    return hashlib.sha256(salt + body).digest()


def leaf_from_commitment(header: bytes, commitment: bytes) -> bytes:
    """The leaf of an entry whose body is known only by its commitment."""
    return hashlib.sha256(b"\x00" + header + commitment).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves by the roots of its perfect subtrees, largest first: all that appending needs."""

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Frontier":
        """The tree with one more leaf."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The tree with all of `leaves` added, in their order."""
        nodes, size = list(self.nodes), self.size
        for leaf in leaves:
            index, node = size, leaf
            while index & 1:
                node = node_hash(nodes.pop(), node)
                index >>= 1
            nodes.append(node)
            size += 1
        return Frontier(size, tuple(nodes))

    def root(self) -> bytes:
        """The tree's root hash; SHA-256 of nothing for an empty tree."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root

    def encode(self) -> bytes:
        """The nodes one after the other, 32 bytes each."""
        return b"".join(self.nodes)

    @classmethod
    def decode(cls, size: int, data: bytes) -> "Frontier":
        """The inverse of `encode`; raises Invalid when the number of nodes does not fit `size`."""
        if len(data) != 32 * size.bit_count():
            raise Invalid(f"a frontier of {size} leaves has {32 * size.bit_count()} bytes, not {len(data)}")
        return cls(size, tuple(data[at : at + 32] for at in range(0, len(data), 32)))
