"""What every page says at its top to those whom it concerns: certificates in trouble, alarms of the logs, TLS off."""

from collections import Counter
from typing import Any

from django.conf import settings

from gateway.pages.signs import FINDING
from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.pki.queries import board
from governance.pki.queries import findings as found_out
from governance.pki.standing import STATES

SHOWN = 3  # kinds of findings, the worst ones


def banners(actor: Actor) -> dict[str, Any]:
    """How many certificates stand how badly, what alarms about logs, and whether data planes connect without TLS."""
    spaces = actor.namespaces("pki.read")
    if not spaces:
        return {}
    at = now()
    found = board.pressing(at, namespaces=spaces)
    counts = Counter(each.state(at) for each in found)
    alarming = found_out.alarming(namespaces=spaces)
    kinds = [kind for kind in FINDING if alarming.get(kind)]
    return {
        "pressing": len(found),
        "pressing_counts": [(state, counts[state]) for state in STATES if counts[state]],
        "pressing_tone": "danger" if counts["expired"] or counts["critical"] else "warning",
        "alarms": sum(alarming.values()),
        "alarm_counts": [(kind, alarming[kind]) for kind in kinds[:SHOWN]],
        "more_alarms": sum(alarming[kind] for kind in kinds[SHOWN:]),
        "alarm_tone": "danger" if any(FINDING[kind].tone == "bad" for kind in kinds) else "warning",
        "plaintext": settings.GOV.grpc_tls == "plaintext",
    }
