"""Who may open a page: signed in, and holding the permission of what it shows."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from gateway.pages.words import PERMISSION_WORDS
from gateway.sessions import PART, person_of
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.errors import Forbidden, NotFound

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, Actor, P], HttpResponse]
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def actor_of(request: HttpRequest) -> Actor:
    """Who has this session, read once per request; of kind "stranger" when nobody is signed in."""
    found = request.META.get("governor.actor")
    if found is None:
        found = request.META["governor.actor"] = person_of(request, door="page")
    return cast(Actor, found)


def needs(permission: str) -> Callable[[Page[P]], View[P]]:
    """Let only those see the page who hold `permission` in some namespace; the page filters by namespace itself."""

    def declare(page: Page[P]) -> View[P]:
        @wraps(page)
        def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            actor = actor_of(request)
            if actor.kind == "stranger":
                return _sign_in(request)
            try:
                _check(actor, permission)
                response = page(request, actor, *args, **kwargs)
            except NotFound as refusal:
                return refused(request, 404, refusal.message)
            except Forbidden:
                return refused(request, 403, forbidden_text(permission))
            response.headers["Cache-Control"] = "no-store"
            response.headers["Vary"] = "Cookie, Accept-Language, " + PART
            return response

        view.permission = permission  # type: ignore[attr-defined]  # read by the test of all doors
        return view

    return declare


def _check(actor: Actor, permission: str) -> None:
    if not actor.namespaces(permission):
        raise Forbidden(f"this page needs the permission {permission}")


def visible(request: HttpRequest, actor: Actor, permission: str) -> frozenset[str]:
    """The namespaces to show: those of `permission`, narrowed to the one that the address asks for."""
    held = actor.namespaces(permission)
    wanted = request.GET.get("namespace", "")
    if not wanted or wanted == EVERYWHERE:
        return held
    return frozenset({wanted}) if EVERYWHERE in held or wanted in held else frozenset()


def forbidden_text(permission: str) -> str:
    """Which permission is missing, in words."""
    words = PERMISSION_WORDS.get(permission, permission)
    return _("You lack the permission %(permission)s (%(words)s).") % {"permission": permission, "words": words}


def refused(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """A page that says why there is nothing to see."""
    title = _("There is nothing here") if status == 404 else _("Not permitted")
    return render(request, "refused.html", {"title": title, "message": message, "status": status}, status=status)


def _sign_in(request: HttpRequest) -> HttpResponse:
    if PART in request.headers:
        return HttpResponse(status=401)
    return redirect_to_login(request.get_full_path(), str(settings.LOGIN_URL))
