"""Whether this installation works: for load balancers and supervisors, without a sign-in."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from governance.kernel.clock import now
from governance.ledger import queries
from governance.ledger.queries import Place

# The parts say every 5 s or oftener that they live.
SILENT_AFTER_S = 15.0
# Without these nothing is served; other followers may come and go.
REQUIRED = ("xds", "worker")
log = structlog.get_logger(__name__)


@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    del request
    return JsonResponse({"alive": True})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Every part that is needed works; 503 and which one does not otherwise. Says no more than a stranger may know."""
    del request
    parts = {"database": _database()}
    if parts["database"]["ok"]:
        parts |= _followers()
    else:
        parts |= {name: {"ok": False} for name in REQUIRED}
    good = all(part["ok"] for part in parts.values())
    return JsonResponse({"ready": good, "parts": parts}, status=200 if good else 503)


def _database() -> dict[str, Any]:
    try:
        for alias in settings.DATABASES:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
        queries.head_revision()
    except DatabaseError:
        log.warning("database not ready", exc_info=True)
        return {"ok": False}
    return {"ok": True}


def _followers() -> Mapping[str, dict[str, Any]]:
    """The required parts, and under "followers" every one that gave a sign of life lately, with its lag in facts."""
    head, since = queries.head_revision(), now() - timedelta(seconds=SILENT_AFTER_S)
    fresh = {place.follower: place for place in queries.places() if place.seen_at > since}
    parts = {name: {"ok": name in fresh and not fresh[name].error} for name in REQUIRED}
    following = {name: _lag(place, head) for name, place in sorted(fresh.items()) if name != "worker"}
    return {**parts, "followers": {"ok": all(each["ok"] for each in following.values()), "each": following}}


def _lag(place: Place, head: int) -> dict[str, Any]:
    return {"ok": not place.error, "behind": max(0, head - place.revision)}
