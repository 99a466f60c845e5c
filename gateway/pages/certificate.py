"""One managed certificate: how it stands, its chain, its issues and what happened to it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from gateway.pages import chains, logged, plans, proof
from gateway.pages.certificate_words import CAUSE_WORDS, HOW_WORDS, said
from gateway.pages.certificates import bar_of, editor
from gateway.pages.door import needs
from gateway.pages.lifeline import holders, life_line, state_of
from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import NotFound
from governance.ledger import queries as ledger
from governance.ledger.queries import Entry
from governance.pki.queries import board, certificates
from governance.pki.queries.watching import logged_or_not
from governance.pki.standing import State, standing_of
from governance.pki.status import Certificate, HoldingView, IssuedCertificate

HISTORY, EVENTS = 50, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A certificate with everything its tabs draw on, read once; `history` is newest first."""

    certificate: Certificate
    state: State
    history: Sequence[IssuedCertificate]
    held: Sequence[HoldingView]
    at: datetime

    @property
    def newest(self) -> IssuedCertificate | None:
        """The issue in force, or the one that was last."""
        return next((issue for issue in self.history if issue.serial == self.certificate.serial), None)

    @property
    def waiting(self) -> IssuedCertificate | None:
        """The issue that is put in force once it is proven to be logged."""
        pending = self.certificate.pending
        return next((issue for issue in self.history if pending and issue.serial == pending.serial), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A workload that may fetch it, or one of its processes that does; `holds` is a key of HOLDS."""

    uri: str
    process: str
    holds: str
    issue: IssuedCertificate | None
    how: str
    seen_at: datetime | None


@needs("pki.read")
def certificate(request: HttpRequest, actor: Actor, namespace: str, name: str) -> HttpResponse:
    """The page of a certificate, on the tab that the address asks for."""
    seen = _see(actor, namespace, name)
    tabs = ["status", "chain", "logs", "history", *(["events"] if actor.may("audit.read", namespace) else [])]
    tab = request.GET.get("tab", "status")
    tab = tab if tab in tabs else "status"
    found = seen.certificate
    start = {
        "namespace": namespace,
        "name": name,
        "revision": found.revision,
        "serial": found.serial,
        "spec": found.spec.as_json(),
        "held": dict(holders(seen.held)),
    }
    context = {
        "seen": seen,
        "certificate": found,
        "tab": tab,
        "tabs": tabs,
        "bar": bar_of(found, seen.state, seen.at),
        "processes": len({(each.consumer, each.process) for each in seen.held}),
        "serials": sorted({each.serial for each in seen.held if each.serial}),
        "stands": logged.of_serial(found.serial, logged_or_not([found.serial] if found.serial else [])),
        **editor(actor),
        "causes": CAUSE_WORDS.items(),
        "start": start,
        **_TABS[tab](request, seen),
    }
    return render(request, "certificate.html", context)


def _see(actor: Actor, namespace: str, name: str) -> Seen:
    found = certificates.certificate(namespace, name) if actor.may("pki.read", namespace) else None
    if found is None:
        text = _("There is no certificate %(name)s in namespace %(namespace)s.")
        raise NotFound(text % {"name": name, "namespace": namespace})
    at = now()
    return Seen(
        certificate=found,
        state=standing_of(found).state(at),
        history=certificates.history(namespace, name, limit=HISTORY),
        held=board.held([f"{namespace}/{found.spec.secret_name}"]),
        at=at,
    )


def _status(_request: HttpRequest, seen: Seen) -> dict[str, Any]:
    found = seen.certificate
    ready, issuing = found.ready(seen.at), found.issuing(seen.at)
    return {
        "ready": ready,
        "ready_said": said(ready, found),
        "issuing": issuing,
        "issuing_said": said(issuing, found),
        "line": life_line(found, seen.history, seen.held, at=seen.at),
        "steps": plans.reckoning(found, seen.newest),
        "openings": plans.openings(found, seen.at),
        "turns_critical_at": plans.turns_critical_at(found),
        "plan_warning": plans.warning(found),
        "consumers": _consumers(seen),
        "spec_json": json.dumps(found.spec.as_json(), indent=2, ensure_ascii=False),
    }


def _consumers(seen: Seen) -> list[Consumer]:
    issues = {issue.serial: issue for issue in seen.history}
    there = [_consumer(each, seen.certificate, issues.get(each.serial)) for each in seen.held]
    silent = [uri for uri in seen.certificate.spec.consumers if uri not in {each.uri for each in there}]
    return there + [Consumer(uri=uri, process="", holds="unseen", issue=None, how="", seen_at=None) for uri in silent]


def _consumer(seen: HoldingView, of: Certificate, issue: IssuedCertificate | None) -> Consumer:
    holds = "other" if issue is None else "revoked" if issue.revoked_at else "older"
    return Consumer(
        uri=seen.consumer,
        process=seen.process,
        holds="newest" if issue and seen.serial == of.serial and not issue.revoked_at else holds,
        issue=issue,
        how=str(HOW_WORDS.get(seen.how, seen.how)),
        seen_at=seen.seen_at,
    )


def _chain(request: HttpRequest, seen: Seen) -> dict[str, Any]:
    wanted = request.GET.get("serial", "")
    issue = next((each for each in seen.history if each.serial == wanted), seen.newest)
    found = chains.judged(issue, seen.at) if issue else []
    return {"issue": issue, "judged": found, "links": chains.links(found[0].verdict) if found else []}


def _logs(request: HttpRequest, seen: Seen) -> dict[str, Any]:
    wanted = request.GET.get("serial", "")
    issue = next((each for each in seen.history if each.serial == wanted), seen.newest or seen.waiting)
    if issue is None:
        return {"panel": None}
    return {
        "panel": logged.panel(issue, issuer=seen.certificate.spec.issuer),
        "proof_files": proof.FILES,
        "proof_command": proof.COMMAND,
        "archive": proof.archive_name(issue.serial),
    }


def _history(_request: HttpRequest, seen: Seen) -> dict[str, Any]:
    held, names = holders(seen.held), board.authority_names()
    known = logged_or_not([issue.serial for issue in seen.history])
    rows = [
        {
            "issue": issue,
            "state": state_of(issue, seen.certificate, seen.at),
            "authority": names.get(issue.authority, issue.authority),
            "processes": held.get(issue.serial, 0),
            "stands": logged.of_issue(issue, seen.certificate, known),
        }
        for issue in seen.history
    ]
    return {"rows": rows}


def _events(_request: HttpRequest, seen: Seen) -> dict[str, Any]:
    found = seen.certificate
    things = [f"certificate/{found.path}", *(f"issued/{issue.serial}" for issue in seen.history)]
    own = {entry.revision: entry for entry in ledger.search(things=things, limit=EVENTS)}
    # Many are issued in one step: such a fact is about all of them, and only its own part is shown here.
    shared = ledger.entries({found.revision, *(issue.revision for issue in seen.history)} - set(own))
    narrowed = {revision: entry for revision, each in shared.items() if (entry := _narrowed(each, found))}
    merged = own | narrowed
    return {"changes": [merged[revision] for revision in sorted(merged, reverse=True)][:EVENTS]}


def _narrowed(entry: Entry, found: Certificate) -> Entry | None:
    before, after = (entry.before or {}).get(found.name), (entry.after or {}).get(found.name)
    if entry.thing != f"certificates/{found.namespace}" or not isinstance(after, Mapping):
        return None
    return replace(entry, thing=f"certificate/{found.path}", before=before, after=after)


_TABS: Mapping[str, Callable[[HttpRequest, Seen], dict[str, Any]]] = {
    "status": _status,
    "chain": _chain,
    "logs": _logs,
    "history": _history,
    "events": _events,
}
