"""Follows a directory of key pairs: each new good pair is handed on, a bad one never."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog
import watchfiles
from prometheus_client import Counter

from gateway.tls.directory import read_set
from gateway.tls.pair import Pair, check_pair
from governance.kernel.errors import GovernanceError, Invalid
from governance.pki.pem import chain_from_pem

CHAIN, KEY, ROOTS = "tls.crt", "tls.key", "ca.crt"
POLL_S = 10.0
# Whoever writes file by file is given this long between two of them.
SETTLE_S = 0.5
# How long the kernel's reports are gathered, and how often the gathering looks at the clock.
_GATHER_MS, _STEP_MS = 100, 100
log = structlog.get_logger(__name__)

read_total = Counter("governor_tls_pairs_read_total", "Key pairs read from a watched directory and handed on")
refused_total = Counter("governor_tls_pairs_refused_total", "Contents of a watched directory that were refused")

OnRefused = Callable[[GovernanceError], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What lay in the directory: the pair, and the roots to trust in others; empty where there is no ca.crt."""

    pair: Pair
    roots_pem: bytes


def _say_refused(error: GovernanceError) -> None:
    log.error("a key pair was refused, the last good one stays", reason=str(error))


def delivered(files: Mapping[str, bytes], *, anchored: bool = False) -> Delivery:
    """What `files` hold under tls.crt, tls.key and ca.crt, checked; `anchored`: below a root of ca.crt."""
    for name in (CHAIN, KEY, *((ROOTS,) if anchored else ())):
        if name not in files:
            raise Invalid(f"there is no {name}", field=name)
    roots_pem = files.get(ROOTS, b"")
    if roots_pem:
        chain_from_pem(roots_pem, field=ROOTS)
    pair = check_pair(files[CHAIN], files[KEY], roots_pem=roots_pem if anchored else b"")
    return Delivery(pair=pair, roots_pem=roots_pem)


async def watched(
    directory: Path,
    *,
    poll_s: float = POLL_S,
    settle_s: float = SETTLE_S,
    anchored: bool = False,
    on_refused: OnRefused = _say_refused,
) -> AsyncGenerator[Delivery, None]:
    """Each good content of `directory`, from the present one on; the same content is handed on once.

    The kernel says when something changes; what it does not say (a directory that is mounted anew, a network file
    system) is seen after `poll_s`. What is bad is read again after `settle_s` and then told to `on_refused`, once per
    content. Ends only when it is closed.
    """
    latest = refused = ""
    async with aclosing(_ticks(directory, poll_s)) as ticks:
        async for _ in ticks:
            found = await _look(directory, latest=latest, anchored=anchored)
            if isinstance(found.outcome, GovernanceError) and found.content != refused:
                await asyncio.sleep(settle_s)
                found = await _look(directory, latest=latest, anchored=anchored)
            if isinstance(found.outcome, GovernanceError):
                if found.content != refused:
                    refused = found.content
                    refused_total.inc()
                    on_refused(found.outcome)
            else:
                refused = ""
                if found.outcome is not None:
                    latest = found.content
                    read_total.inc()
                    yield found.outcome


@dataclass(frozen=True, slots=True)
class _Found:
    """A content by its hash, and what is to be done about it; None: nothing."""

    content: str
    outcome: Delivery | GovernanceError | None


async def _look(directory: Path, *, latest: str, anchored: bool) -> _Found:
    content = ""
    try:
        files = await asyncio.to_thread(read_set, directory)
        content = _hash({name: files[name] for name in (CHAIN, KEY, ROOTS) if name in files})
        return _Found(content, None if content == latest else delivered(files, anchored=anchored))
    except GovernanceError as error:
        return _Found(content or str(error), error)


def _hash(files: Mapping[str, bytes]) -> str:
    parts = (part for name in sorted(files) for part in (name.encode(), hashlib.sha256(files[name]).digest()))
    return hashlib.sha256(b"".join(parts)).hexdigest()


async def _ticks(directory: Path, poll_s: float) -> AsyncGenerator[None, None]:
    """Now, whenever something changes in `directory`, and `poll_s` after the last time."""
    while True:
        try:
            inode = await asyncio.to_thread(_inode, directory)
            async with aclosing(_reports(directory, poll_s)) as reports:
                # When another directory takes its place, the kernel still reports on the one that stood there before.
                while await asyncio.to_thread(_inode, directory) == inode:
                    report = asyncio.ensure_future(anext(reports))
                    await asyncio.sleep(0)  # it listens from here on, so that nothing falls between look and report
                    try:
                        yield
                        await report
                    finally:
                        report.cancel()
                        await asyncio.wait({report})
        except (OSError, RuntimeError):  # no such directory, or the kernel watches too much already: poll
            yield
            await asyncio.sleep(poll_s)


def _inode(directory: Path) -> int:
    return directory.stat().st_ino


def _reports(directory: Path, poll_s: float) -> AsyncGenerator[object, None]:
    return watchfiles.awatch(
        directory,
        watch_filter=None,
        debounce=_GATHER_MS,
        step=_STEP_MS,
        rust_timeout=int(poll_s * 1000),
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    )
