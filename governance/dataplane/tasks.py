"""Work on observations that the clock starts."""

from datetime import timedelta

from governance.dataplane import observe
from governance.kernel.clock import now
from governance.schedule import periodic

SAMPLES_KEPT = timedelta(minutes=10)


@periodic(every=60, permission="system.maintain")
def prune_observations() -> None:
    """Delete load samples older than 10 minutes, and clients gone for an hour."""
    at = now()
    observe.prune(samples_before=at - SAMPLES_KEPT, clients_before=at - timedelta(seconds=observe.OFFLINE_KEPT_S))
