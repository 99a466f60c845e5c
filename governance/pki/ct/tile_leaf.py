"""Entries as logs hand them out: in tiles (C2SP static-ct-api) and from get-entries (RFC 6962, section 4.6); pure."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from governance.kernel.errors import Invalid
from governance.pki.ct.entry import Entry, leaf_hash, timestamped
from governance.pki.ct.sct import Sct
from governance.pki.ct.wire import Reader, opaque

_X509, _PRECERT = 0, 1
_LEAF_HEAD = b"\x00\x00"  # MerkleTreeLeaf: version 1, timestamped entry
_FINGERPRINT_BYTES = 32


@dataclass(frozen=True, slots=True)
class TileLeaf:
    """One entry of a tile of entries.

    Only the entry, its time and its extensions are in the log's tree. The precertificate as it was submitted, empty
    for kind "x509", and the fingerprints (SHA-256) of the certificates above it are what the log says beside that.
    """

    entry: Entry
    timestamp_ms: int
    extensions: bytes
    precertificate: bytes = b""
    chain_fingerprints: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if (self.entry.kind == "precert") != bool(self.precertificate):
            raise Invalid("stands with an entry of kind precert, and with no other", field="precertificate")
        if any(len(fingerprint) != _FINGERPRINT_BYTES for fingerprint in self.chain_fingerprints):
            raise Invalid(f"have {_FINGERPRINT_BYTES} bytes each", field="chain_fingerprints")

    @property
    def leaf_input(self) -> bytes:
        """The MerkleTreeLeaf, which the tree hashes and the SCT signs."""
        return timestamped(self.entry, timestamp_ms=self.timestamp_ms, extensions=self.extensions)

    @property
    def leaf_hash(self) -> bytes:
        """The leaf in the log's tree."""
        return leaf_hash(self.leaf_input)

    @property
    def leaf_index(self) -> int | None:
        """Where the log said that it would put the entry; its extensions are those of the SCT."""
        return Sct(bytes(32), self.timestamp_ms, self.extensions, 0, 0, b"").leaf_index

    @property
    def certificate_der(self) -> bytes:
        """The certificate as it was submitted, or the precertificate."""
        return self.precertificate or self.entry.body

    def encode(self) -> bytes:
        """The TileLeaf of static-ct-api; a tile is these one after the other."""
        precertificate = opaque(self.precertificate, 3) if self.entry.kind == "precert" else b""
        return self.leaf_input.removeprefix(_LEAF_HEAD) + precertificate + opaque(b"".join(self.chain_fingerprints), 2)


def read_all(data: bytes, *, at_most: int = 256) -> tuple[TileLeaf, ...]:
    """The entries of a tile, the first `at_most` of them; raises Invalid when it cannot be read."""
    return tuple(_leaves(data, at_most))


def _leaves(data: bytes, at_most: int) -> Iterator[TileLeaf]:
    reader = Reader(data, what="the tile of entries")
    for _ in range(at_most):
        if not reader.left_bytes:
            return
        entry, timestamp_ms, extensions = _timestamped_entry(reader)
        precertificate = reader.opaque(3) if entry.kind == "precert" else b""
        prints = _parts(reader.opaque(2))
        yield TileLeaf(entry, timestamp_ms, extensions, precertificate, prints)


def read_logged(leaf_input: bytes, extra_data: bytes) -> tuple[TileLeaf, tuple[bytes, ...]]:
    """The same of an entry from get-entries, and the certificates above it in DER, which come with it."""
    reader = Reader(leaf_input, what="the leaf")
    if reader.take(2) != _LEAF_HEAD:
        raise Invalid("the leaf is no timestamped entry of version 1")
    entry, timestamp_ms, extensions = _timestamped_entry(reader)
    reader.end()
    extra = Reader(extra_data, what="the extra data of an entry")
    precertificate = extra.opaque(3) if entry.kind == "precert" else b""
    chain = Reader(extra.opaque(3), what="the chain of an entry")
    extra.end()
    above = []
    while chain.left_bytes:
        above.append(chain.opaque(3))
    prints = tuple(hashlib.sha256(certificate).digest() for certificate in above)
    return TileLeaf(entry, timestamp_ms, extensions, precertificate, prints), tuple(above)


def extra_data(leaf: TileLeaf, above: tuple[bytes, ...]) -> bytes:
    """The `extra_data` of get-entries that goes with `leaf`; the inverse of `read_logged`."""
    precertificate = opaque(leaf.precertificate, 3) if leaf.entry.kind == "precert" else b""
    return precertificate + opaque(b"".join(opaque(certificate, 3) for certificate in above), 3)


def _timestamped_entry(reader: Reader) -> tuple[Entry, int, bytes]:
    """TimestampedEntry of RFC 6962, section 3.4."""
    timestamp_ms, kind = reader.uint64(), reader.uint16()
    if kind == _X509:
        entry = Entry("x509", b"", reader.opaque(3))
    elif kind == _PRECERT:
        entry = Entry("precert", reader.take(32), reader.opaque(3))
    else:
        raise Invalid(f"an entry is of type {kind}; {_X509} and {_PRECERT} are known")
    return entry, timestamp_ms, reader.opaque(2)


def _parts(data: bytes) -> tuple[bytes, ...]:
    if len(data) % _FINGERPRINT_BYTES:
        raise Invalid(f"{len(data)} bytes are no list of fingerprints")
    return tuple(data[at : at + _FINGERPRINT_BYTES] for at in range(0, len(data), _FINGERPRINT_BYTES))
