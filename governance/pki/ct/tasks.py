"""Work on certificate transparency that the clock starts."""

from datetime import timedelta

from prometheus_client import Gauge

from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki.commands import ForgetFindings, RecordFindings, RecordProofs
from governance.pki.commands.findings import KEPT
from governance.pki.ct import auditing, logalarms, looking, publiclist, reporting, tailing
from governance.pki.observe.checks import prune_checks
from governance.pki.queries import audited
from governance.pki.queries.findings import any_closed
from governance.pki.worker import WORKER
from governance.schedule import periodic

# Every live certificate is checked once a day, and a new one within a minute.
CHECKED_EVERY = timedelta(hours=24)
pending = Gauge(
    "governor_certificates_pending",
    "Issues that are not in force, as they are not proven to be logged",
    multiprocess_mode="mostrecent",
)
unread = Gauge(
    "governor_log_entries_unread",
    "Entries of a log's believed tree that were not looked at",
    ["log"],
    multiprocess_mode="mostrecent",
)


@periodic(every=3, permission=RecordProofs.permission)
def prove_what_waits() -> None:
    """Put in force what is proven by now."""
    found = len(audited.waiting())
    pending.set(found)
    auditing.prove_waiting()


@periodic(every=30, permission=RecordProofs.permission)
def check_certificates() -> None:
    """Check the live certificates that were not checked for a day."""
    auditing.check_live(before=now() - CHECKED_EVERY)


@periodic(every=3600, permission="pki.maintain")
def forget_checks() -> None:
    """Forget what was found of certificates that are over."""
    prune_checks(now())


@periodic(every=3600, permission=ForgetFindings.permission)
def forget_findings() -> None:
    """Forget what is over for 30 days; the ledger keeps it."""
    before = now() - KEPT
    if any_closed(before=before):
        execute(ForgetFindings(before=before), by=WORKER, reason="it is long over")


@periodic(every=30, permission=RecordFindings.permission)
def read_logs() -> None:
    """Read all logs on, and say what was found in them and what is wrong with them."""
    readings = tailing.read_logs()
    at = now()
    for each in readings:
        unread.labels(each.log.description).set(each.lag)
    logalarms.tell(readings, at)
    logalarms.close_what_is_over(at)
    reporting.close_more()


@periodic(every=300, permission=RecordFindings.permission)
def keep_log_list() -> None:
    """Fetch the public list of logs when it is due."""
    publiclist.keep_list(now())


@periodic(every=30, permission=RecordFindings.permission)
def look_at_ports() -> None:
    """Look at what is served; what should not be is found within one round."""
    looking.look()
