"""DER by its bytes, so that what was signed can be cut out instead of being written anew; pure."""

from collections.abc import Iterator
from typing import NamedTuple

from governance.kernel.errors import Invalid

BOOLEAN, OCTET_STRING, OID, SEQUENCE = 0x01, 0x04, 0x06, 0x30
_LONGEST_LENGTH = 4  # bytes; nothing that is read here comes near four gigabytes


class Element(NamedTuple):
    """Where an element stands: its head from `start`, what it holds from `inner` up to but not including `end`."""

    tag: int
    start: int
    inner: int
    end: int


def span(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where what the element at `at` holds begins and ends, which is at `end` or before; Invalid when there is none."""
    if at + 2 > end:
        raise Invalid("is no DER: an element is cut short")
    length, inner = data[at + 1], at + 2
    if length & 0x80:
        inner += length & 0x7F
        if not at + 2 < inner <= min(end, at + 2 + _LONGEST_LENGTH):
            raise Invalid("is no DER: an element has no length that can be read")
        length = int.from_bytes(data[at + 2 : inner])
    if inner + length > end:
        raise Invalid("is no DER: an element is longer than what holds it")
    return inner, inner + length


def element(data: bytes, at: int, end: int) -> Element:
    """The element that starts at `at` and must end at `end` or before; raises Invalid when there is none."""
    inner, after = span(data, at, end)
    return Element(data[at], at, inner, after)


def whole(data: bytes, tag: int) -> Element:
    """The one element of which `data` consists; raises Invalid when it is another, or something follows it."""
    found = element(data, 0, len(data))
    if found.tag != tag or found.end != len(data):
        raise Invalid(f"is no DER: it is not one element of tag {tag:#04x}")
    return found


def children(data: bytes, parent: Element) -> Iterator[Element]:
    """The elements of which `parent` consists."""
    at = parent.inner
    while at < parent.end:
        child = element(data, at, parent.end)
        yield child
        at = child.end


def wrap(tag: int, content: bytes) -> bytes:
    """An element around `content`, its length in the shortest form."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size_bytes = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size_bytes)) + length.to_bytes(size_bytes) + content
