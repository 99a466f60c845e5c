"""What a request asks for beside its body: pages, preconditions, and switches in the query."""

import base64
import binascii
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from governance.kernel.canonical import MAX_INT
from governance.kernel.errors import Invalid

DEFAULT_SIZE, MAX_SIZE = 100, 1000
PAGE = ("page_size", "page_token")
TERMS = ("validate_only", "reason")
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,18})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a command is to be executed."""

    request_id: str = ""
    if_revision: int | None = None
    reason: str = ""
    validate_only: bool = False


def terms_of(request: Request, *, reason: str = "") -> Terms:
    """The terms in the headers If-Match and Idempotency-Key, in the query, and the `reason` of the body."""
    return Terms(
        request_id=request.headers.get("Idempotency-Key", ""),
        if_revision=_if_match(request.headers.get("If-Match", "")),
        reason=reason or text(request, "reason"),
        validate_only=flag(request, "validate_only"),
    )


def etag(revision: int) -> str:
    """A revision as an entity tag."""
    return f'"{revision}"'


def _if_match(header: str) -> int | None:
    """The revision that the caller read; None when the header is missing, or "*": whatever is there."""
    if header in ("", "*"):
        return None
    match = _ETAG.fullmatch(header)
    if match is None:
        raise Invalid('is not one revision in quotes, such as "1043"', field="If-Match")
    return int(match[1])


def check_query(request: Request, allowed: Collection[str]) -> None:
    """Refuse parameters that the address does not take, and those that are given twice."""
    for name in request.query_params:
        if name not in allowed:
            there = ", ".join(sorted(allowed)) or "none"
            raise Invalid(f"is not a parameter here; there are: {there}", field=name[:80])
        if len(request.query_params.getlist(name)) > 1:
            raise Invalid("is given twice", field=name)
        check_plain(request.query_params[name], name)


def check_plain(value: object, name: str) -> None:
    """Refuse text with the character NUL, which PostgreSQL cannot even compare."""
    if "\x00" in str(value):
        raise Invalid("holds the character NUL", field=name)


def text(request: Request, name: str) -> str:
    """A parameter as text; empty when it is missing."""
    found: str = request.query_params.get(name, "")
    return found


def flag(request: Request, name: str) -> bool:
    """A parameter that is true or false; false when it is missing."""
    given = text(request, name)
    if given not in ("", "true", "false"):
        raise Invalid(f"is {given[:80]!r}; true or false is allowed", field=name)
    return given == "true"


def whole(request: Request, name: str, *, low: int, high: int, default: int) -> int:
    """A parameter that is an integer from `low` to `high`."""
    given = text(request, name)
    if not given:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", given) or not low <= int(given) <= high:
        raise Invalid(f"is {given[:80]!r}; {low} to {high} is allowed", field=name)
    return int(given)


def page_size(request: Request) -> int:
    """How many items were asked for."""
    return whole(request, "page_size", low=1, high=MAX_SIZE, default=DEFAULT_SIZE)


def position(request: Request, *kinds: type) -> Sequence[Any] | None:
    """The position that a page token of ours holds, one value of each of `kinds`; None for the first page."""
    token = text(request, "page_token")
    if not token:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(token + "=="))
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, list) or [type(part) for part in found] != list(kinds) or not all(map(_ours, found)):
        raise Invalid("is not a token of the page before", field="page_token")
    return found


def _ours(part: str | int) -> bool:
    """Whether a database can be asked for it: made-up tokens may hold any number and any text."""
    return part.isprintable() if isinstance(part, str) else abs(part) <= MAX_INT


def token(*place: str | int) -> str:
    """An opaque page token for a position."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
