"""The two streams by name, as everything that signs, proves and verifies meets them."""

from collections.abc import Mapping

from governance.compliance.models import CallCheckpoint, CallEvent, CallHead
from governance.ledger import checkpoint
from governance.ledger.checkpoint import Signed
from governance.ledger.stream import CHANGES, Stream

CALLS = Stream(
    name="calls",
    rows=CallEvent,
    seq="seq",
    head=CallHead,
    size="size",
    checkpoints=CallCheckpoint,
    in_header=("event_id", "action", "namespace", "outcome"),
    in_body=("actor",),
)

STREAMS: Mapping[str, Stream] = {stream.name: stream for stream in (CHANGES, CALLS)}


def sign_calls() -> Signed | None:
    """Sign the calls stream; see checkpoint.sign."""
    return checkpoint.sign(CALLS)
