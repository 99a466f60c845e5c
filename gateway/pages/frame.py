"""What the frame round every page shows: who is signed in, which namespaces there are, light or dark."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from gateway.pages.banners import banners
from gateway.pages.door import actor_of
from gateway.sessions import PART
from governance.access.queries import grants_of, must_change_password
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.pki.queries import certificates
from governance.registry import queries as registry

THEMES = ("light", "dark", "auto")


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every template."""
    actor = actor_of(request)
    theme = request.COOKIES.get("theme", "auto")
    shared = {
        "theme": theme if theme in THEMES else "auto",
        "at": now(),
        "actor": actor,
        "grpc_addr": settings.GOV.grpc_addr,
        "grpc_tls": settings.GOV.grpc_tls,
        **banners(actor),
    }
    if PART in request.headers:
        return {**shared, "layout": "part.html"}
    if actor.kind == "stranger":
        return {**shared, "layout": "base.html"}
    spaces = _spaces(actor)
    return {
        **shared,
        "layout": "base.html",
        "signed_in": True,
        "must_change": must_change_password(actor.name),
        "roles": sorted({grant.role for grant in grants_of(actor.name)}),
        "spaces": spaces if len(spaces) > 1 else [],
        "space": request.GET.get("namespace", ""),
    }


def _spaces(actor: Actor) -> list[str]:
    """The namespaces of whatever the reader may see."""
    in_use = {"registry.read": registry.namespaces_in_use, "pki.read": certificates.namespaces_in_use}
    found: set[str] = set()
    for permission, read in in_use.items():
        held = actor.namespaces(permission)
        found.update(space for space in (read() if held else ()) if EVERYWHERE in held or space in held)
    return sorted(found)
