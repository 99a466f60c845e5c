"""The form of an API token's secret; pure.

`gov_`, 43 base62 digits that hold 256 random bits, and 6 that hold the CRC-32 of what stands before them,
so that scanners recognise a leaked one and a mistyped one never reaches the database.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "gov_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_DIGITS = 43  # 62**43 > 2**256
_CHECK_DIGITS = 6  # 62**6 > 2**32
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_DIGITS + _CHECK_DIGITS}}}")


def make() -> str:
    """A new secret."""
    random = PREFIX + _base62(secrets.randbits(256), _RANDOM_DIGITS)
    return random + _check_digits(random)


def well_formed(secret: str) -> bool:
    """Whether `secret` looks like a token and its check digits agree."""
    if not _FORM.fullmatch(secret):
        return False
    return secret[-_CHECK_DIGITS:] == _check_digits(secret[:-_CHECK_DIGITS])


def digest(secret: str) -> str:
    """What is kept of `secret`: its SHA-256 as 64 hex digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_digits(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK_DIGITS)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits))
