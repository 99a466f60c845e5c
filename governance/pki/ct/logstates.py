"""How the logs stand that are known here: which are read, how far, and what of it calls for somebody."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import stamp
from governance.kernel.errors import Unavailable
from governance.pki.ct import logset
from governance.pki.ct.logs import Log
from governance.pki.ct.own.log import own_log
from governance.pki.ct.standing import Noticed
from governance.pki.observe.logs import LASTING
from governance.pki.queries.logs import KnownLogView, known_logs

Status = Literal["ok", "unreadable", "lies", "behind", "never_read"]

# How long a log may fail, and how many entries it may be ahead of us, before somebody is told.
PATIENCE = timedelta(minutes=5)
BACKLOG = 10_000
_READ_IN = ("qualified", "usable", "readonly")
_BROKEN_LIST = "list_invalid:pinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """A log and how it stands: `lag` are the entries of the believed tree that were not looked at."""

    log: Log
    known: KnownLogView
    status: Status
    lag: int
    sentence: str


def log_states(at: datetime) -> list[LogState]:
    """All logs that are known: ours, then the pinned ones, then those of the public list."""
    logs, _ = readable_logs()
    known = known_logs([log.log_id.hex() for log in logs])
    states = [state_of(log, known.get(log.log_id.hex()) or _unknown(log), at) for log in logs]
    rank = {"own": 0, "pinned": 1, "listed": 2}
    return sorted(states, key=lambda state: (rank[state.log.source], state.log.operator, state.log.description))


def readable_logs() -> tuple[list[Log], list[Noticed]]:
    """Every log that is known, and what is wrong with the lists that tell of them.

    A list that cannot be read takes none of the other logs away.
    """
    noticed = []
    found = logset.listed()
    pinned, why = _found(logset.pinned)
    if why:
        noticed.append(_invalid_pinned(why))
        own, _ = _found(lambda: {own_log().log_id: own_log()})
        pinned = own
    return list((found | pinned).values()), noticed


def is_read(log: Log, at: datetime) -> bool:
    """Whether a log is searched: ours and what somebody pinned is, and of the public list what is in use."""
    if log.is_denied:
        return False
    if log.source != "listed":
        return True
    return log.state_at(at) in _READ_IN and (log.interval is None or at < log.interval[1])


def state_of(log: Log, known: KnownLogView, at: datetime) -> LogState:
    """How one log stands."""
    lag = max(0, known.size - known.next_index) if is_read(log, at) else 0
    status, sentence = _status(log, known, at, lag)
    return LogState(log=log, known=known, status=status, lag=lag, sentence=sentence)


def lie_key(log_id: str, kind: str, evidence: Mapping[str, Any]) -> str:
    """The key of the finding that a log lied.

    Of what proves for ever that it did, each proof is a finding of its own: whoever forgave one did not forgive others.
    """
    if kind not in LASTING:
        return f"log_lies:{log_id}:{kind}"
    proof = hashlib.sha256(json.dumps(dict(evidence), sort_keys=True).encode()).hexdigest()
    return f"log_lies:{log_id}:{kind}:{proof[:32]}"


def lying(log: Log, kind: str, message: str, evidence: Mapping[str, Any]) -> Noticed:
    """That a log was caught at a lie."""
    log_id = log.log_id.hex()
    lasting = kind in LASTING
    return Noticed(
        key=lie_key(log_id, kind, evidence),
        kind="log_lies",
        namespace=EVERYWHERE,
        subject=log.description,
        message=f"{kind}: {message}; nothing that it says is believed"
        + (" until somebody acknowledges this" if lasting else ""),
        detail={"log_id": log_id, "lie": kind, "lasting": lasting, "evidence": dict(evidence)},
    )


def failing(state: LogState, at: datetime) -> Noticed | None:
    """That a log could not be read for so long that somebody has to know."""
    since = state.known.failing_since
    if since is None or at - since < PATIENCE:
        return None
    return Noticed(
        key=f"log_unreadable:{state.known.log_id}",
        kind="log_unreadable",
        namespace=EVERYWHERE,
        subject=state.log.description,
        message=f"cannot be read since {since:%Y-%m-%d %H:%M:%S} UTC: {state.known.error}",
        detail={"log_id": state.known.log_id, "since": stamp(since), "error": state.known.error},
    )


def backlog(state: LogState) -> Noticed:
    """That there is more in a log than is looked at."""
    return Noticed(
        key=f"log_backlog:{state.known.log_id}",
        kind="log_backlog",
        namespace=EVERYWHERE,
        subject=state.log.description,
        message=f"{state.lag} entries are not looked at yet: what is in them is not known",
        detail={"log_id": state.known.log_id, "lag": state.lag, "next_index": state.known.next_index},
    )


def _unknown(log: Log) -> KnownLogView:
    return KnownLogView(log_id=log.log_id.hex())


def _found(read: Callable[[], dict[bytes, Log]]) -> tuple[dict[bytes, Log], str]:
    try:
        return read(), ""
    except Unavailable as refusal:
        return {}, refusal.message


def _invalid_pinned(why: str) -> Noticed:
    return Noticed(
        key=_BROKEN_LIST,
        kind="list_invalid",
        namespace=EVERYWHERE,
        subject="GOV_CT_LOGS",
        message=f"which logs certificates are to be in is not known: {why}",
    )


def _status(log: Log, known: KnownLogView, at: datetime, lag: int) -> tuple[Status, str]:
    if log.is_denied:
        return "never_read", "nothing that it signs is believed: its private key is published, or it is for tests"
    if known.lie:
        return "lies", f"it was caught at a lie ({known.lie}): {known.lie_message}"
    searched = is_read(log, at)
    if known.failing_since is not None and (searched or _failed_last(known)):
        return "unreadable", f"since {known.failing_since:%Y-%m-%d %H:%M:%S} UTC: {known.error}"
    if known.believed_at is None:
        return "never_read", "it was not asked yet" if searched else f"it is {log.state_at(at)}, and not searched"
    if lag > BACKLOG:
        return "behind", f"{lag} of its entries are not looked at yet"
    size = f"{known.size} entries, its last head of {known.checkpoint_at:%Y-%m-%d %H:%M:%S} UTC"
    return "ok", f"{size}; it is {log.state_at(at)}, and not searched" if not searched else size


def _failed_last(known: KnownLogView) -> bool:
    """Whether a log that is not searched could not be read when somebody asked it last."""
    return known.believed_at is None or known.failing_since is None or known.believed_at < known.failing_since
