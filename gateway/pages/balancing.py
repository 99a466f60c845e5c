"""What the balancing and history tabs of a service show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from gateway.pages.diff import Line, changed, diff
from gateway.pages.words import POLICY_WORDS
from governance.ledger.queries import Entry
from governance.registry.values import Endpoint, Service
from governance.traffic import queries as traffic
from governance.traffic.progress import Share
from governance.traffic.queries import InForce
from governance.traffic.shares import intended
from governance.traffic.values import DEFAULT, HASH_FUNCTIONS, MAX_WEIGHT, Balancing

HISTORY = 100


@dataclass(frozen=True, slots=True)
class Shift:
    """The intended shares of one endpoint now and then, in parts per million; None where nothing is fixed."""

    endpoint: str
    now_ppm: int | None
    then_ppm: int | None


@dataclass(frozen=True, slots=True)
class Restorable:
    """One revision of a balancing; `lines` differ from the revision before, `back` from the one in force."""

    entry: Entry
    lines: list[Line]
    back: list[Line]
    in_force: bool


def no_service(namespace: str, name: str) -> str:
    """That there is no such service, or none that the reader may know of."""
    return _("There is no service %(name)s in namespace %(namespace)s.") % {"name": name, "namespace": namespace}


def simulated(
    balancing: Balancing, before: Sequence[Endpoint], after: Sequence[Endpoint]
) -> list[tuple[str, list[Shift]]]:
    """Intended shares of two states of the endpoints, per zone of clients (empty: all clients see the same)."""
    zones = sorted({endpoint.zone for endpoint in before}) if balancing.policy == "zone_aware" else [""]
    return [(zone, _shifts(balancing, before, after, zone)) for zone in zones]


def _shifts(balancing: Balancing, before: Sequence[Endpoint], after: Sequence[Endpoint], zone: str) -> list[Shift]:
    old = intended(balancing, before, client_zone=zone) or {}
    new = intended(balancing, after, client_zone=zone) or {}
    return [Shift(each.name, old.get(each.name), new.get(each.name)) for each in before]


def editor(service: Service, force: InForce, shares: Mapping[str, Share]) -> dict[str, Any]:
    """What the editor starts from: the policy in force and everything that a policy can name."""
    stored = force.balancing.as_json()
    versions = sorted({endpoint.version for endpoint in service.endpoints if endpoint.version})
    weights = stored.get("weights") or {}
    return {
        "policies": [(name, words[0], words[1]) for name, words in POLICY_WORDS.items()],
        "hash_functions": HASH_FUNCTIONS,
        "max_weight": MAX_WEIGHT,
        "lines": diff(None, stored),
        "instances": [(each, weights.get(each.name, each.weight)) for each in service.endpoints],
        "versions": [(version, weights.get(version, 1)) for version in versions],
        "shares": [shares[each.name] for each in service.endpoints],
        "start": {
            "namespace": service.namespace,
            "service": service.name,
            "revision": force.revision,
            "balancing": stored,
            "endpoints": [each.name for each in service.endpoints],
        },
    }


def history(service: Service, query: Mapping[str, str]) -> dict[str, Any]:
    """Every revision newest first, and the comparison that the address asks for."""
    entries = traffic.revisions(service.namespace, service.name, limit=HISTORY)
    current = entries[0].after if entries else DEFAULT.as_json()
    rows = [
        Restorable(entry, changed(entry.before, entry.after), changed(current, entry.after), in_force=index == 0)
        for index, entry in enumerate(entries)
    ]
    by_revision = {str(entry.revision): entry for entry in entries}
    older, newer = by_revision.get(query.get("a", "")), by_revision.get(query.get("b", ""))
    compared = diff(older.after, newer.after) if older and newer else None
    return {
        "rows": rows,
        "compared": compared,
        "older": older,
        "newer": newer,
        "default_back": changed(current, DEFAULT.as_json()),
    }
