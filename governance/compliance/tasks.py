"""Work on the audit streams that the clock starts."""

import structlog
from celery.schedules import crontab

from governance.compliance.streams import STREAMS, sign_calls
from governance.ledger import life
from governance.ledger.verify import verify
from governance.schedule import periodic

log = structlog.get_logger(__name__)


@periodic(every=60, permission="system.maintain")
def sign_checkpoint() -> None:
    """Sign the calls stream as far as it is durable."""
    sign_calls()


@periodic(every=crontab(minute="17"), permission="system.maintain")
def verify_streams() -> None:
    """Derive both streams again from their rows; what is wrong is alarmed, and stays visible until the next run."""
    for name, stream in STREAMS.items():
        verdict = verify(stream)
        problem = "" if verdict.sound else f"event {verdict.seq}: {verdict.problem}"
        life.show(f"verification of {name}", error=problem)
        if problem:
            log.critical("audit stream is not as it was recorded", stream=name, seq=verdict.seq, problem=problem)
