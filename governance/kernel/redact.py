"""Takes secrets out of what is about to be recorded: by key name first, then by form in free text."""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from governance.kernel.canonical import MAX_INT

MAX_TEXT = 64 * 1024  # characters scanned; the rest of a longer text is dropped, so that time stays bounded
MAX_DEPTH = 12
MAX_ITEMS = 1000

_SECRET_KEYS = frozenset(
    (
        *("password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "authentication", "cookie"),
        *(
            "credential",
            "credentials",
            "apikey",
            "session",
            "otp",
            "signature",
            "cvv",
            "cvc",
            "csc",
            "pan",
            "pin",
            "iban",
        ),
    )
)
_SECRET_PAIRS = ("api_key", "private_key", "access_key", "secret_key", "card_number", "account_number", "recovery_code")
_NOT_SECRET = frozenset({"page_token", "next_page_token"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# Each quantifier is bounded or runs over a class its follower is not in, so that each is linear.
# A credential has a capital, a digit or a '=' somewhere near its start; "basic authentication" has not.
_BEARER = re.compile(r"\b((?i:bearer|basic))[ \t]{1,4}(?=[a-z._~+/-]{0,64}[A-Z0-9=])[A-Za-z0-9._~+/=-]{8,4096}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{4,8192}(?:\.[A-Za-z0-9_-]{1,4096})?")
_GOV_TOKEN = re.compile(r"\bgov(?:join)?_[A-Za-z0-9_-]{8,256}")
# With backslashes, because a refusal may quote what it was given: line feeds then stand as \n.
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,16384}(?:-----END [A-Z ]{0,40}-----)?")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]{0,256}):[^\s/@]{1,256}(?=@)")
_ASSIGNED = re.compile(
    r"\b(password|passwd|pwd|secret|token|api_?key)"
    r"([\"']?[ ]{0,4}=[ ]{0,4}[\"']?|[\"'][ ]{0,4}:[ ]{0,4}[\"'])[^\s,;&\"']{1,1024}",
    re.IGNORECASE,
)
# 13 to 19 digits in a row, or in groups parted by one blank, dot or hyphen (ISO/IEC 7812).
_PAN = re.compile(r"(?<![0-9A-Za-z])[2-6][0-9](?:[ .\-\u00a0]?[0-9]){11,17}(?![0-9A-Za-z])")


def redact(value: Any) -> Any:
    """`value` without secrets and in a form that canonical.encode takes.

    A secret becomes "[REDACTED:<class>]". Text is cut at 64 KiB, lists and maps at 1,000 items, nesting at 12.
    Floats and large integers become text, other types their name.
    """
    return _walk(value, 0)


def _walk(value: Any, depth: int) -> Any:
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return _scalar(value)
    if depth >= MAX_DEPTH:
        return "[NESTED]"
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    items = [_walk(item, depth + 1) for item in islice(value, MAX_ITEMS)]
    return [*items, f"[TRUNCATED:{len(value) - MAX_ITEMS}]"] if len(value) > MAX_ITEMS else items


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return repr(value)
    return f"[BYTES:{len(value)}]" if isinstance(value, bytes) else f"[{type(value).__name__}]"


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, item in islice(value.items(), MAX_ITEMS):
        name = str(key)
        secret = item is not None and item != "" and is_secret_name(name)
        shown[redact_text(name)] = f"[REDACTED:{name.lower()[:40]}]" if secret else _walk(item, depth + 1)
    if len(value) > MAX_ITEMS:
        shown["[TRUNCATED]"] = len(value) - MAX_ITEMS
    return shown


def _integer(value: int) -> int | str:
    if abs(value) > MAX_INT and value.bit_length() > 64:
        return "[INTEGER]"
    text = str(value)
    if 13 <= len(text) <= 19 and redact_text(text) != text:
        return redact_text(text)
    return value if abs(value) <= MAX_INT else text


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is a secret by its name: accessToken, x-api-key, CVV2, Set-Cookie."""
    lowered = name.lower().replace("-", "_")
    if lowered in _NOT_SECRET:
        return False
    words = [word.lower() for word in _WORDS.findall(name[:200])]
    joined = "_".join(words)
    return not _SECRET_KEYS.isdisjoint(words) or any(pair in joined for pair in _SECRET_PAIRS)


def redact_text(text: str) -> str:
    """`text` with tokens, passwords in URLs, private keys and card numbers replaced, and valid as UTF-8."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}[TRUNCATED:{len(text) - MAX_TEXT}]"
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered:
        text = _BEARER.sub(r"\1 [REDACTED:token]", text)
    if "eyJ" in text:
        text = _JWT.sub("[REDACTED:jwt]", text)
    if "gov_" in text or "govjoin_" in text:
        text = _GOV_TOKEN.sub("[REDACTED:token]", text)
    if "-----BEGIN" in text:
        text = _PEM.sub("[REDACTED:private_key]", text)
    if "://" in text:
        text = _URL_PASSWORD.sub(r"\1:[REDACTED:password]", text)
    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(r"\1\2[REDACTED:secret]", text)
    return _PAN.sub(_card, text) if len(text) >= 13 else text


def _card(match: "re.Match[str]") -> str:
    digits = [int(char) for char in match[0] if char.isdigit()]
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[-2::-2])
    luhn = sum(digits[-1::-2]) + sum(doubled)
    return match[0] if luhn % 10 else "[REDACTED:pan]"
