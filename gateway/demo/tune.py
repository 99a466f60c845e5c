"""Makes an instance slow, stops it or starts it again, by what the registry says of it."""

from gateway.demo.shop import DOWN, LATENCY, MAX_LATENCY_MS, NAMESPACE
from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Invalid
from governance.ledger.command import Receipt
from governance.ledger.execute import execute
from governance.registry.commands import EndpointChange, UpdateEndpoints


def tune(instance: str, *, latency_ms: int | None = None, down: bool | None = None, by: Actor = SYSTEM) -> Receipt:
    """Ask the instance to answer after `latency_ms` (0: as built) and to be down or up; None leaves it as it is."""
    metadata = {}
    if latency_ms is not None:
        if not 0 <= latency_ms <= MAX_LATENCY_MS:
            raise Invalid(f"is {latency_ms}; 0 to {MAX_LATENCY_MS} is allowed", field="latency_ms")
        metadata[LATENCY] = str(latency_ms or "")
    if down is not None:
        metadata[DOWN] = "true" if down else ""
    change = EndpointChange(name=instance, metadata=metadata)
    service = instance.rpartition("-")[0]
    return execute(UpdateEndpoints(namespace=NAMESPACE, service=service, changes=(change,)), by=by)
