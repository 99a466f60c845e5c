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
    "pending": Sign("busy", icon="hourglass", word=_("Waits for its proof")),
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

LOGGED: Mapping[str, Sign] = {
    "not_logged": Sign("bad", icon="circle-x", word=_("Not logged")),
    "unknown": Sign("warn", icon="help-circle", word=_("Cannot tell")),
    "pending": Sign("busy", icon="hourglass", word=_("Waits for its proof")),
    "logged": Sign("good", icon="circle-check", word=_("Logged")),
}

SCT: Mapping[str, Sign] = {
    "valid": Sign("good", icon="signature", word=pgettext_lazy("timestamp of a log", "Holds")),
    "unknown_log": Sign("warn", icon="help-circle", word=_("Of no known log")),
    "bad_signature": Sign("bad", icon="circle-x", word=_("Not signed by the log")),
    "denied_log": Sign("bad", icon="ban", word=_("Of a log that is not believed")),
    "not_qualified": Sign("warn", icon="clock", word=_("Of a log that is not in use yet")),
    "outside_interval": Sign("bad", icon="calendar-off", word=_("Outside of the log's interval")),
    "in_the_future": Sign("bad", icon="clock-exclamation", word=_("Still to come")),
    "malformed": Sign("bad", icon="alert-triangle", word=_("Not formed as it has to be")),
}

INCLUDED: Mapping[str, Sign] = {
    "logged": Sign("good", icon="circle-check", word=_("In the log")),
    "not_logged": Sign("bad", icon="circle-x", word=_("Not in the log")),
    "unknown": Sign("warn", icon="help-circle", word=_("Cannot tell")),
    "unproven": Sign("calm", icon="circle-dashed", word=_("No proof is kept")),
}

LOG: Mapping[str, Sign] = {
    "lies": Sign("bad", icon="alert-octagon", word=_("Contradicts itself")),
    "unreadable": Sign("bad", icon="cloud-off", word=_("Not readable")),
    "behind": Sign("warn", icon="hourglass", word=_("Entries not looked at")),
    "never_read": Sign("calm", icon="circle-dashed", word=_("Never read")),
    "ok": Sign("good", icon="circle-check", word=pgettext_lazy("log", "Believed")),
}

# What a list says that a log is.
LOG_STATE: Mapping[str, Sign] = {
    "pending": Sign("calm", icon="clock", word=pgettext_lazy("log", "Pending")),
    "qualified": Sign("busy", icon="circle-check", word=pgettext_lazy("log", "Qualified")),
    "usable": Sign("good", icon="circle-check", word=pgettext_lazy("log", "Usable")),
    "readonly": Sign("calm", icon="lock", word=pgettext_lazy("log", "Read-only")),
    "retired": Sign("calm", icon="archive", word=pgettext_lazy("log", "Retired")),
    "rejected": Sign("bad", icon="ban", word=pgettext_lazy("log", "Rejected")),
    "denied": Sign("bad", icon="ban", word=pgettext_lazy("log", "Never believed")),
}

MODE: Mapping[str, Sign] = {
    "gate": Sign("good", icon="door", word=_("Gate: proven, then in force")),
    "alarm": Sign("warn", icon="bell-ringing", word=_("Alarm: in force, then reported")),
    "off": Sign("bad", icon="bell-off", word=_("Off: nobody is told")),
}

PORT: Mapping[str, Sign] = {
    "newest": Sign("good", icon="circle-check", word=_("The newest")),
    "old": Sign("warn", icon="history", word=_("An older one")),
    "revoked": Sign("bad", icon="ban", word=_("A revoked one")),
    "not_issued": Sign("bad", icon="shield-x", word=_("None of ours")),
    "by_our_key": Sign("bad", icon="spy", word=_("Signed by our key behind our back")),
    "never": Sign("calm", icon="help-circle", word=_("Nothing so far")),
    "not_asked": Sign("calm", icon="clock", word=_("Not looked at yet")),
    "hidden": Sign("calm", icon="eye-off", word=_("One of another namespace")),
}

# The worst first.
FINDING: Mapping[str, Sign] = {
    "served_not_issued": Sign("bad", icon="shield-x", word=_("Served, not issued here")),
    "not_issued": Sign("bad", icon="spy", word=_("Logged, not issued here")),
    "log_lies": Sign("bad", icon="alert-octagon", word=_("Log contradicts itself")),
    "not_ours": Sign("bad", icon="world-exclamation", word=_("Issued elsewhere for our name")),
    "not_logged": Sign("bad", icon="circle-x", word=_("Not logged")),
    "cannot_tell": Sign("warn", icon="help-circle", word=_("Cannot tell")),
    "served_old": Sign("warn", icon="history", word=_("Old one served")),
    "not_served": Sign("warn", icon="eye-off", word=_("Not served")),
    "log_unreadable": Sign("warn", icon="cloud-off", word=_("Log not readable")),
    "log_backlog": Sign("warn", icon="hourglass", word=_("Log read too slowly")),
    "list_stale": Sign("warn", icon="calendar-off", word=_("List of logs is old")),
    "list_invalid": Sign("warn", icon="file-alert", word=_("List of logs is not usable")),
    "pending": Sign("busy", icon="hourglass", word=_("Waits for its proof")),
}

FINDING_STATE: Mapping[str, Sign] = {
    "alarming": Sign("bad", icon="bell-ringing", word=pgettext_lazy("finding", "Alarms")),
    "acknowledged": Sign("calm", icon="bell-check", word=pgettext_lazy("finding", "Acknowledged")),
    "closed": Sign("good", icon="circle-check", word=pgettext_lazy("finding", "Over")),
}

BOARD: Mapping[str, Sign] = {
    "served_not_issued": FINDING["served_not_issued"],
    "logged_not_issued": FINDING["not_issued"],
    "issued_not_logged": Sign("bad", icon="circle-x", word=_("Issued, not logged")),
    "served_not_newest": FINDING["served_old"],
    "issued_not_served": Sign("warn", icon="eye-off", word=_("Issued, not served")),
    "abandoned": Sign("calm", icon="archive", word=_("Logged, then not used")),
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
