"""Fetches the public list of logs, and puts in force only what its publisher signed and what is not older."""

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import structlog
from django.conf import settings

from governance.kernel.actor import EVERYWHERE
from governance.kernel.errors import Invalid, Unavailable
from governance.pki.ct import deadline, loglist, logset
from governance.pki.ct.loglist import MAX_AGE, MAX_BYTES, LogList
from governance.pki.ct.reporting import report
from governance.pki.ct.standing import Noticed

INVALID, STALE = "list_invalid:public", "list_stale:public"
EVERY = timedelta(hours=6)
DEADLINE_S = 60.0
_SIGNATURE_BYTES = 16 * 1024
_AS_IT_IS = {"accept-encoding": "identity"}
log = structlog.get_logger(__name__)


def keep_list(at: datetime, *, client: httpx.Client | None = None) -> None:
    """Fetch the list when it is due, and report when it is not to be believed or too old.

    Whatever comes, the list in force stays until a better one is there: old, it is an alarm and no outage.
    """
    if not settings.GOV.ct_log_list:
        report([], {INVALID, STALE}, reason="no public log list is wanted")
        return
    opened, closed = list[Noticed](), set[str]()
    damage = _damage()
    try:
        if damage or _is_due(at):
            fetch(client=client)
            closed.add(INVALID)
    except Invalid as refusal:
        opened.append(_noticed(INVALID, f"was not put in force: {refusal}"))
    except Unavailable as error:
        log.warning("the public log list cannot be fetched", reason=error.message)
        if damage:
            opened.append(_noticed(INVALID, f"is damaged, and there is no other to be had: {damage}"))
    why = _stale(at)
    if why:
        opened.append(_noticed(STALE, why))
    else:
        closed.add(STALE)
    report(opened, closed, reason="checked the public log list")


def fetch(*, client: httpx.Client | None = None) -> LogList:
    """Fetch the list and put it in force.

    Raises Invalid for one that its key did not sign, that cannot be read, or that is older than the one in force, as
    one is that somebody kept to hide what was added since; Unavailable when there is none to be had.
    """
    data, signature = _received(settings.GOV.ct_log_list, client)
    loglist.check_signature(data, signature, _key())
    found = loglist.read(data, source="listed")
    current = _in_force()
    if current is not None and found.at < current.at:
        raise Invalid(f"the list of {found.at:%Y-%m-%d %H:%M} is older than that of {current.at:%Y-%m-%d %H:%M}")
    _store(data)
    return found


def _is_due(at: datetime) -> bool:
    """A file is looked at each time; an address when the list in force was fetched some hours ago."""
    path = logset.list_path()
    if path is None or not _is_address(settings.GOV.ct_log_list):
        return True
    try:
        return at.timestamp() - path.stat().st_mtime >= EVERY.total_seconds()
    except OSError:
        return True


def _in_force() -> LogList | None:
    try:
        return logset.public_list()
    except Unavailable:
        return None  # the file was damaged, and is replaced


def _damage() -> str:
    """Why the list in force cannot be read; empty when it can, or when there is none."""
    try:
        logset.public_list()
    except Unavailable as error:
        return error.message
    return ""


def _stale(at: datetime) -> str:
    current = _in_force()
    if current is None:
        return "there is none: of no public log can be said whether it is to be believed"
    if not current.is_stale(at):
        return ""
    return f"is of {current.at:%Y-%m-%d}, and older than {MAX_AGE.days} days: logs may have come and gone since"


def _received(place: str, client: httpx.Client | None) -> tuple[bytes, bytes]:
    """The list and its signature, which stands beside it."""
    beside = place.removesuffix(".json") + ".sig"
    if not _is_address(place):
        return _read(Path(place), MAX_BYTES), _read(Path(beside), _SIGNATURE_BYTES)
    client = client or logset.client()
    return _get(client, place, MAX_BYTES), _get(client, beside, _SIGNATURE_BYTES)


def _is_address(place: str) -> bool:
    return place.startswith("https://")


def _read(path: Path, cap_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(cap_bytes + 1)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from None
    return _bounded(data, str(path), cap_bytes)


def _get(client: httpx.Client, address: str, cap_bytes: int) -> bytes:
    """What is at the address, as it is: bounded in size and time, and not from anywhere else."""
    data = bytearray()
    try:
        with deadline.within(DEADLINE_S), client.stream("GET", address, headers=_AS_IT_IS) as response:
            if response.status_code != httpx.codes.OK:
                raise Unavailable(f"{address} answered {response.status_code}")
            for chunk in response.iter_raw():
                data += chunk
                if len(data) > cap_bytes:
                    break
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise Unavailable(f"{address} cannot be read: {str(error) or type(error).__name__}") from None
    return _bounded(bytes(data), address, cap_bytes)


def _bounded(data: bytes, place: str, cap_bytes: int) -> bytes:
    if len(data) > cap_bytes:
        raise Invalid(f"{place} has more than {cap_bytes} bytes")
    return data


def _key() -> str:
    """The key by which alone a list is believed: the PEM itself, or the file that holds it."""
    given: str = settings.GOV.ct_log_list_key
    if given.lstrip().startswith("-----BEGIN"):
        return given
    return _read(Path(given), _SIGNATURE_BYTES).decode("ascii", "replace")


def _store(data: bytes) -> None:
    """Put the list in force at once and whole, and remember by its time when that was."""
    path = logset.list_path()
    if path is None:
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unavailable(f"{path}: {error.strerror}") from None


def _noticed(key: str, message: str) -> Noticed:
    kind, _, _ = key.partition(":")
    return Noticed(
        key=key,
        kind=kind,  # type: ignore[arg-type]  # one of two
        namespace=EVERYWHERE,
        subject="the public log list",
        message=message,
        detail={"place": settings.GOV.ct_log_list},
    )
