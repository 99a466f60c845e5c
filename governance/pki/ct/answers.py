"""What logs answer, in JSON, taken apart with care; pure."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from governance.kernel.errors import Unavailable


class Answer:
    """An object of JSON that a log sent; what it lacks is Unavailable, in a sentence that starts with `what`."""

    def __init__(self, fields: Mapping[str, Any], what: str) -> None:
        self._fields, self._what = fields, what

    @classmethod
    def read(cls, data: bytes, what: str) -> "Answer":
        """Parse `data`."""
        try:
            fields = json.loads(data)
        except (ValueError, RecursionError):
            raise Unavailable(f"{what} no JSON") from None
        return cls._of(fields, what)

    @classmethod
    def _of(cls, fields: object, what: str) -> "Answer":
        if not isinstance(fields, dict):
            raise Unavailable(f"{what} no object")
        return cls(fields, what)

    def number(self, name: str) -> int:
        """A whole number of 64 bits, not negative."""
        value = self._fields.get(name)
        if type(value) is not int or not 0 <= value < 1 << 64:
            raise Unavailable(f"{self._what} no usable number as {name}")
        return value

    def octets(self, name: str, *, length: int | None = None) -> bytes:
        """Bytes in base64."""
        return self._decoded(self._fields.get(name), name, length)

    def hashes(self, name: str) -> tuple[bytes, ...]:
        """A path; `null` stands for an empty one, as some servers write it."""
        return tuple(self._decoded(value, name, 32) for value in self._list(name))

    def items(self, name: str) -> list["Answer"]:
        """A list of objects."""
        return [self._of(value, f"{self._what} in {name}") for value in self._list(name)]

    def _list(self, name: str) -> list[Any]:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, list):
            raise Unavailable(f"{self._what} no list as {name}")
        return value or []

    def _decoded(self, value: object, name: str, length: int | None) -> bytes:
        try:
            data = base64.b64decode(value, validate=True) if isinstance(value, str) else None
        except (binascii.Error, ValueError):
            data = None
        if data is None or (length is not None and len(data) != length):
            raise Unavailable(f"{self._what} no usable bytes as {name}")
        return data
