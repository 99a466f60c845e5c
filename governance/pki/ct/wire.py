"""Numbers and vectors in the presentation language of TLS (RFC 8446, section 3), read and written; pure."""

from governance.kernel.errors import Invalid


class Reader:
    """Takes `data` apart from the front; whoever reads says with `end` that nothing may follow.

    `what` names the thing that is read, and begins every refusal.
    """

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, *, what: str = "the structure") -> None:
        self._data, self._at, self._what = data, 0, what

    @property
    def left_bytes(self) -> int:
        """How much is still to be read."""
        return len(self._data) - self._at

    @property
    def at(self) -> int:
        """How many bytes were read."""
        return self._at

    def take(self, length_bytes: int) -> bytes:
        """The next bytes; raises Invalid when there are fewer."""
        end = self._at + length_bytes
        if end > len(self._data):
            raise Invalid(f"{self._what} is cut short: {length_bytes} bytes are due and {self.left_bytes} are left")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def uint(self, size_bytes: int) -> int:
        """The next number, of so many bytes, the highest first."""
        return int.from_bytes(self.take(size_bytes))

    def uint8(self) -> int:
        """The next number of one byte."""
        return self.uint(1)

    def uint16(self) -> int:
        """The next number of two bytes."""
        return self.uint(2)

    def uint24(self) -> int:
        """The next number of three bytes."""
        return self.uint(3)

    def uint40(self) -> int:
        """The next number of five bytes."""
        return self.uint(5)

    def uint64(self) -> int:
        """The next number of eight bytes."""
        return self.uint(8)

    def opaque(self, size_bytes: int) -> bytes:
        """The next vector, before which its length stands as a number of `size_bytes` bytes."""
        return self.take(int.from_bytes(self.take(size_bytes)))

    def end(self) -> None:
        """Refuse whatever is left over."""
        if self._at != len(self._data):
            raise Invalid(f"{self._what} is followed by {self.left_bytes} bytes that do not belong to it")


def uint(value: int, size_bytes: int) -> bytes:
    """`value` in so many bytes; raises Invalid when it does not fit."""
    if not 0 <= value < 1 << 8 * size_bytes:
        raise Invalid(f"{value} does not fit into {size_bytes} bytes")
    return value.to_bytes(size_bytes)


def uint8(value: int) -> bytes:
    """`value` in one byte."""
    return uint(value, 1)


def uint16(value: int) -> bytes:
    """`value` in two bytes."""
    return uint(value, 2)


def uint24(value: int) -> bytes:
    """`value` in three bytes."""
    return uint(value, 3)


def uint40(value: int) -> bytes:
    """`value` in five bytes."""
    return uint(value, 5)


def uint64(value: int) -> bytes:
    """`value` in eight bytes."""
    return uint(value, 8)


def opaque(data: bytes, size_bytes: int) -> bytes:
    """`data` behind its length, which is written in `size_bytes` bytes; raises Invalid when it is too long for that."""
    if len(data) >= 1 << 8 * size_bytes:
        raise Invalid(f"{len(data)} bytes are too long for a length of {size_bytes} bytes")
    return len(data).to_bytes(size_bytes) + data
