"""Work on the registry that the clock starts."""

from governance.kernel.actor import SYSTEM, Origin
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.registry import queries
from governance.registry.commands import ExpireEndpoints
from governance.schedule import periodic


@periodic(every=2, permission=ExpireEndpoints.permission)
def sweep_leases() -> None:
    """Remove the endpoints whose leases ran out; without one, no lock is taken."""
    at = now()
    if queries.leases_expired(at):
        execute(ExpireEndpoints(at=at), by=SYSTEM.via(Origin(door="task")), reason="the lease was not kept alive")
