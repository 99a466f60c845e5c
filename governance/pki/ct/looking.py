"""One look at all ports: ask them, write down what they showed, and report what should not be."""

import structlog
from prometheus_client import Gauge

from governance.kernel.clock import now, stamp
from governance.kernel.errors import GovernanceError
from governance.pki.ct.differing import noticed
from governance.pki.ct.probing import context_of, look_at_all
from governance.pki.ct.reporting import report
from governance.pki.ct.serving import keys_in_doubt, serving
from governance.pki.ct.targets import in_turn, targets
from governance.pki.observe import served as observe
from governance.pki.queries import served as queries
from governance.pki.queries.delivery import deliverables
from governance.pki.queries.findings import findings, open_keys
from governance.pki.setup import CONTROL_PLANE, NAMESPACE

PREFIXES = ("served_not_issued:", "served_old:", "not_served:")
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
    report(found, there - still, reason=REASON)


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
