"""Page sizes and opaque page tokens."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from gateway.proto import common_pb2 as common
from governance.kernel.canonical import MAX_INT
from governance.kernel.errors import Invalid

DEFAULT_SIZE, MAX_SIZE = 100, 1000


def size_of(page: common.PageRequest) -> int:
    """How many items were asked for."""
    if not 0 <= page.page_size <= MAX_SIZE:
        raise Invalid(f"is {page.page_size}; 1 to {MAX_SIZE}, or 0 for {DEFAULT_SIZE}", field="page.page_size")
    return page.page_size or DEFAULT_SIZE


def position_of(page: common.PageRequest, *kinds: type) -> Sequence[Any] | None:
    """The position that a token of ours holds, one value of each of `kinds`; None for the first page."""
    if not page.page_token:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(page.page_token + "=="))
    except (ValueError, binascii.Error):
        position = None
    if (
        not isinstance(position, list)
        or [type(part) for part in position] != list(kinds)
        or not all(map(_ours, position))
    ):
        raise Invalid("is not a token of the page before", field="page.page_token")
    return position


def _ours(part: str | int) -> bool:
    """Whether a database can be asked for it: made-up tokens may hold any number and any text."""
    return part.isprintable() if isinstance(part, str) else abs(part) <= MAX_INT


def token(*position: str | int) -> str:
    """An opaque token for `position`."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
