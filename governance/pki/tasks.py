"""Work on certificates that the clock starts."""

from collections import Counter
from typing import get_args

import structlog
from prometheus_client import Gauge

from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import observe, worker
from governance.pki.commands import PublishLists, StoreCertificates, StoreResponder
from governance.pki.queries import authorities, certificates
from governance.pki.renewal import Urgency
from governance.pki.responder import responders_due, store_responder
from governance.schedule import periodic

TOLD = 20
by_urgency = Gauge(
    "governor_certificates",
    "Managed certificates by how pressing their renewal is",
    ["urgency"],
    multiprocess_mode="mostrecent",
)
log = structlog.get_logger(__name__)


@periodic(every=2, permission=StoreCertificates.permission)
def issue_certificates() -> None:
    """Issue what is due; without any, no lock is taken."""
    if certificates.any_due(now()):
        worker.issue_due()


@periodic(every=30, permission=PublishLists.permission)
def publish_revocation_lists() -> None:
    """Sign the lists anew that are at half of their life."""
    if authorities.lists_due():
        execute(PublishLists(due_before=now()), by=worker.WORKER, reason="half of its life is over")


@periodic(every=60, permission=StoreResponder.permission)
def keep_responders() -> None:
    """Keep a certificate for the OCSP answers of every authority that signs leaves."""
    for authority in responders_due():
        store_responder(authority)


@periodic(every=60, permission="pki.maintain")
def watch_renewals() -> None:
    """Say which certificates somebody has to look at: also those whose renewal was due and simply did not happen."""
    at = now()
    counts = Counter(each.urgency(at) for each in certificates.certificates())
    for urgency in get_args(Urgency):
        by_urgency.labels(urgency).set(counts[urgency])
    found = certificates.alarming(at)
    for each in found[:TOLD]:
        log.error(
            "a certificate needs attention",
            certificate=each.path,
            urgency=each.urgency(at),
            not_after=each.not_after and each.not_after.isoformat(),
            failures=each.failures,
            error=each.last_error,
        )
    if len(found) > TOLD:
        log.error("more certificates need attention", count=len(found) - TOLD)


@periodic(every=3600, permission="pki.maintain")
def prune_holdings() -> None:
    """Forget consumers that left long ago."""
    observe.prune(now())
