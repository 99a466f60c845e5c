"""What of a log's word is believed: a checkpoint that continues the last one, stored before anything rests on it."""

import structlog

from governance.kernel.clock import now
from governance.kernel.errors import Invalid, Unavailable
from governance.pki.ct import checkpoint, proof_file
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.own.log import to_ms
from governance.pki.ct.reading import LogView, advance
from governance.pki.observe import logs as observe
from governance.pki.queries.logs import KnownLogView, known_log, newest_proof

log = structlog.get_logger(__name__)


def believed_head(view: LogView, *, reading: bool = False) -> Head:
    """The newest checkpoint of a log, checked against the last one that was believed, and stored.

    Raises Misbehaved for a log that contradicts itself, or was caught at anything that is not over, and Unavailable for
    one that cannot be read. Either is stored too. Whoever is `reading` its entries finds out whether it is over.
    """
    known = known_log(view.log.log_id.hex())
    try:
        return _continued(view, view.head(), known, reading=reading)
    except Misbehaved as lie:
        if lie.kind != known.lie:
            caught(view, lie)
        raise
    except Unavailable as error:
        observe.unreadable(known.log_id, str(error), at=now())
        raise


def _continued(view: LogView, head: Head, known: KnownLogView, *, reading: bool) -> Head:
    """What may be believed now that the log shows `head`, stored; also after what another process believed just now."""
    while True:
        if known.lie in observe.LASTING or (known.lie and known.lie not in observe.OF_HEADS and not reading):
            raise Misbehaved(known.lie, known.lie_message, known.lie_evidence)  # type: ignore[arg-type]  # as stored
        believed = advance(_last(view, known), head, view)
        if observe.believed(known.log_id, believed, after=known.checkpoint, at=now()):
            return believed
        known = known_log(known.log_id)


def caught(view: LogView, lie: Misbehaved) -> None:
    """Store what a log was caught at."""
    log.error("a log lies", log=view.log.description, kind=lie.kind, reason=lie.message)
    observe.caught(view.log.log_id.hex(), lie, at=now())


def _last(view: LogView, known: KnownLogView) -> Head | None:
    """The last checkpoint that was believed, which was verified when it was stored.

    Of our own log also the newest one on whose strength something was put in force: that is kept with the ledger, so
    that a log which was restored from an old backup alone is found out.
    """
    last = _as_stored(view, known) if known.checkpoint else None
    if view.log.source != "own":
        return last
    relied_on = newest_proof(known.log_id)
    if relied_on is None:
        return last
    try:
        head = checkpoint.check(proof_file.read(relied_on).checkpoint, view.log)
    except (Invalid, Misbehaved):
        return last  # of a log that we had before this one
    return head if last is None or head.size > last.size else last


def _as_stored(view: LogView, known: KnownLogView) -> Head:
    """Not read from its text: that bears the name under which the log was known then."""
    assert known.checkpoint_at is not None
    return Head(view.log.origin, known.size, known.root, to_ms(known.checkpoint_at), known.checkpoint)
