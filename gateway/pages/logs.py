"""Every log that is known here: whether it is believed, how far it was read, and what it was caught at."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from gateway.pages.door import needs
from gateway.pages.proof import attached
from gateway.pages.signs import LOG
from gateway.pages.transparency_words import EVIDENCE_WORDS, LIE_WORDS
from governance.kernel.actor import Actor
from governance.kernel.clock import now, stamp
from governance.kernel.errors import GovernanceError, Invalid, NotFound
from governance.pki.ct import loglist, logset
from governance.pki.ct.loglist import MAX_AGE, LogList
from governance.pki.ct.logs import Log
from governance.pki.ct.logstates import LogState, is_read, log_states
from governance.pki.ct.seen import key_pem, log_with
from governance.pki.queries.logs import known_log

PAGE_SIZE = 100
KEY, ENTRY, EVIDENCE = "log-key.pem", "log.v3.json", "evidence.json"
SOURCES = ("own", "pinned", "listed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A log and how it stands; `state` is a key of LOG_STATE, `searched` says whether its entries are looked at."""

    of: LogState
    state: str
    searched: bool

    @property
    def log_id(self) -> str:
        """Its id in hex."""
        return self.of.known.log_id

    @property
    def root(self) -> str:
        """The root of its tree in hex; empty before the first checkpoint."""
        return self.of.known.root.hex()

    @property
    def lie(self) -> Promise | str:
        """What it was caught at, in words."""
        return LIE_WORDS.get(self.of.known.lie, self.of.known.lie)

    @property
    def evidence(self) -> Sequence[tuple[Promise | str, str]]:
        """What shows that to others, by name."""
        found = self.of.known.lie_evidence or {}
        return [(EVIDENCE_WORDS.get(name, name), str(text)) for name, text in found.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The public list: wanted or not, there or not, and how old it is. `refusal` says why it cannot be used."""

    source: str
    found: LogList | None
    refusal: str
    stale: bool

    @property
    def stale_at(self) -> datetime | None:
        """When it is too old to be trusted."""
        return self.found.at + MAX_AGE if self.found else None


@needs("pki.read")
def logs(request: HttpRequest, actor: Actor) -> HttpResponse:
    """All of them, our own first; those that lie with the evidence."""
    del actor
    at = now()
    rows = [_row(each, at) for each in log_states(at)]
    source, status = request.GET.get("source", ""), request.GET.get("status", "")
    text = request.GET.get("q", "").strip().lower()
    found = [each for each in rows if _matches(each, source=source, status=status, text=text)]
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    statuses = Counter(each.of.status for each in rows)
    context = {
        "page": page,
        "rows": list(page.object_list),
        "total": len(rows),
        "found": len(found),
        "lying": [each for each in rows if each.of.status == "lies"],
        "counts": [(name, statuses[name]) for name in LOG if statuses[name]],  # type: ignore[index]  # the same words
        "freshness": _freshness(at),
        "q": request.GET.get("q", ""),
        "source": source,
        "status": status,
        "statuses": [(name, sign.word) for name, sign in LOG.items()],
        "files": {"key": KEY, "entry": ENTRY, "evidence": EVIDENCE},
        "max_age": MAX_AGE // timedelta(days=1),
    }
    return render(request, "logs.html", context)


def _row(state: LogState, at: datetime) -> Row:
    named = "denied" if state.log.is_denied else state.log.state_at(at)
    return Row(of=state, state=named, searched=is_read(state.log, at))


def _matches(row: Row, *, source: str, status: str, text: str) -> bool:
    log = row.of.log
    said = f"{log.description} {log.operator} {row.log_id} {log.origin}".lower()
    return source in ("", log.source) and status in ("", row.of.status) and text in said


def _freshness(at: datetime) -> Freshness:
    refusal, found = "", None
    try:
        found = logset.public_list()
    except GovernanceError as error:
        refusal = error.message
    stale = found is not None and found.is_stale(at)
    return Freshness(source=settings.GOV.ct_log_list, found=found, refusal=refusal, stale=stale)


@needs("pki.read")
def log_file(request: HttpRequest, actor: Actor, log_id: str, name: str) -> HttpResponse:
    """The log's key, its entry as a list of one, or what it was caught at."""
    del request, actor
    try:
        log = log_with(log_id)
    except Invalid as refusal:
        raise NotFound(refusal.message) from None
    if name == KEY:
        return attached(name, key_pem(log).encode(), "application/x-pem-file")
    if name == ENTRY:
        return attached(name, loglist.to_json((log,), at=now()).encode(), "application/json")
    evidence = _evidence(log) if name == EVIDENCE else None
    if evidence is None:
        raise NotFound(_("There is no file %(name)s of this log.") % {"name": name})
    return attached(name, json.dumps(evidence, indent=2).encode(), "application/json")


def _evidence(log: Log) -> Mapping[str, Any] | None:
    """All that a stranger needs to see that the log broke its word; None when it did not."""
    known = known_log(log.log_id.hex())
    if not known.lie:
        return None
    return {
        "log_id": known.log_id,
        "description": log.description,
        "operator": log.operator,
        "key_pem": key_pem(log),
        "caught_at": stamp(known.lie_at) if known.lie_at else "",
        "kind": known.lie,
        "message": known.lie_message,
        "evidence": dict(known.lie_evidence or {}),
    }
