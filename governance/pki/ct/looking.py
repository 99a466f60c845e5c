"""One look at all ports: ask them, write down what they showed, and report what should not be."""

from collections import Counter
from collections.abc import Collection, Sequence

import structlog
from prometheus_client import Gauge

from governance.kernel.clock import now, stamp
from governance.kernel.errors import GovernanceError
from governance.pki.ct.differing import noticed
from governance.pki.ct.probing import context_of, look_at_all
from governance.pki.ct.reporting import report
from governance.pki.ct.serving import keys_in_doubt, serving
from governance.pki.ct.standing import Noticed
from governance.pki.ct.targets import in_turn, targets
from governance.pki.observe import served as observe
from governance.pki.queries import served as queries
from governance.pki.queries.delivery import deliverables
from governance.pki.queries.findings import findings, open_keys
from governance.pki.setup import CONTROL_PLANE, NAMESPACE

PREFIXES = ("served_not_issued:", "served_old:", "not_served:")
OF_A_KIND, OF_A_NAMESPACE = 300, 50
REASON = "looked at what is served"
asked_ports = Gauge(
    "governor_ports_looked_at", "TLS ports that were looked at in the last round", multiprocess_mode="mostrecent"
)
silent_ports = Gauge(
    "governor_ports_silent", "TLS ports that did not answer in the last round", multiprocess_mode="mostrecent"
)
log = structlog.get_logger(__name__)


def look() -> int:
    """Look at the ports whose turn it is, and report; how many were looked at. It lasts 12 s at most, and little more.

    Several may do it at once: each writes down what it saw.
    """
    wanted = targets()
    found = look_at_all(in_turn(wanted, queries.asked()), context_of(_identity()))
    observe.shown(wanted, found, at=now())
    observe.forget(wanted)
    asked_ports.set(len(found))
    silent_ports.set(sum(1 for each in found if each.error))
    tell()
    return len(found)


def tell() -> None:
    """Open the findings of what is served and should not be, or should be and is not, and close what is over."""
    at = now()
    rows = serving(at)
    found = noticed(rows, at)
    there = {key for prefix in PREFIXES for key in open_keys(prefix)}
    still = {each.key for each in found} | keys_in_doubt(rows) | _lasting(stamp(at))
    told = most_telling(found, there)
    if len(told) < len(found):
        log.error("more is wrong with what is served than there are findings of", count=len(found) - len(told))
    report(told, there - still, reason=REASON)


def most_telling(found: Sequence[Noticed], there: Collection[str]) -> list[Noticed]:
    """Of each kind 300 at most, and 50 of one namespace; those that are open already first. The board has them all.

    Findings are bounded in number: what goes wrong in thousands of places at once, or what somebody brings about with
    thousands of ports of his own, must leave room for others'. What a key of ours signed in secret is always told.
    """
    kept: list[Noticed] = []
    counted: Counter[tuple[str, ...]] = Counter()
    for each in sorted(found, key=lambda noticed: noticed.key not in there):
        if each.detail.get("by_our_key"):
            kept.append(each)
        elif counted[each.kind,] < OF_A_KIND and counted[each.kind, each.namespace] < OF_A_NAMESPACE:
            counted.update(((each.kind,), (each.kind, each.namespace)))
            kept.append(each)
    return kept


def _lasting(at: str) -> set[str]:
    """The findings of certificates that a key of ours signed in secret: taken off the port they are as bad as before.

    They close when the certificate has expired.
    """
    return {
        each.key
        for each in findings(kind="served_not_issued")
        if each.detail.get("by_our_key") and each.detail.get("not_after", "") > at
    }


def _identity() -> bytes:
    """The control plane's own certificate with its key, for ports that demand one; without it they may be silent."""
    try:
        found = deliverables(only={(NAMESPACE, CONTROL_PLANE)})
    except GovernanceError as error:
        log.warning("ports are looked at without a certificate of our own", reason=str(error))
        return b""
    return found[0].key_pem + b"\n" + found[0].chain_pem.encode() if found else b""
