"""Which logs there are: ours, those that somebody here pinned, and those of the public list."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import httpx
from django.conf import settings

from governance.kernel.errors import GovernanceError, Unavailable
from governance.pki.ct import http, loglist
from governance.pki.ct.http import make_client
from governance.pki.ct.loglist import LogList
from governance.pki.ct.logs import Log, Source
from governance.pki.ct.own.log import own_log
from governance.pki.ct.own.view import OwnView
from governance.pki.ct.reading import LogView

LIST_FILE = "log_list.json"


def pinned() -> dict[bytes, Log]:
    """Our own log, and those of the file GOV_CT_LOGS: to all of them certificates of ours are submitted, by id.

    Raises Unavailable when that file cannot be read or is no log list.
    """
    own = own_log()
    path = settings.GOV.ct_logs
    return {own.log_id: own} | (_by_id(_read(Path(path), "pinned").logs) if path else {})


def listed() -> dict[bytes, Log]:
    """The logs of the public list as it was last fetched; none while there is no list, or none that can be read.

    A damaged list is an alarm (see `publiclist`) and no outage: what rests on the logs that are pinned goes on.
    """
    try:
        found = public_list()
    except Unavailable:
        return {}
    return _by_id(found.logs) if found else {}


def public_list() -> LogList | None:
    """The public list, its signature checked when it was fetched; None while there is none.

    Raises Unavailable when it is damaged.
    """
    path = list_path()
    if path is None:
        return None
    try:
        there = path.exists()
    except OSError as error:
        raise Unavailable(f"the log list {path} cannot be read: {error.strerror}") from None
    return _read(path, "listed") if there else None


def list_path() -> Path | None:
    """Where the public list is kept; None when none is wanted."""
    if not settings.GOV.ct_log_list:
        return None
    return settings.DATA_DIR / "ct" / LIST_FILE


def all_logs() -> dict[bytes, Log]:
    """Every log that is known; what is pinned says more than the list."""
    return listed() | pinned()


def view_of(log: Log) -> LogView:
    """How this log is read: ours from its tables, others over HTTP."""
    return OwnView() if log.source == "own" else http.view_of(log, client())


def _by_id(logs: Iterable[Log]) -> dict[bytes, Log]:
    return {log.log_id: log for log in logs}


def _read(path: Path, source: Source) -> LogList:
    try:
        found = path.stat()
        return _parsed(path, source, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise Unavailable(f"the log list {path} cannot be read: {error.strerror}") from None
    except GovernanceError as error:
        raise Unavailable(f"the log list {path} is not usable: {error}") from None


@lru_cache(maxsize=8)
def _parsed(path: Path, source: Source, changed_ns: int, size_bytes: int) -> LogList:
    del changed_ns, size_bytes  # a file that changed is read again
    return loglist.read(path.read_bytes(), source=source)


@lru_cache(maxsize=1)
def client() -> httpx.Client:
    """The connections to logs, of all threads of this process."""
    return make_client()
