"""Connected data planes, and the loads they report."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest.asked import PAGE, flag, page_size, position, token, whole
from gateway.rest.declare import reads
from gateway.rest.scope import service_of
from gateway.rest.shapes import dataplane as shapes
from gateway.rest.view import GovernedView
from governance.dataplane import queries as dataplane
from governance.dataplane.values import Client, TypeSync, type_state
from governance.kernel.clock import now
from governance.kernel.errors import NotFound


def _fields(value: Client | TypeSync) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _described(client: Client, at: datetime) -> dict[str, Any]:
    return {
        **_fields(client),
        "state": client.state(at),
        "types": [
            {**_fields(each), "state": type_state(each, at) if client.connected else "offline"} for each in client.types
        ],
    }


class Clients(GovernedView):
    """The data planes that the caller may see."""

    topic = "clients"

    @reads("dataplane.read", shapes.ClientPage, query=("connected_only", *PAGE))
    def get(self, request: Request) -> Response:
        """List clients by node id and name."""
        size, place, at = page_size(request), position(request, str, str), now()
        found = dataplane.clients(connected_only=flag(request, "connected_only"))
        spaces = self.actor.namespaces("dataplane.read")
        seen = [client for each in found if (client := each.seen_from(spaces)) is not None]
        rest = [each for each in seen if place is None or (each.node_id, each.name) > (place[0], place[1])]
        answer = {
            "clients": [_described(each, at) for each in rest[:size]],
            "next_page_token": token(rest[size - 1].node_id, rest[size - 1].name) if len(rest) > size else "",
        }
        return Response(shapes.ClientPage(answer).data)


class OneClient(GovernedView):
    """One data plane."""

    topic = "client"

    @reads("dataplane.read", shapes.Client)
    def get(self, request: Request, client: str) -> Response:
        """Read what a client was sent and acknowledged."""
        found = dataplane.client(client)
        seen = found.seen_from(self.actor.namespaces("dataplane.read")) if found else None
        if seen is None:
            raise NotFound(f"there is no client {client}", field="client")
        return Response(shapes.Client(_described(seen, now())).data)


class LoadsOf(GovernedView):
    """What the clients of one service report."""

    topic = "loads"

    @reads("dataplane.read", shapes.Loads, query=("window_s",))
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """Count calls and errors per endpoint."""
        service_of(self.actor, "dataplane.read", namespace, name)
        until = now()
        since = until - timedelta(seconds=whole(request, "window_s", low=1, high=600, default=60))
        answer = {"loads": dataplane.loads(namespace, name, since=since), "since": since, "until": until}
        return Response(shapes.Loads(answer).data)
