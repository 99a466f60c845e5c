"""The audit trail: the newest events as they stood, from where the page's own script follows live."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from gateway.pages.diff import diff
from gateway.pages.door import needs, visible
from gateway.pages.signs import OUTCOME
from governance.compliance import queries as calls
from governance.compliance.queries import Call
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.errors import NotFound
from governance.ledger import queries as ledger
from governance.ledger.queries import Entry

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Event:
    """One event of either stream under one set of names."""

    stream: str
    seq: int
    outcome: str
    reason: str
    of: Entry | Call


@needs("audit.read")
def audit(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The trail of one stream, newest first, filtered as the address says."""
    stream = "calls" if request.GET.get("stream") == "calls" else "changes"
    before = request.GET.get("before", "")
    spaces = visible(request, actor, "audit.read")
    wanted = {name: request.GET.get(name, "").strip() for name in ("actor", "action", "outcome")}
    cut = int(before) if before.isdigit() else None
    head = calls.head_seq() if stream == "calls" else ledger.head_revision()
    found = _calls(spaces, wanted, cut) if stream == "calls" else _changes(spaces, wanted, cut)
    context = {
        "stream": stream,
        "events": found,
        "head": head,
        "wanted": wanted,
        "older": found[-1].seq if len(found) == SHOWN else None,
        "before": cut,
        "outcomes": [(name, found.word) for name, found in OUTCOME.items()],
    }
    return render(request, "audit.html", context)


@needs("audit.read")
def event(request: HttpRequest, actor: Actor, stream: str, seq: int) -> HttpResponse:
    """One event in full: where it stands in the tree, and what it changed."""
    found = _event(stream, seq)
    if found is None or not _may_see(actor, found.of.namespace):
        raise NotFound(_("There is no event %(seq)s in this stream.") % {"seq": seq})
    context: dict[str, Any] = {"event": found, "leaf": found.of.leaf.hex(), "index": seq - 1}
    if isinstance(found.of, Entry):
        context["lines"] = diff(found.of.before, found.of.after)
    else:
        context["detail"] = diff(None, found.of.detail)
    return render(request, "event.html", context)


def _may_see(actor: Actor, namespace: str) -> bool:
    held = actor.namespaces("audit.read")
    return EVERYWHERE in held or namespace in held


def _changes(spaces: frozenset[str], wanted: dict[str, str], before: int | None) -> list[Event]:
    if wanted["outcome"] not in ("", "success"):
        return []
    found = ledger.search(namespaces=spaces, actor=wanted["actor"], action=wanted["action"], before=before, limit=SHOWN)
    return [_change(entry) for entry in found]


def _calls(spaces: frozenset[str], wanted: dict[str, str], before: int | None) -> list[Event]:
    found = calls.search(namespaces=spaces, before=before, limit=SHOWN, **wanted)
    return [_call(entry) for entry in found]


def _event(stream: str, seq: int) -> Event | None:
    if stream == "changes":
        entry = ledger.get(seq)
        return _change(entry) if entry else None
    found = calls.search(before=seq + 1, limit=1)
    return _call(found[0]) if stream == "calls" and found and found[0].seq == seq else None


def _change(entry: Entry) -> Event:
    return Event("changes", entry.revision, "success", entry.reason, entry)


def _call(entry: Call) -> Event:
    return Event("calls", entry.seq, entry.outcome, entry.message, entry)
