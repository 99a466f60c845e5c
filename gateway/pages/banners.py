"""What every page says at its top, to those who may see certificates: that some are in trouble, that TLS is off."""

from collections import Counter
from typing import Any

from django.conf import settings

from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.pki.queries import board
from governance.pki.standing import STATES


def banners(actor: Actor) -> dict[str, Any]:
    """How many certificates stand how badly, the worst of them, and whether data planes connect without TLS."""
    spaces = actor.namespaces("pki.read")
    if not spaces:
        return {}
    at = now()
    found = board.pressing(at, namespaces=spaces)
    counts = Counter(each.state(at) for each in found)
    return {
        "pressing": len(found),
        "pressing_counts": [(state, counts[state]) for state in STATES if counts[state]],
        "pressing_tone": "danger" if counts["expired"] or counts["critical"] else "warning",
        "plaintext": settings.GOV.grpc_tls == "plaintext",
    }
