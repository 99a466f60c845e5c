"""Every state as a colour, a shape and a word, so that none of the three has to carry it alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from governance.registry.values import Endpoint, Summary


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state is shown: `tone` is one of good, warn, bad, busy, calm."""

    tone: str
    icon: str
    word: str | Promise


HEALTH: Mapping[str, Sign] = {
    "healthy": Sign("good", icon="circle-check", word=_("Healthy")),
    "unhealthy": Sign("bad", icon="circle-x", word=_("Unhealthy")),
    "unknown": Sign("calm", icon="help-circle", word=_("Unknown")),
}

SERVICE: Mapping[str, Sign] = {
    "healthy": HEALTH["healthy"],
    "degraded": Sign("warn", icon="alert-triangle", word=_("Degraded")),
    "down": Sign("bad", icon="circle-x", word=_("Down")),
    "unknown": HEALTH["unknown"],
    "empty": Sign("calm", icon="circle-dashed", word=_("No endpoints")),
}

SYNC: Mapping[str, Sign] = {
    "in_sync": Sign("good", icon="circle-check", word=_("In sync")),
    "sent": Sign("busy", icon="send", word=_("Sent")),
    "nacked": Sign("bad", icon="ban", word=_("Refused")),
    "stale": Sign("warn", icon="hourglass", word=_("No answer")),
    "offline": Sign("calm", icon="plug-connected-x", word=_("Offline")),
}

OUTCOME: Mapping[str, Sign] = {
    "success": Sign("good", icon="circle-check", word=_("Success")),
    "refused": Sign("warn", icon="ban", word=pgettext_lazy("outcome", "Refused")),
    "failed": Sign("bad", icon="circle-x", word=_("Failed")),
}

VERDICT: Mapping[str, Sign] = {
    "ok": Sign("good", icon="circle-check", word=_("OK")),
    "falls_back": Sign("warn", icon="alert-triangle", word=_("Falls back")),
    "would_reject": Sign("bad", icon="ban", word=_("Would refuse")),
}

DELIVERY: Mapping[str, Sign] = {
    "pending": Sign("calm", icon="clock", word=_("Waiting")),
    "sent": SYNC["sent"],
    "acked": Sign("good", icon="circle-check", word=_("Acknowledged")),
    "nacked": SYNC["nacked"],
    "offline": SYNC["offline"],
}

ISOLATED = Sign("warn", icon="shield-off", word=_("Isolated"))
DRAINING = Sign("warn", icon="droplet-half", word=_("Draining"))


def service_state(service: Summary) -> str:
    """The key of SERVICE for a service as its endpoints stand."""
    if not service.total:
        return "empty"
    if service.unhealthy:
        return "degraded" if service.healthy else "down"
    return "healthy" if service.healthy == service.total else "unknown" if not service.healthy else "healthy"


def endpoint_signs(endpoint: Endpoint) -> tuple[Sign, ...]:
    """Its health, and what operators did to it."""
    signs = [HEALTH[endpoint.health]]
    if endpoint.isolated:
        signs.append(ISOLATED)
    if endpoint.draining:
        signs.append(DRAINING)
    return tuple(signs)
