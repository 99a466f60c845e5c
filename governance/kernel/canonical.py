"""One byte form for one value: what is hashed, signed and compared."""

import json
from collections.abc import Mapping
from typing import Any

from governance.kernel.errors import Invalid

MAX_DEPTH = 32
MAX_INT = 2**53 - 1  # beyond it JSON readers disagree (RFC 8259, section 6)


def encode(value: Mapping[str, Any]) -> bytes:
    """`value` as UTF-8 JSON with sorted keys and no spaces.

    Floats are refused because their text differs between languages, as are integers beyond 2^53 - 1,
    text that is not Unicode (lone surrogates), keys that are not text, and nesting deeper than 32.
    """
    _check(value, 0)
    return _encoder.encode(value).encode()


def decode(text: str) -> dict[str, Any]:
    """The object whose canonical form is `text`; raises Invalid when it is not the form that `encode` gives."""
    try:
        value = _decoder.decode(text)
        if isinstance(value, dict) and _encoder.encode(value) == text:
            return value
    except (ValueError, RecursionError):
        pass
    raise Invalid("is not canonical JSON")


def _refuse(text: str) -> None:
    raise ValueError(text)


_encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Invalid(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        _check_text(value)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) > MAX_INT:
            raise Invalid(f"integer {value} is beyond 2^53 - 1")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Invalid(f"key {key!r} is not text")
            _check_text(key)
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1)
    else:
        raise Invalid(f"{type(value).__name__} has no canonical form")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid("text is not valid Unicode (lone surrogate)") from None
