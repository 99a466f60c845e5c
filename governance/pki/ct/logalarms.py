"""Tells what is wrong with logs, once, and takes it back when it is over."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from governance.kernel.clock import stamp
from governance.pki.ct.logs import Log
from governance.pki.ct.logstates import BACKLOG, backlog, failing, is_read, lying, readable_logs, state_of
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.noticing import closed_by_issue
from governance.pki.ct.reporting import report
from governance.pki.ct.standing import FindingView, Noticed
from governance.pki.ct.tailing import Reading
from governance.pki.queries.findings import findings, open_among, open_keys
from governance.pki.queries.logs import known_log

# One that lied before in the same way, and shows now this and now that, is not honest in between.
HONEST_FOR = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tell(readings: Sequence[Reading], at: datetime) -> None:
    """Report what a round over the logs found of them, and close what is not so any more.

    Of a log that was not read in this round nothing is said; of one that is searched no longer nothing is left.
    """
    logs, broken = readable_logs()
    opened, closed = list(broken), set[str]()
    if not broken:
        closed |= open_keys("list_invalid:pinned") | _of_strangers(logs, at)
    for reading in readings:
        noticed = list(_noticed(reading, at))
        opened += noticed
        closed |= _over(reading, at) - {each.key for each in noticed}
    report(opened, closed, reason="read the logs")


def close_what_is_over(at: datetime) -> None:
    """Close what was found in logs and is over: certificates that ended, and those that were issued here after all.

    One under an authority of ours that was not issued here stays until somebody answered, however long it is over.
    """
    foreign, strange = findings(kind="not_ours"), findings(kind="not_issued")
    ended = [each for each in foreign if _has_ended(each, at)]
    ended += [each for each in strange if each.acknowledged_at and _has_ended(each, at)]
    issued = closed_by_issue({_text(each, "content"): _text(each, "serial") for each in strange})
    ended += [each for each in strange if _text(each, "content") in issued]
    report([], {each.key for each in ended}, reason="it is over")


def _noticed(reading: Reading, at: datetime) -> Iterator[Noticed]:
    log = reading.log
    state = state_of(log, known_log(log.log_id.hex()), at)
    if reading.lie is not None:
        yield _lying(log, reading.lie)
    elif reading.lie_before is not None:
        noticed = _lying(log, reading.lie_before)
        if not (reading.honest and open_among([noticed.key])):  # what nobody heard of is told although it is over
            yield noticed
    if (unread := failing(state, at)) is not None:
        yield unread
    if reading.asked and _is_behind(reading, at):
        yield backlog(state)


def _is_behind(reading: Reading, at: datetime) -> bool:
    """Whether there is much to be looked at, and either more of it than before or some that is old."""
    if reading.lag <= BACKLOG:
        return False
    old = reading.last_ms is not None and at - timedelta(seconds=reading.log.mmd_s) > _moment(reading.last_ms)
    return old or reading.lag >= reading.lag_before


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=min(ms, 253_402_300_799_999))


def _over(reading: Reading, at: datetime) -> set[str]:
    """The keys of what can be closed by what this reading showed, unless it is so still."""
    log_id = reading.log.log_id.hex()
    keys = {f"log_unreadable:{log_id}"}
    if reading.asked:
        keys.add(f"log_backlog:{log_id}")
    if reading.honest:
        lies = [each for each in findings(kind="log_lies") if each.key.startswith(f"log_lies:{log_id}:")]
        keys |= {each.key for each in lies if not each.reopened or at - each.opened_at >= HONEST_FOR}
    return keys


def _lying(log: Log, lie: Misbehaved) -> Noticed:
    return lying(log, lie.kind, lie.message, lie.evidence)


def _of_strangers(logs: Iterable[Log], at: datetime) -> set[str]:
    """The keys of what is open about logs that nobody searches any more."""
    searched = {log.log_id.hex() for log in logs if is_read(log, at)}
    return {key for key in open_keys("log_") if key.split(":")[1] not in searched}


def _has_ended(finding: FindingView, at: datetime) -> bool:
    until = _text(finding, "not_after")
    return bool(until) and until <= stamp(at)


def _text(finding: FindingView, name: str) -> str:
    return str(finding.detail.get(name, ""))
