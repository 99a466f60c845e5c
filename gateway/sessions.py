"""Browser sessions: how long they last, and who stands behind one."""

import time
from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user, logout
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from governance.access.queries import NOT_SIGNED_IN, actor_of_user, must_change_password
from governance.kernel.actor import STRANGER, Actor, Origin
from governance.kernel.errors import Unauthenticated

IDLE_S = 3600
ABSOLUTE_S = 8 * 3600
# The time of the last request is stored at most this often: each store is a write to the ledger's database.
TOUCH_S = 60
SIGNED_IN_AT, SEEN_AT = "signed_in_at", "seen_at"
# What someone who must change a one-time password first can reach: the page for it, and the way out.
_WHILE_CHANGING = ("account_change_password", "account_logout", "set_language", "catalogue")
# Sent by a page that reads itself again: nobody did anything, so the session goes on growing idle.
PART = "X-Part"

Respond = Callable[[HttpRequest], HttpResponse]


def begin(session: SessionBase) -> None:
    """Note when someone signed in."""
    session[SIGNED_IN_AT] = session[SEEN_AT] = int(time.time())


def actor_of_session(session_key: str, *, seen: bool = True) -> Actor:
    """The person behind a session cookie's value; with `seen` False the look does not keep the session from ending.

    Raises Unauthenticated when the session is unknown, ended, idle for IDLE_S or older than ABSOLUTE_S, when the
    person is disabled, or when their password was changed since.
    """
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request = HttpRequest()
    request.session = session
    user = get_user(request)
    if not user.is_authenticated or _over(session):
        raise Unauthenticated(NOT_SIGNED_IN)
    if seen:
        _touch(session)
    return actor_of_user(user.get_username())


def person_of(request: HttpRequest, *, door: str) -> Actor:
    """Who sent a request to Django: the person signed in, or a stranger; `door` names what was knocked at."""
    origin = Origin(door=door, address=request.META.get("REMOTE_ADDR", ""))
    if not request.user.is_authenticated:
        return STRANGER.via(origin)
    try:
        return actor_of_user(request.user.get_username()).via(origin)
    except Unauthenticated:
        return STRANGER.via(origin)


def session_times(respond: Respond) -> Respond:
    """Middleware that ends sessions in time, and lets a one-time password be changed before anything else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            _keep_or_end(request)
        if request.user.is_authenticated and _must_change_first(request):
            return HttpResponseRedirect(reverse("account_change_password"))
        return respond(request)

    return middleware


def _keep_or_end(request: HttpRequest) -> None:
    try:
        if not _over(request.session):
            if PART not in request.headers:
                _touch(request.session)
            return
    except Unauthenticated:
        pass
    logout(request)


def _over(session: SessionBase) -> bool:
    """Also when it does not say when it began."""
    at = time.time()
    signed_in_at, seen_at = int(session.get(SIGNED_IN_AT, 0)), int(session.get(SEEN_AT, 0))
    return at - signed_in_at > ABSOLUTE_S or at - seen_at > IDLE_S


def _touch(session: SessionBase) -> None:
    if time.time() - session[SEEN_AT] < TOUCH_S:
        return
    session[SEEN_AT] = int(time.time())
    try:
        session.save()
    except UpdateError:  # it was ended in another tab meanwhile
        raise Unauthenticated(NOT_SIGNED_IN) from None


def _must_change_first(request: HttpRequest) -> bool:
    """Pages lead to the change; the APIs need no redirect, because the person holds no permission until then."""
    if request.method != "GET" or "text/html" not in request.headers.get("Accept", ""):
        return False
    allowed = {reverse(name) for name in _WHILE_CHANGING}
    return request.path not in allowed and must_change_password(request.user.get_username())
