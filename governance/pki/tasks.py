"""Work on certificates that the clock starts."""

from collections import Counter
from datetime import datetime
from typing import get_args

import structlog
from prometheus_client import Gauge

from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import observe, responder, worker
from governance.pki.commands import PublishLists, StoreCertificates, StoreResponder
from governance.pki.ct.own import sequencer
from governance.pki.queries import authorities, board, certificates
from governance.pki.renewal import Urgency, urgency
from governance.pki.standing import Standing
from governance.schedule import periodic

TOLD = 20
by_urgency = Gauge(
    "governor_certificates",
    "Managed certificates by how pressing their renewal is",
    ["urgency"],
    multiprocess_mode="mostrecent",
)
unable = Gauge(
    "governor_authorities_unable",
    "Authorities that should sign revocation lists and answers, and cannot",
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
    """Keep a certificate for the OCSP answers of every authority."""
    responder.keep_responders()


@periodic(every=60, permission="pki.maintain")
def watch_authorities() -> None:
    """Say which authorities cannot sign: their lists run out, and whoever asks for one then refuses everybody."""
    found = authorities.unable(now())
    unable.set(len(found))
    for authority, reason in found.items():
        log.error("an authority cannot sign revocation lists and answers", authority=authority, reason=reason)


@periodic(every=60, permission="pki.maintain")
def watch_renewals() -> None:
    """Say which certificates somebody has to look at: also those whose renewal was due and simply did not happen."""
    at = now()
    counts = Counter(_urgency(each, at) for each in board.standings())
    for each in get_args(Urgency):
        by_urgency.labels(each).set(counts[each])
    found = certificates.alarming(at)
    for one in found[:TOLD]:
        log.error(
            "a certificate needs attention",
            certificate=one.path,
            urgency=one.urgency(at),
            not_after=one.not_after and one.not_after.isoformat(),
            failures=one.failures,
            error=one.last_error,
        )
    if len(found) > TOLD:
        log.error("more certificates need attention", count=len(found) - TOLD)


def _urgency(of: Standing, at: datetime) -> Urgency:
    if of.not_before is None or of.not_after is None:
        return "due"
    return urgency(not_before=of.not_before, not_after=of.not_after, renew_at=of.renew_at, at=at)


@periodic(every=20, permission="pki.maintain")
def renew_checkpoint() -> None:
    """Sign the checkpoint of the log again while nothing is added to it, so that its readers see that it lives."""
    sequencer.renew_checkpoint()


@periodic(every=3600, permission="pki.maintain")
def prune_holdings() -> None:
    """Forget consumers that left long ago."""
    observe.prune(now())
