"""Who may open a socket: the right origin, a living session, the permission."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from gateway.live.aside import aside
from gateway.sessions import actor_of_session
from governance.kernel.actor import Actor, Origin
from governance.kernel.errors import Forbidden, Unauthenticated


def check_origin(scope: Mapping[str, Any]) -> None:
    """Refuse a handshake that no page of ours began.

    A browser lets any page open a socket here and sends the cookie along, so the Origin header must be exactly
    the address under which this page was served, or one of GOV_ALLOWED_ORIGINS.
    """
    headers = headers_of(scope)
    origin, host = headers.get("origin", ""), headers.get("host", "")
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    domain, _ = split_domain_port(host)
    own = f"{scheme}://{host}" if domain and validate_host(domain, settings.ALLOWED_HOSTS) else None
    if origin != own and origin not in settings.GOV.origins:
        raise Forbidden(f"the origin {origin[:200]!r} may not open a live connection")


async def admit(scope: Mapping[str, Any], permission: str, *, seen: bool) -> Actor:
    """The signed-in actor, who holds `permission` somewhere; Unauthenticated or Forbidden otherwise.

    `seen` says that a person did something, which keeps the session from ending for idleness.
    """
    try:
        cookies = SimpleCookie(headers_of(scope).get("cookie", ""))
    except CookieError:
        raise Unauthenticated("the cookies cannot be read") from None
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    if morsel is None:
        raise Unauthenticated("sign in first")
    actor = await aside(actor_of_session, morsel.value, seen=seen)
    if not actor.namespaces(permission):
        raise Forbidden(f"{actor.name} lacks the permission {permission}")
    return actor.via(origin_of(scope))


def origin_of(scope: Mapping[str, Any]) -> Origin:
    """The websocket door, seen from the client's address."""
    client = scope.get("client")
    return Origin(door="websocket", address=client[0] if client else "")


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The handshake's headers by lower-case name; of a name given twice the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
