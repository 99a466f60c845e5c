"""The board: what was issued, what is logged and what is served, side by side, and wherever they differ."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, get_args

from governance.kernel.actor import EVERYWHERE
from governance.pki.ct.differing import Kind, Row
from governance.pki.ct.reconciling import logging
from governance.pki.ct.serving import Services, serving
from governance.pki.ct.showing import Judged, judged
from governance.pki.queries import served as queries

K = TypeVar("K", bound=Hashable)
KINDS: tuple[Kind, ...] = get_args(Kind)
# The most alarming first: a key in other hands, then what nobody can check, then what is late.
_ORDER: Mapping[Kind, int] = {
    "served_not_issued": 0,
    "logged_not_issued": 1,
    "issued_not_logged": 2,
    "served_not_newest": 3,
    "issued_not_served": 4,
    "abandoned": 5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How many ports are looked at, how many of them answered the last time, and when one was looked at last."""

    ports: int
    answering: int
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Every difference at that time, the most alarming first; an empty board says nothing where nobody `looked`."""

    at: datetime
    rows: tuple[Row, ...]
    looked: Looked

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each kind."""
        counted: Counter[str] = Counter(each.kind for each in self.rows)
        return {kind: counted[kind] for kind in KINDS}

    @property
    def tenants(self) -> dict[str, dict[str, int]]:
        """The same for each namespace that has any."""
        return _counted((each.namespace, each.kind) for each in self.rows)

    @property
    def services(self) -> dict[tuple[str, str], dict[str, int]]:
        """The same for each service (namespace, name) that has any."""
        return _counted(((each.namespace, each.service), each.kind) for each in self.rows if each.service)


def board(namespaces: Collection[str] = (EVERYWHERE,), *, at: datetime) -> Board:
    """What people of these namespaces see of it; "*" among them shows everything."""
    services = Services()
    rows = [
        *serving(at, namespaces=namespaces, services=services),
        *logging(at, namespaces=namespaces, services=services),
    ]
    rows.sort(key=lambda row: (_ORDER[row.kind], row.state, row.namespace, row.subject, row.serial))
    asked = queries.looked(namespaces=namespaces)
    return Board(at=at, rows=tuple(rows), looked=Looked(ports=asked[0], answering=asked[1], at=asked[2]))


def ports(namespaces: Collection[str] = (EVERYWHERE,)) -> list[Judged]:
    """What each port shows by each name that it is asked for, with what is to be said of it."""
    return judged(queries.served(namespaces=namespaces), queries.in_force(namespaces=namespaces))


def _counted(found: Iterable[tuple[K, Kind]]) -> dict[K, dict[str, int]]:
    counted: dict[K, dict[str, int]] = {}
    for key, kind in found:
        counted.setdefault(key, dict.fromkeys(KINDS, 0))[kind] += 1
    return counted
