"""What of a log's word is believed: a checkpoint that continues the last one, stored before anything rests on it."""

import structlog

from governance.kernel.clock import now
from governance.kernel.errors import Unavailable
from governance.pki.ct import checkpoint
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.reading import LogView, advance
from governance.pki.observe import logs as observe
from governance.pki.queries.logs import KnownLogView, known_log

log = structlog.get_logger(__name__)


def believed_head(view: LogView) -> Head:
    """The newest checkpoint of a log, checked against the last one that was believed, and stored.

    Raises Misbehaved for a log that contradicts itself, or did so before in a way that nothing mends, and Unavailable
    for one that cannot be read. Either is stored too.
    """
    known = known_log(view.log.log_id.hex())
    if known.lie in observe.LASTING:
        raise Misbehaved(known.lie, known.lie_message, known.lie_evidence)  # type: ignore[arg-type]  # as it was stored
    try:
        return _continued(view, view.head(), known)
    except Misbehaved as lie:
        caught(view, lie)
        raise
    except Unavailable as error:
        observe.unreadable(known.log_id, str(error), at=now())
        raise


def _continued(view: LogView, head: Head, known: KnownLogView) -> Head:
    """What may be believed now that the log shows `head`, stored; also after what another process believed just now."""
    believed = advance(_last(view, known), head, view)
    while not observe.believed(known.log_id, believed, after=known.checkpoint, at=now()):
        known = known_log(known.log_id)
        believed = advance(_last(view, known), head, view)
    return believed


def caught(view: LogView, lie: Misbehaved) -> None:
    """Store what a log was caught at."""
    log.error("a log lies", log=view.log.description, kind=lie.kind, reason=lie.message)
    observe.caught(view.log.log_id.hex(), lie, at=now())


def _last(view: LogView, known: KnownLogView) -> Head | None:
    return checkpoint.check(known.checkpoint, view.log) if known.checkpoint else None
