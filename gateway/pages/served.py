"""Which certificate answers for which name: what a client that asks for it by SNI is shown, tenant by tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages.door import needs, visible
from gateway.pages.signs import SERVED
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.pki.queries import board
from governance.pki.queries.board import Served
from governance.pki.queries.certificates import certificate
from governance.pki.setup import NAMESPACE, NOBODY

PAGE_SIZE, SHOWN = 100, 3
Finding = Literal["alone", "shadowed", "shadows", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A name and its certificate; `others` are those that it meets, all of them in its own namespace."""

    of: Served
    finding: Finding
    others: Sequence[Served]

    @property
    def more(self) -> int:
        """How many it meets beyond those that are shown."""
        return max(0, len(self.others) - SHOWN)


@needs("pki.read")
def served(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The map of names."""
    spaces = visible(request, actor, "pki.read")
    held = actor.namespaces("pki.read")
    text, only = request.GET.get("q", "").strip().lower(), request.GET.get("only", "")
    rows = findings(board.served(now(), namespaces=spaces))
    matching = [row for row in rows if text in row.of.dns_name and (not only or row.finding == only)]
    page = Paginator(matching, PAGE_SIZE).get_page(request.GET.get("page"))
    nobody = certificate(NAMESPACE, NOBODY)
    context = {
        "page": page,
        "rows": list(page.object_list),
        "total": len(rows),
        "found": len(matching),
        "conflicts": sum(row.finding == "conflict" for row in rows),
        "q": request.GET.get("q", ""),
        "only": only,
        "findings": [(name, sign.word) for name, sign in SERVED.items()],
        "nobody": nobody,
        "sees_nobody": nobody is not None and (EVERYWHERE in held or NAMESPACE in held),
    }
    return render(request, "served.html", context)


def findings(everything: Sequence[Served]) -> list[Row]:
    """What is to be said of each name. No command lets a certificate have a name of another namespace.

    Two certificates for one name are in conflict. A wildcard does not answer for a name that has its own.
    """
    by_name: dict[str, list[Served]] = {}
    below: dict[str, list[Served]] = {}
    for each in everything:
        by_name.setdefault(each.dns_name, []).append(each)
        below.setdefault(_wildcard_over(each.dns_name), []).append(each)
    return [_row(each, by_name, below) for each in everything]


def _row(each: Served, by_name: dict[str, list[Served]], below: dict[str, list[Served]]) -> Row:
    if same := [other for other in by_name[each.dns_name] if not _is(other, each)]:
        return Row(of=each, finding="conflict", others=same)
    if each.dns_name.startswith("*."):
        near = [other for other in below.get(each.dns_name, []) if not other.dns_name.startswith("*.")]
        otherwise: Finding = "shadowed"
    else:
        near = by_name.get(_wildcard_over(each.dns_name), [])
        otherwise = "shadows"
    near = [other for other in near if not _is(other, each)]
    return Row(of=each, finding=otherwise if near else "alone", others=near)


def _wildcard_over(name: str) -> str:
    return "*." + name.partition(".")[2]


def _is(one: Served, other: Served) -> bool:
    return (one.namespace, one.certificate) == (other.namespace, other.certificate)
