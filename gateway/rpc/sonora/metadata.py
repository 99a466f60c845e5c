"""HTTP headers as gRPC metadata and back (PROTOCOL-HTTP2, "Custom-Metadata", "Status-Message", "Timeout")."""

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import quote

from gateway.interceptors.call import Pairs, Status
from gateway.rpc.sonora.asgi_types import Headers
from gateway.rpc.sonora.frames import invalid

_TIMEOUT = re.compile(rb"(\d{1,8})([HMSmun])")
_UNITS_S = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_NAME = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_UNQUOTED = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"  # all of %x20-%x7E but '%' (PROTOCOL-HTTP2, "Percent-Encoded")
# Headers of HTTP and of browsers, which are not metadata. `cookie` is: a session is proven by it.
_TRANSPORT = re.compile(
    rb"accept(-.*)?|access-control-.*|cache-control|connection|content-.*|expect|grpc-(accept-)?encoding|grpc-timeout|"
    rb"host|if-.*|keep-alive|origin|pragma|proxy-.*|referer|sec-.*|te|trailer|transfer-encoding|upgrade.*|x-grpc-web"
)
_FREE_TEXT = (b"cookie", b"user-agent")  # written by others than the caller, so not always ASCII


def timeout_s(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """The caller's timeout in seconds, None without one; raises Refusal when it is not well formed."""
    for name, value in headers:
        if name == b"grpc-timeout":
            if (match := _TIMEOUT.fullmatch(value)) is None:
                raise invalid("grpc-timeout must be 1 to 8 digits and one of H M S m u n")
            return int(match[1]) * _UNITS_S[match[2]]
    return None


def received(headers: Iterable[tuple[bytes, bytes]], *, with_cookies: bool) -> Pairs:
    """The caller's metadata; raises Refusal when a value cannot be read."""
    pairs: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if _TRANSPORT.fullmatch(name) or (name == b"cookie" and not with_cookies):
            continue
        if name.endswith(b"-bin"):
            pairs.extend((name.decode("ascii"), _unbase64(name, part)) for part in value.split(b","))
        elif name in _FREE_TEXT:
            pairs.append((name.decode(), value.decode("latin-1")))
        else:
            try:
                pairs.append((name.decode("ascii"), value.decode("ascii")))
            except UnicodeDecodeError:
                raise invalid(f"the header {name.decode('latin-1')!r} is not ASCII") from None
    return tuple(pairs)


def _unbase64(name: bytes, value: bytes) -> bytes:
    text = value.strip().rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise invalid(f"the header {name.decode('ascii')} is not base64") from None


def checked(metadata: Iterable[tuple[str, str | bytes]]) -> Pairs:
    """`metadata` to be sent, or ValueError: a line break in a value would forge further trailers."""
    pairs = tuple((name.lower(), value) for name, value in metadata)
    for name, value in pairs:
        if not _NAME.fullmatch(name) or (name.startswith("grpc-") and name != "grpc-status-details-bin"):
            raise ValueError(f"{name!r} is not a name for metadata")
        if isinstance(value, bytes) != name.endswith("-bin"):
            raise ValueError(f"{name}: bytes need, and only bytes have, a name that ends in -bin")
        if isinstance(value, str) and not _VALUE.fullmatch(value):
            raise ValueError(f"{name}: a value may contain printable ASCII only")
    return pairs


def as_headers(metadata: Pairs) -> Headers:
    """Checked `metadata` as HTTP headers."""
    return [(name.encode(), _encoded(value)) for name, value in metadata]


def _encoded(value: str | bytes) -> bytes:
    return base64.b64encode(value) if isinstance(value, bytes) else value.encode()


def trailers(status: Status, metadata: Pairs) -> bytes:
    """The payload of the trailers frame."""
    lines = [b"grpc-status: %d\r\n" % status.code.value[0]]
    if status.details:
        lines.append(f"grpc-message: {quote(status.details, safe=_UNQUOTED)}\r\n".encode())
    lines += [b"%s: %s\r\n" % pair for pair in as_headers(metadata)]
    return b"".join(lines)
