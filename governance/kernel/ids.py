"""Identifiers, and what names may look like."""

import re
import secrets
import time
import unicodedata
import uuid
from datetime import datetime

from governance.kernel.errors import Invalid

# RFC 1035 label: what DNS, xDS resource names and file names all accept.
_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}")


def uuid7(at: datetime | None = None) -> str:
    """A time-ordered UUID (RFC 9562, section 5.7) as text: inserts at the end of an index, unlike version 4.

    It tells the time `at` when that is given.
    """
    ms = int(at.timestamp() * 1000) if at else time.time_ns() // 1_000_000
    value = ms << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def check_label(value: str, *, field: str) -> None:
    """Refuse `value` unless it is a DNS label: 1 to 63 of a-z, 0-9 and '-', starting with a letter."""
    if not _LABEL.fullmatch(value):
        raise Invalid(
            f"{value!r} is not a name: use 1 to 63 of a-z, 0-9 and '-', first a letter, last not '-'", field=field
        )


def check_request_id(value: str) -> None:
    """Refuse a request id that is not 1 to 128 printable ASCII characters without spaces."""
    if not _PRINTABLE.fullmatch(value):
        raise Invalid("must be 1 to 128 printable ASCII characters without spaces", field="request_id")


def check_text(value: str, *, field: str, limit: int) -> None:
    """Refuse text with more than `limit` characters, or with control characters other than tab and line feed.

    Those have no place in a name or a description, and PostgreSQL cannot store NUL.
    """
    if len(value) > limit:
        raise Invalid(f"has {len(value)} characters; at most {limit} are allowed", field=field)
    if bad := next((char for char in value if unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n"), ""):
        raise Invalid(f"holds the control character U+{ord(bad):04X}", field=field)
