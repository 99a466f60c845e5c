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

CERTIFICATE: Mapping[str, Sign] = {
    "expired": Sign("bad", icon="circle-x", word=pgettext_lazy("certificate", "Expired")),
    "revoked": Sign("bad", icon="ban", word=pgettext_lazy("certificate", "Revoked")),
    "critical": Sign("bad", icon="alert-octagon", word=pgettext_lazy("certificate", "Critical")),
    "failing": Sign("bad", icon="alert-triangle", word=pgettext_lazy("certificate", "Failing")),
    "overdue": Sign("warn", icon="clock-exclamation", word=pgettext_lazy("certificate", "Overdue")),
    "due": Sign("busy", icon="refresh", word=pgettext_lazy("certificate", "Due")),
    "ok": Sign("good", icon="circle-check", word=pgettext_lazy("certificate", "Valid")),
}

ISSUE: Mapping[str, Sign] = {
    "in_force": Sign("good", icon="circle-check", word=_("In force")),
    "superseded": Sign("calm", icon="history", word=pgettext_lazy("certificate", "Superseded")),
    "expired": Sign("calm", icon="circle-x", word=pgettext_lazy("certificate", "Expired")),
    "revoked": CERTIFICATE["revoked"],
}

AUTHORITY: Mapping[str, Sign] = {
    "active": Sign("good", icon="shield-check", word=pgettext_lazy("authority", "Active")),
    "standby": Sign("calm", icon="clock", word=pgettext_lazy("authority", "Standby")),
    "retired": Sign("calm", icon="archive", word=pgettext_lazy("authority", "Retired")),
    "expired": CERTIFICATE["expired"],
}

ROTATION: Mapping[str, Sign] = {
    "retired": Sign("good", icon="circle-check", word=_("Root replaced")),
    "aborted": Sign("calm", icon="arrow-back-up", word=_("Went back to the old root")),
}

WORKLOAD: Mapping[str, Sign] = {
    "valid": CERTIFICATE["ok"],
    "expired": Sign("warn", icon="circle-x", word=pgettext_lazy("certificate", "Expired")),
    "revoked": CERTIFICATE["revoked"],
    "disabled": Sign("bad", icon="lock", word=pgettext_lazy("workload", "Disabled")),
}

TOKEN: Mapping[str, Sign] = {
    "open": Sign("busy", icon="key", word=pgettext_lazy("join token", "Open")),
    "used": Sign("good", icon="circle-check", word=pgettext_lazy("join token", "Used")),
    "withdrawn": Sign("calm", icon="ban", word=pgettext_lazy("join token", "Withdrawn")),
    "expired": Sign("calm", icon="clock", word=pgettext_lazy("join token", "Expired")),
}

TRANSPORT: Mapping[str, Sign] = {
    "mutual": Sign("good", icon="lock", word=_("Mutual TLS")),
    "plaintext": Sign("warn", icon="lock-open", word=_("Plain text")),
}

HOLDS: Mapping[str, Sign] = {
    "newest": Sign("good", icon="circle-check", word=_("The newest")),
    "older": Sign("warn", icon="history", word=_("An older one")),
    "revoked": Sign("bad", icon="ban", word=_("A revoked one")),
    "other": Sign("warn", icon="help-circle", word=_("Not one of these")),
    "unseen": Sign("calm", icon="help-circle", word=_("Not seen")),
}

SERVED: Mapping[str, Sign] = {
    "alone": Sign("good", icon="circle-check", word=_("Clear")),
    "shadows": Sign("calm", icon="arrow-narrow-up", word=_("Goes before a wildcard")),
    "shadowed": Sign("calm", icon="arrow-narrow-down", word=_("Gives way to names of their own")),
    "conflict": Sign("bad", icon="alert-triangle", word=_("Claimed twice")),
}

CHAIN: Mapping[str, Sign] = {
    "ok": Sign("good", icon="circle-check", word=_("The chain holds")),
    "broken": Sign("bad", icon="circle-x", word=_("The chain does not hold")),
    "good": Sign("good", icon="circle-check", word=_("Not revoked")),
    "revoked": CERTIFICATE["revoked"],
    "unknown": Sign("calm", icon="help-circle", word=_("Revocation unknown")),
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
