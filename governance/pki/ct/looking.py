"""One look at all ports: ask them, write down what they showed, and report what should not be."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from prometheus_client import Gauge

from governance.kernel.clock import now, stamp
from governance.kernel.errors import GovernanceError
from governance.pki.ct.differing import noticed
from governance.pki.ct.probing import context_of, look_at_all
from governance.pki.ct.reporting import report
from governance.pki.ct.room import MORE
from governance.pki.ct.serving import keys_in_doubt, serving
from governance.pki.ct.standing import FindingKind, FindingView, Noticed
from governance.pki.ct.targets import in_turn, targets
from governance.pki.ct.traces import ROUND_S
from governance.pki.observe import served as observe
from governance.pki.queries import served as queries
from governance.pki.queries.delivery import deliverables
from governance.pki.queries.findings import findings
from governance.pki.setup import CONTROL_PLANE, NAMESPACE

KINDS: tuple[FindingKind, ...] = ("served_not_issued", "served_old", "not_served")
# What was closed and opened again is closed after an hour at the earliest, and what a port shows by now is said anew
# after an hour: whoever changes it every round adds a few facts an hour to the ledger, and one row to the table.
TO_AND_FRO = SAID_AGAIN = timedelta(hours=1)
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
    rows = serving(at, tracing_s=ROUND_S)
    found = noticed(rows, at)
    there = [each for kind in KINDS for each in findings(kind=kind) if not each.key.startswith(MORE)]
    still = {each.key for each in found} | keys_in_doubt(rows) | {each.key for each in there if _lasts(each, at)}
    over = {each.key for each in there} - still
    report(found, over, restated=_said_anew(found, there, at), reason=REASON)


def _lasts(finding: FindingView, at: datetime) -> bool:
    """Whether a finding stays open although it is not so any more.

    A certificate that a key of ours signed in secret is as bad as before when it was taken off the port, until it has
    expired. And a port that shows now this and now that is not told of with each round.
    """
    if finding.detail.get("by_our_key"):
        return str(finding.detail.get("not_after", "")) > stamp(at)
    return finding.reopened and at - finding.opened_at < TO_AND_FRO


def _said_anew(found: Iterable[Noticed], there: Iterable[FindingView], at: datetime) -> list[Noticed]:
    """What is open of ports that show another certificate by now, at most twice within SAID_AGAIN."""
    open_ = {each.key: each for each in there if each.acknowledged_at is None}
    return [
        each
        for each in found
        if (known := open_.get(each.key))
        and known.detail.get("fingerprint") != each.detail.get("fingerprint")
        and max(str(known.detail.get("since", "")), stamp(known.opened_at)) <= stamp(at - SAID_AGAIN)
    ]


def _identity() -> bytes:
    """The control plane's own certificate with its key, for ports that demand one; without it they may be silent."""
    try:
        found = deliverables(only={(NAMESPACE, CONTROL_PLANE)})
    except GovernanceError as error:
        log.warning("ports are looked at without a certificate of our own", reason=str(error))
        return b""
    return found[0].key_pem + b"\n" + found[0].chain_pem.encode() if found else b""
