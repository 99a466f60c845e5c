"""Entries as logs hand them out, taken apart and put together again."""

import hashlib
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.pki.ct.entry import Entry, entry_of_precertificate
from governance.pki.ct.sct import leaf_index_extension
from governance.pki.ct.tile_leaf import TileLeaf, extra_data, read_all, read_logged
from tests.pki.ct.promising import Wanted
from tests.pki.ct.reading import issuing

_ENTRIES = st.one_of(
    st.builds(Entry, st.just("x509"), st.just(b""), st.binary(min_size=1, max_size=300)),
    st.builds(Entry, st.just("precert"), st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=300)),
)
_PRINTS = st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple)


@st.composite
def _leaves(draw: st.DrawFn) -> TileLeaf:
    entry = draw(_ENTRIES)
    precertificate = draw(st.binary(min_size=1, max_size=300)) if entry.kind == "precert" else b""
    at, extensions = draw(st.integers(0, 2**64 - 1)), draw(st.binary(max_size=20))
    return TileLeaf(entry, at, extensions, precertificate, draw(_PRINTS))


@given(st.lists(_leaves(), max_size=5))
def test_a_tile_is_read_back_as_it_was_written(leaves: list[TileLeaf]) -> None:
    assert list(read_all(b"".join(leaf.encode() for leaf in leaves))) == leaves


@given(leaf=_leaves(), above=st.lists(st.binary(min_size=1, max_size=50), max_size=3))
def test_an_answer_to_get_entries_is_read_back_as_it_was_written(leaf: TileLeaf, above: list[bytes]) -> None:
    chain = tuple(above)
    read, found = read_logged(leaf.leaf_input, extra_data(leaf, chain))
    assert (read.entry, read.timestamp_ms, read.extensions, found) == (
        leaf.entry,
        leaf.timestamp_ms,
        leaf.extensions,
        chain,
    )
    assert read.chain_fingerprints == tuple(hashlib.sha256(each).digest() for each in chain)
    assert read.leaf_hash == leaf.leaf_hash


@given(leaf=_leaves(), data=st.data())
def test_a_tile_that_is_cut_anywhere_is_refused(leaf: TileLeaf, data: st.DataObject) -> None:
    encoded = leaf.encode()
    with pytest.raises(Invalid):
        read_all(encoded[: data.draw(st.integers(1, len(encoded) - 1))])


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_nothing_worse(data: bytes) -> None:
    for read in (read_all, lambda rubbish: read_logged(rubbish, b""), lambda rubbish: read_logged(b"", rubbish)):
        with suppress(Invalid):
            read(data)


def test_the_bytes_of_a_precertificate_are_those_that_the_specification_lists() -> None:
    """Static-ct-api, "Log entries", put together with nothing of ours but the entry."""
    precert: x509.Certificate = Wanted().precertificate(issuing())
    entry = entry_of_precertificate(precert, [issuing().certificate])
    der, above = precert.public_bytes(Encoding.DER), issuing().certificate.public_bytes(Encoding.DER)
    prints = (hashlib.sha256(above).digest(),)
    leaf = TileLeaf(entry, 1234, leaf_index_extension(5), der, prints)
    timestamped_entry = (
        (1234).to_bytes(8) + b"\x00\x01" + entry.issuer_key_hash + len(entry.body).to_bytes(3) + entry.body
    ) + b"\x00\x08\x00\x00\x05\x00\x00\x00\x00\x05"
    assert leaf.encode() == timestamped_entry + len(der).to_bytes(3) + der + b"\x00\x20" + prints[0]
    assert leaf.leaf_hash == hashlib.sha256(b"\x00\x00\x00" + timestamped_entry).digest()
    assert leaf.leaf_index == 5
    assert leaf.certificate_der == der


def test_more_entries_than_wanted_are_not_looked_at() -> None:
    leaf = TileLeaf(Entry("x509", b"", b"one"), 1, b"")
    assert read_all(leaf.encode() * 3 + b"rubbish", at_most=2) == (leaf, leaf)


def test_a_precertificate_stands_with_an_entry_of_its_kind_only() -> None:
    with pytest.raises(Invalid):
        TileLeaf(Entry("x509", b"", b"one"), 1, b"", b"precertificate")
    with pytest.raises(Invalid):
        TileLeaf(Entry("precert", bytes(32), b"one"), 1, b"")
    with pytest.raises(Invalid):
        TileLeaf(Entry("x509", b"", b"one"), 1, b"", b"", (b"short",))


def test_entries_of_unknown_kinds_are_refused() -> None:
    encoded = bytearray(TileLeaf(Entry("x509", b"", b"one"), 1, b"").encode())
    encoded[9] = 7
    with pytest.raises(Invalid, match="type 7"):
        read_all(bytes(encoded))
    with pytest.raises(Invalid, match="no timestamped entry"):
        read_logged(b"\x01\x00" + bytes(20), b"")
    with pytest.raises(Invalid, match="fingerprints"):
        read_all((1).to_bytes(8) + b"\x00\x00" + b"\x00\x00\x01A" + b"\x00\x00" + b"\x00\x05hello")
