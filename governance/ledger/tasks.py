"""Work on the ledger that the clock starts."""

from governance.ledger import checkpoint, life
from governance.schedule import periodic

WORKER = "worker"


@periodic(every=2, permission="system.maintain")
def sign_of_life() -> None:
    """Show that scheduling, queue and threads work together."""
    life.show(WORKER)


@periodic(every=60, permission="system.maintain")
def sign_checkpoint() -> None:
    """Sign the changes stream as far as it is durable."""
    checkpoint.sign_changes()
