"""What happened: the changes, and the calls of the doors."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest.asked import PAGE, page_size, position, text, token
from gateway.rest.declare import reads
from gateway.rest.scope import visible
from gateway.rest.shapes import audit as shapes
from gateway.rest.view import GovernedView
from governance.compliance import queries as compliance
from governance.compliance.queries import Call
from governance.kernel.errors import Invalid
from governance.ledger import queries as ledger
from governance.ledger.queries import Entry

STREAMS = ("changes", "calls")
_FILTERS = ("stream", "namespace", "thing", "actor", "action", "outcome")


class Events(GovernedView):
    """Both streams, one at a time."""

    topic = "events"

    @reads("audit.read", shapes.EventPage, query=(*_FILTERS, *PAGE))
    def get(self, request: Request) -> Response:
        """List events newest first; each filter that is given must match."""
        stream = text(request, "stream") or "changes"
        if stream not in STREAMS:
            raise Invalid(f"is {stream[:80]!r}; {' or '.join(STREAMS)} is allowed", field="stream")
        size, place = page_size(request), position(request, int)
        read = self._changes if stream == "changes" else self._calls
        found = read(request, before=place[0] if place else None, limit=size + 1)
        page = found[:size]
        answer = {"events": page, "next_page_token": token(page[-1]["seq"]) if len(found) > size else ""}
        return Response(shapes.EventPage(answer).data)

    def _changes(self, request: Request, *, before: int | None, limit: int) -> list[dict[str, Any]]:
        if text(request, "outcome") not in ("", "success"):
            return []
        thing = text(request, "thing")
        found = ledger.search(
            namespaces=visible(self.actor, "audit.read", text(request, "namespace")),
            things=[thing] if thing else [],
            actor=text(request, "actor"),
            action=text(request, "action"),
            before=before,
            limit=limit,
        )
        return [_change(entry) for entry in found]

    def _calls(self, request: Request, *, before: int | None, limit: int) -> list[dict[str, Any]]:
        if text(request, "thing"):
            raise Invalid("filters the stream of changes only", field="thing")
        found = compliance.search(
            namespaces=visible(self.actor, "audit.read", text(request, "namespace")),
            actor=text(request, "actor"),
            action=text(request, "action"),
            outcome=text(request, "outcome"),
            before=before,
            limit=limit,
        )
        return [_call(call) for call in found]


_COMMON = ("event_id", "at", "actor", "actor_kind", "action", "namespace", "thing", "door", "address", "trace_id")


def _change(entry: Entry) -> dict[str, Any]:
    return {
        **{name: getattr(entry, name) for name in (*_COMMON, "request_id", "reason", "before", "after")},
        "seq": entry.revision,
        "outcome": "success",
        "status": "OK",
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        **{name: getattr(call, name) for name in (*_COMMON, "request_id", "seq", "outcome", "status")},
        "reason": call.message,
        "before": None,
        "after": None,
    }
