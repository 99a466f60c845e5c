"""What TLS writes is read to the last byte, and nothing else."""

import pytest

from governance.kernel.errors import Invalid
from governance.pki.ct import der, tbs, wire


def test_numbers_and_vectors_are_read_as_they_were_written() -> None:
    data = wire.uint8(1) + wire.uint16(2) + wire.uint24(3) + wire.uint40(2**40 - 1) + wire.uint64(5)
    reader = wire.Reader(data + wire.opaque(b"abc", 2) + wire.opaque(b"", 3))
    assert [reader.uint8(), reader.uint16(), reader.uint24(), reader.uint40(), reader.uint64()] == [
        1,
        2,
        3,
        2**40 - 1,
        5,
    ]
    assert (reader.opaque(2), reader.opaque(3), reader.left_bytes, reader.at) == (b"abc", b"", 0, 27)
    reader.end()


def test_short_input_and_rests_are_refused() -> None:
    with pytest.raises(Invalid, match="the tile is cut short: 3 bytes are due and 2 are left"):
        wire.Reader(b"\0\3ab", what="the tile").opaque(2)
    with pytest.raises(Invalid, match="followed by 1 bytes that do not belong to it"):
        wire.Reader(b"a").end()


@pytest.mark.parametrize(("value", "size_bytes"), [(256, 1), (-1, 1), (2**40, 5)])
def test_what_does_not_fit_is_refused(value: int, size_bytes: int) -> None:
    with pytest.raises(Invalid, match="does not fit"):
        wire.uint(value, size_bytes)


def test_a_vector_has_room_for_its_length() -> None:
    assert len(wire.opaque(bytes(255), 1)) == 256
    with pytest.raises(Invalid, match="too long"):
        wire.opaque(bytes(256), 1)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_an_element_has_the_shortest_length(length: int) -> None:
    wrapped = der.wrap(der.OCTET_STRING, bytes(length))
    assert der.whole(wrapped, der.OCTET_STRING).end == len(wrapped)
    assert len(wrapped) == length + 2 + (length > 127) + (length > 255) + (length > 65535)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x30", b"\x30\x01", b"\x30\x80", b"\x30\x85\0\0\0\0\1a", b"\x30\x82\x01", b"\x04\x00", b"\x30\x00\x00"],
)
def test_no_element_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="is no DER"):
        der.whole(data, der.SEQUENCE)


@pytest.mark.parametrize("data", [b"\x30\x00", b"\x30\x03\x02\x01\x01", b"\x04\x00", b"\x30\x0a" + 5 * b"\x30\0"])
def test_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="is no"):
        tbs.read(data)
