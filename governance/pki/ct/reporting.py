"""Opens and closes findings: one fact for what is news, and none for what is known."""

from collections.abc import Collection, Sequence

from governance.ledger.execute import execute
from governance.pki.commands.findings import MOST_AT_ONCE, RecordFindings
from governance.pki.ct.standing import Noticed
from governance.pki.queries.findings import open_among, open_keys
from governance.pki.worker import WORKER


def report(opened: Sequence[Noticed], closed: Collection[str] = (), *, reason: str = "checked the logs") -> None:
    """Open what was noticed and close the findings with these keys.

    What is open stays open, and what is closed stays closed; when neither says anything new, no lock is taken.
    """
    there = open_among([*(each.key for each in opened), *closed])
    fresh = [each for each in opened if each.key not in there]
    over = sorted(key for key in closed if key in there)
    for start in range(0, max(len(fresh), len(over)), MOST_AT_ONCE):
        some, gone = fresh[start : start + MOST_AT_ONCE], over[start : start + MOST_AT_ONCE]
        execute(RecordFindings(opened=tuple(some), closed=tuple(gone)), by=WORKER, reason=reason)


def report_all(prefix: str, noticed: Sequence[Noticed], *, reason: str = "checked the logs") -> None:
    """Let `noticed` be all that is open of what has a key with this prefix."""
    report(noticed, open_keys(prefix) - {each.key for each in noticed}, reason=reason)
