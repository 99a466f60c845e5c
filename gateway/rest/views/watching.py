"""What was found out about certificates and logs, and what is watched."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import PAGE, etag, page_size, position, text, token
from gateway.rest.declare import changes, reads
from gateway.rest.scope import visible
from gateway.rest.shapes import transparency as shapes
from gateway.rest.view import GovernedView
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.pki import commands
from governance.pki.ct import seen
from governance.pki.ct.board import board
from governance.pki.ct.seen import Listening

_FINDINGS = {
    "namespace": "",
    "kind": "only of this kind",
    "state": "open (unless told): what is so; alarming: what is so and nobody acknowledged; acknowledged; closed; all",
    **dict.fromkeys(PAGE, ""),
}


class Findings(GovernedView):
    """What somebody has to look at."""

    topic = "findings"

    @reads("pki.read", shapes.FindingPage, query=_FINDINGS)
    def get(self, request: Request) -> Response:
        """List what was found, newest first; what is about the installation only to those who may read everywhere."""
        size, place = page_size(request), position(request, int, str)
        revision = ledger.head_revision()
        found = seen.findings_in(
            visible(self.actor, "pki.read", text(request, "namespace")),
            kind=text(request, "kind"),
            state=text(request, "state"),
            after=(place[0], place[1]) if place else None,
            limit=size + 1,
        )
        page = found[:size]
        answer = {
            "findings": page,
            "next_page_token": token(*seen.place(page[-1])) if len(found) > size else "",
            "revision": revision,
        }
        return Response(shapes.FindingPage(answer).data)


class AcknowledgeFinding(GovernedView):
    """One finding, acknowledged."""

    topic = "finding_acknowledgement"

    @changes("pki.transparency", form=forms.Acknowledgement)
    def post(self, request: Request, finding: str) -> Response:
        """Say that it may be so, and why: it alarms no longer, for good."""
        body = self.body(request)
        found = seen.finding_seen(self.actor, finding)
        command = commands.AcknowledgeFinding(namespace=found.namespace, id=found.id)
        return self.execute(request, command, reason=body["reason"])


_BOARD = {
    "namespace": "",
    "kind": "only rows of this kind",
    "service": "only rows about the service of this name",
    **dict.fromkeys(PAGE, ""),
}


class BoardOf(GovernedView):
    """What was issued, what is logged, and what is served."""

    topic = "board"

    @reads("pki.read", shapes.Board, query=_BOARD)
    def get(self, request: Request) -> Response:
        """Read where they differ, for the caller's namespaces."""
        size, place = page_size(request), position(request, int)
        start = max(0, place[0]) if place else 0
        whole = board(visible(self.actor, "pki.read", text(request, "namespace")), at=now())
        rows = seen.rows_of(whole, kind=text(request, "kind"), service=text(request, "service"))
        answer = {
            "rows": rows[start : start + size],
            "next_page_token": token(start + size) if len(rows) > start + size else "",
            "counts": whole.counts,
            "tenants": [_counts(name, "", counts) for name, counts in sorted(whole.tenants.items())],
            "services": [_counts(*service, counts) for service, counts in sorted(whole.services.items())],
            "at": whole.at,
            "ports": whole.looked.ports,
            "ports_answering": whole.looked.answering,
            "looked_at": whole.looked.at,
        }
        return Response(shapes.Board(answer).data)


def _counts(namespace: str, service: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {"namespace": namespace, "service": service, "counts": counts}


class Gates(GovernedView):
    """What certificates need before they are put in force."""

    topic = "gates"

    @reads("pki.read", shapes.LogGates)
    def get(self, request: Request) -> Response:
        """List the gates of the issuers that serve the caller's namespaces."""
        return Response(shapes.LogGates({"gates": seen.gates_seen(self.actor)}).data)


class OneGate(GovernedView):
    """What the certificates of one issuer need."""

    topic = "gate"

    @reads("pki.read", shapes.LogGate)
    def get(self, request: Request, issuer: str) -> Response:
        """Read it."""
        found = seen.gate_seen(self.actor, issuer)
        return Response(shapes.LogGate(found).data, headers={"ETag": etag(found.revision)})

    @changes("pki.transparency", form=forms.GateForm)
    def put(self, request: Request, issuer: str) -> Response:
        """Let them be put in force only when they are proven to be logged, or also otherwise, which needs a reason."""
        body = self.body(request)
        return self.execute(request, commands.SetTransparency(issuer=issuer, mode=body["mode"]), reason=body["reason"])


class WatchedNames(GovernedView):
    """The names for which logs are searched."""

    topic = "watched_names"

    @reads("pki.read", shapes.Watched)
    def get(self, request: Request) -> Response:
        """Read those beside the names of our own certificates; told to who may read everywhere."""
        found = seen.watched_seen(self.actor)
        return Response(shapes.Watched(found).data, headers={"ETag": etag(found.revision)})

    @changes("pki.transparency", form=forms.WatchedForm)
    def put(self, request: Request) -> Response:
        """Replace them, whole: at most 500 names of two labels or more. What is below them is watched too."""
        body = self.body(request)
        return self.execute(request, commands.WatchNames(names=tuple(body["names"])), reason=body["reason"])


def _listening(value: Listening) -> dict[str, Any]:
    """A port that is looked at, and what it showed the last time."""
    listener, shown = value.listener, value.shown
    return {
        **{name: getattr(listener, name) for name in ("id", "namespace", "address", "server_name", "revision")},
        **{name: getattr(shown, name) if shown else "" for name in ("serial", "fingerprint", "error")},
        **{name: getattr(shown, name) if shown else None for name in ("seen_at", "asked_at")},
    }


class Listeners(GovernedView):
    """The TLS ports that are looked at besides the endpoints of services."""

    topic = "listeners"

    @reads("pki.read", shapes.ListenerPage, query=("namespace", *PAGE))
    def get(self, request: Request) -> Response:
        """List them by namespace and address."""
        size, place = page_size(request), position(request, str, str, str)
        found = seen.listeners_in(
            visible(self.actor, "pki.read", text(request, "namespace")),
            after=(place[0], place[1], place[2]) if place else None,
            limit=size + 1,
        )
        page = found[:size]
        answer = {
            "listeners": [_listening(each) for each in page],
            "next_page_token": token(*seen.listener_place(page[-1].listener)) if len(found) > size else "",
        }
        return Response(shapes.ListenerPage(answer).data)

    @changes("pki.transparency", form=forms.NewListener, status=201)
    def post(self, request: Request) -> Response:
        """Look at a port. The receipt's thing ends in the listener's id."""
        body = self.body(request)
        command = commands.AddListener(
            namespace=body["namespace"], address=body["address"], server_name=body["server_name"]
        )
        return self.execute(request, command, reason=body["reason"], created=201)


class OneListener(GovernedView):
    """One port that is looked at."""

    topic = "listener"

    @changes("pki.transparency")
    def delete(self, request: Request, namespace: str, listener: str) -> Response:
        """Look at it no longer."""
        return self.execute(request, commands.RemoveListener(namespace=namespace, id=listener))
