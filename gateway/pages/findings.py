"""What was found about certificates and logs that somebody has to look at, and who said that it may be."""

import json
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

from gateway.pages.door import needs, visible
from gateway.pages.signs import FINDING
from gateway.pages.transparency_words import DETAIL_WORDS, EVIDENCE_WORDS, FINDING_MEANS
from governance.kernel.actor import Actor
from governance.ledger import queries as ledger
from governance.ledger.queries import Entry
from governance.pki.ct.seen import findings_in
from governance.pki.ct.standing import FindingView
from governance.pki.queries.findings import FINDING_STATES

PAGE_SIZE = 50
# Nobody turns so many pages, and there are never more of them open.
MOST = 2000
_LOGS = ("log_unreadable", "log_lies", "log_backlog", "list_stale", "list_invalid")
_BOARD = {
    "served_not_issued": "served_not_issued",
    "served_old": "served_not_newest",
    "not_served": "issued_not_served",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding; `state` is a key of FINDING_STATE, `said` the fact by which somebody acknowledged it."""

    of: FindingView
    state: str
    link: str
    details: Sequence[tuple[str | Promise, str]]
    said: Entry | None

    @property
    def means(self) -> Promise:
        """What it means."""
        return FINDING_MEANS[self.of.kind][0]

    @property
    def advice(self) -> Promise:
        """What to do."""
        return FINDING_MEANS[self.of.kind][1]


@needs("pki.read")
def findings(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list, newest first, filtered by kind and by how they stand."""
    spaces = visible(request, actor, "pki.read")
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "open")
    kind, state = kind if kind in FINDING else "", state if state in FINDING_STATES else "open"
    everything = findings_in(spaces, state=state, limit=MOST)
    counts = Counter(each.kind for each in everything)
    found = [each for each in everything if kind in ("", each.kind)]
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    said = _said(actor, list(page.object_list))
    context = {
        "page": page,
        "rows": [_row(each, said.get(each.revision)) for each in page.object_list],
        "total": len(everything),
        "most": MOST,
        "found": len(found),
        "counts": [(name, counts[name]) for name in FINDING if counts[name]],  # type: ignore[index]  # the same words
        "kind": kind,
        "kinds": [(name, sign.word) for name, sign in FINDING.items()],
        "state": state,
        "states": FINDING_STATES,
    }
    return render(request, "findings.html", context)


def _said(actor: Actor, found: Sequence[FindingView]) -> Mapping[int, Entry]:
    """By revision, the facts of the acknowledgements among them that the reader may read."""
    quiet = [each for each in found if each.acknowledged_at and not each.closed_at]
    return ledger.entries({each.revision for each in quiet if actor.may("audit.read", each.namespace)})


def _row(finding: FindingView, said: Entry | None) -> Row:
    state = "closed" if finding.closed_at else "acknowledged" if finding.acknowledged_at else "alarming"
    return Row(of=finding, state=state, link=link_of(finding), details=_details(finding.detail), said=said)


def link_of(finding: FindingView) -> str:
    """Where more is said of what it is about; empty when nowhere."""
    holder, serial = str(finding.detail.get("holder", "")), str(finding.detail.get("serial", ""))
    kind, _slash, path = holder.partition("/")
    if kind == "certificate":
        return f"/certificates/{path}?tab=logs" + (f"&serial={serial}" if serial else "")
    if kind == "workload":
        return f"/workloads?q={path.rpartition('/')[2]}"
    if finding.kind in _LOGS:
        log_id = str(finding.detail.get("log_id", "")) or finding.key.partition(":")[2]
        return f"/logs#log-{log_id}"
    return f"/board?kind={_BOARD[finding.kind]}" if finding.kind in _BOARD else ""


def _details(detail: Mapping[str, Any]) -> list[tuple[str | Promise, str]]:
    named = [(name, value) for name, value in detail.items() if value not in ("", None, [], {})]
    return [line for name, value in named for line in _lines(name, value)]


def _lines(name: str, value: Any) -> list[tuple[str | Promise, str]]:
    if isinstance(value, Mapping):
        return [(EVIDENCE_WORDS.get(key, key), str(text)) for key, text in value.items()]
    word = DETAIL_WORDS.get(name, name)
    if name == "certificate":
        return [(word, _pem(str(value)))]
    if isinstance(value, list):
        return [(word, "\n".join(map(str, value)))]
    return [(word, value if isinstance(value, str) else json.dumps(value))]


def _pem(base64: str) -> str:
    return "\n".join(("-----BEGIN CERTIFICATE-----", *textwrap.wrap(base64, 64), "-----END CERTIFICATE-----"))
