"""The board: what was issued, what is logged and what is served, side by side, and wherever they differ."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

from gateway.pages.door import needs, visible
from gateway.pages.signs import BOARD
from gateway.pages.transparency_words import BOARD_MEANS
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.pki.ct import board as boards
from governance.pki.ct.differing import Kind
from governance.pki.ct.differing import Row as Difference
from governance.pki.ct.showing import Judged

PAGE_SIZE = 50
NOBODY = "-"  # in the address, what belongs to no service


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One kind of difference: how many there are, and how many of which nobody can tell."""

    kind: Kind
    means: Promise
    so: int
    unknown: int

    @property
    def word(self) -> str:
        """Its name."""
        return str(BOARD[self.kind].word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One difference; `shown` is what the port showed that it is about, where it is about one."""

    of: Difference
    link: str
    shown: Judged | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A tenant, or a service of one, with its differences by kind."""

    namespace: str
    service: str
    counts: Sequence[tuple[str, int]]
    total: int

    @property
    def path(self) -> str:
        """namespace/service, as the address asks for it."""
        return f"{self.namespace}/{self.service}"


@needs("pki.read")
def board(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every difference, counted by kind, tenant and service, and filtered by each."""
    spaces = visible(request, actor, "pki.read")
    found = boards.board(spaces, at=now())
    wanted = {name: request.GET.get(name, "") for name in ("kind", "tenant", "service", "q")}
    matching = [each for each in found.rows if _matches(each, wanted)]
    page = Paginator(matching, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = _shown(spaces) if any(each.target[:1] == ("port",) for each in page.object_list) else {}
    context = {
        "page": page,
        "rows": [_row(each, shown) for each in page.object_list],
        "total": len(found.rows),
        "found": len(matching),
        "looked": found.looked,
        "cards": _cards(found.rows),
        "tenants": _groups(((each.namespace, ""), each.kind) for each in found.rows),
        "services": _groups(((each.namespace, each.service), each.kind) for each in found.rows if each.service),
        "kinds": [(name, sign.word) for name, sign in BOARD.items() if name in boards.KINDS],
        "wanted": wanted,
        "filtered": any(wanted.values()),
    }
    return render(request, "board.html", context)


def _matches(row: Difference, wanted: Mapping[str, str]) -> bool:
    service = f"{row.namespace}/{row.service}" if row.service else NOBODY
    text = wanted["q"].strip().lower()
    return (
        wanted["kind"] in ("", row.kind)
        and wanted["tenant"] in ("", row.namespace)
        and wanted["service"] in ("", service)
        and text in f"{row.subject} {row.serial} {row.service}".lower()
    )


def _cards(rows: Iterable[Difference]) -> list[Card]:
    counts = Counter((each.kind, each.state) for each in rows)
    return [
        Card(kind=kind, means=BOARD_MEANS[kind], so=counts[kind, "so"], unknown=counts[kind, "unknown"])
        for kind in sorted(boards.KINDS, key=list(BOARD).index)
    ]


def _groups(found: Iterable[tuple[tuple[str, str], Kind]]) -> list[Group]:
    by: dict[tuple[str, str], Counter[str]] = {}
    for place, kind in found:
        by.setdefault(place, Counter())[kind] += 1
    groups = [
        Group(
            namespace=place[0],
            service=place[1],
            counts=[(kind, counts[kind]) for kind in BOARD if counts[kind]],
            total=counts.total(),
        )
        for place, counts in by.items()
    ]
    return sorted(groups, key=lambda group: (-group.total, group.namespace, group.service))


def _shown(spaces: Collection[str]) -> dict[tuple[str, str], Judged]:
    """What each port shows, as far as the reader may know it."""
    ports = [each for each in boards.ports(spaces) if EVERYWHERE in spaces or each.namespace in spaces]
    return {(each.port.address, each.port.server_name): each for each in ports}


def _row(row: Difference, shown: Mapping[tuple[str, str], Judged]) -> Row:
    port = shown.get((row.target[1], row.target[2])) if row.target[:1] == ("port",) else None
    return Row(of=row, link=link_of(row), shown=port)


def link_of(row: Difference) -> str:
    """Where more is said of what it is about; empty when nowhere."""
    kind, *place = row.target or ("",)
    find = _LINKS.get(kind)
    return find(row, place) if find else ""


def _to_issued(row: Difference, place: Sequence[str]) -> str:
    """The subject is the holder, of managed certificates without its kind."""
    kind, _, rest = row.subject.partition("/")
    if "/" in rest:
        return f"/workloads?{urlencode({'q': rest.rpartition('/')[2]})}" if kind == "workload" else ""
    return f"/certificates/{row.subject}?{urlencode({'tab': 'logs', 'serial': place[0]})}"


_LINKS: Mapping[str, Callable[[Difference, Sequence[str]], str]] = {
    "certificate": lambda _row, place: f"/certificates/{place[0]}/{place[1]}",
    "workload": lambda _row, place: f"/workloads?{urlencode({'q': place[1]})}",
    "issued": _to_issued,
    "port": lambda _row, place: f"/monitor#port-{place[0]}-{place[1]}",
    "finding": lambda _row, place: f"/findings#finding-{place[0]}",
    "entry": lambda _row, _place: "/logs?source=own",
}
