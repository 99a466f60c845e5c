"""A log of real certificates, and what of it is read in tests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx

from governance.pki.ct.fetching import Pace, make_client
from governance.pki.ct.http import view_of
from governance.pki.ct.logs import LogKind
from governance.pki.ct.reading import LogView
from tests.fixtures.ctlog import CtLog
from tests.pki.ct.promising import Above, Wanted, authority

# More than one tile of 256, and a partial one beside it.
SIZE = 300


@cache
def root() -> Above:
    return authority("Root")


@cache
def issuing() -> Above:
    return authority("Issuing", by=root())


def fill(log: CtLog, count: int, *, first: int = 0) -> None:
    """Log so many: two precertificates to each certificate."""
    log.holds = True
    above = [issuing().certificate, root().certificate]
    for n in range(first, first + count):
        wanted = Wanted(f"host-{n}.example.com")
        if n % 3:
            log.add_pre_chain([wanted.precertificate(issuing()), *above])
        else:
            log.add_chain([wanted.certificate(issuing()), *above])
    log.holds = False
    log.sign()


@contextmanager
def served(count: int = 0, *, with_index: bool = True) -> Iterator[CtLog]:
    with CtLog(with_index=with_index) as log:
        fill(log, count)
        yield log


@cache
def client() -> httpx.Client:
    return make_client(timeout_s=5)


def reader(log: CtLog, kind: LogKind = "static", **values: Any) -> LogView:
    """The log as it is read for the first time, at a pace of its own: one test must not slow down the next."""
    return view_of(log.log(kind, **values), client(), pace=Pace())


def certificates(log: CtLog, numbers: Sequence[int]) -> list[bytes]:
    """What was submitted under these indices."""
    return [log.records[n][0].certificate_der for n in numbers]
