"""Who is calling over REST: a token, or a person with a session."""

import re

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request

from gateway.sessions import person_of
from governance.access.queries import actor_of_token
from governance.kernel.actor import Actor, Origin
from governance.kernel.errors import Forbidden, Unauthenticated

_SAFE = ("GET", "HEAD", "OPTIONS")
# W3C Trace Context, section 3.2; a version we do not know is no trace.
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def caller_of(request: Request) -> Actor:
    """The actor of `request`; a stranger when it carries neither a token nor a session.

    A token that is no good refuses the request even beside a session. A session that changes something needs its
    CSRF token. No other header says who is calling.
    """
    plain: HttpRequest = request._request  # noqa: SLF001  (DRF has no public way back to Django's request)
    origin = Origin(door="rest", address=plain.META.get("REMOTE_ADDR", ""), trace_id=trace_id_of(plain))
    header = plain.META.get("HTTP_AUTHORIZATION", "")
    if header:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("use the header Authorization: Bearer gov_...")
        return actor_of_token(secret.strip()).via(origin)
    actor = person_of(plain, door="rest").via(origin)
    if actor.kind == "person" and request.method not in _SAFE:
        _check_csrf(plain)
    return actor


def _check_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(lambda _: HttpResponse())
    check.process_request(request)
    if check.process_view(request, lambda *_: HttpResponse(), (), {}):
        raise Forbidden("send the page's CSRF token as X-CSRFToken, from an allowed origin")


def trace_id_of(request: HttpRequest) -> str:
    """The trace that the caller says the request belongs to, or empty."""
    match = _TRACEPARENT.fullmatch(request.META.get("HTTP_TRACEPARENT", ""))
    return match[1] if match else ""
