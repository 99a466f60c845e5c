"""What an HTTP request must look like before any of it is read (PROTOCOL-WEB; OWASP ASVS 5.0, 3.5.1 and 3.5.2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.rpc.sonora.asgi_types import Headers, Scope

BINARY = b"application/grpc-web+proto"
TEXT = b"application/grpc-web-text+proto"
_TEXT = {b"application/grpc-web", BINARY}, {b"application/grpc-web-text", TEXT}
_ONCE = (b"host", b"origin", b"content-type", b"x-grpc-web", b"content-encoding", b"sec-fetch-site", b"cookie")

ALLOWED_HEADERS = (
    "authorization, content-type, grpc-timeout, traceparent, x-grpc-web, x-parent-span-id, x-request-id, x-span-id, "
    "x-trace-id, x-user-agent"
)
PREFLIGHT_MAX_AGE_S = 600


class NotAdmitted(Exception):
    """The request is refused at the level of HTTP, unread."""

    def __init__(self, http_status: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.message = message


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be read. `foreign_origin` is the allowed origin that is not the server's own, or empty."""

    text: bool
    foreign_origin: str


class Origins:
    """Which origins may call: the server's own under one of `hosts` (as in Django's ALLOWED_HOSTS), and `others`.

    The host counts as well as the origin: a name that an attacker points at this address is the "same origin"
    for the attacker's page (DNS rebinding), but it is not one of `hosts`.
    """

    def __init__(self, *, hosts: Iterable[str], others: Iterable[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._others = frozenset(origin.lower().rstrip("/") for origin in others)

    def serves(self, host: str) -> bool:
        """Whether the Host header `host` names this server."""
        name = _without_port(host.lower())
        return name in self._hosts or any(each.startswith(".") and name.endswith(each) for each in self._hosts)

    def check(self, origin: str, *, scheme: str, host: str) -> str:
        """Empty for the server's own origin, `origin` for another allowed one; raises NotAdmitted for the rest."""
        if origin.lower() == f"{scheme}://{host}".lower():
            return ""
        if origin.lower() in self._others:
            return origin
        raise NotAdmitted(403, f"calls from the origin {origin[:200]!r} are not allowed")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def admit(scope: Scope, origins: Origins) -> Admitted:
    """Check everything that can be checked without reading the body, or raise NotAdmitted."""
    if scope["method"] != "POST":
        raise NotAdmitted(405, "gRPC-Web uses POST")
    found = _headers(scope["headers"])
    foreign = _check_origin(found, scope, origins)
    content_type = found.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if not any(content_type in forms for forms in _TEXT):
        raise NotAdmitted(415, "the content type must be application/grpc-web+proto or application/grpc-web-text+proto")
    if found.get(b"x-grpc-web") != b"1":
        raise NotAdmitted(403, "the header x-grpc-web: 1 is missing")
    if found.get(b"content-encoding", b"identity").lower() != b"identity":
        raise NotAdmitted(415, "the body must not be compressed")
    return Admitted(content_type in _TEXT[1], foreign)


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ONCE:
            if name in found and name != b"cookie":
                raise NotAdmitted(400, f"the header {name.decode()} is sent twice")
            found[name] = value
    return found


def _check_origin(found: dict[bytes, bytes], scope: Scope, origins: Origins) -> str:
    host = found.get(b"host", b"").decode("latin-1")
    if not host or not origins.serves(host):
        raise NotAdmitted(400, "the Host header does not name this server")
    site = found.get(b"sec-fetch-site")
    if (origin := found.get(b"origin")) is not None:
        foreign = origins.check(origin.decode("latin-1"), scheme=scope.get("scheme", "http"), host=host)
    elif b"cookie" in found:
        raise NotAdmitted(403, "a call with cookies must name its Origin")
    else:
        foreign = ""  # not a browser: those name the origin of every POST
    if site is not None and site != b"same-origin" and not foreign:
        raise NotAdmitted(403, f"calls from {site[:20].decode('latin-1')!r} pages are not allowed")
    return foreign


def check_preflight(scope: Scope, origins: Origins) -> Headers:
    """The headers that allow the cross-origin call which a preflight asks for, or NotAdmitted."""
    found = _headers(scope["headers"])
    origin = found.get(b"origin")
    host = found.get(b"host", b"").decode("latin-1")
    if origin is None or not origins.serves(host):
        raise NotAdmitted(403, "this is no preflight for this server")
    origins.check(origin.decode("latin-1"), scheme=scope.get("scheme", "http"), host=host)
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
        (b"access-control-max-age", str(PREFLIGHT_MAX_AGE_S).encode()),
        (b"vary", b"origin"),
    ]
