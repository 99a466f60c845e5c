"""Who uses certificates: workloads, the tokens by which they join, and how services are called."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.interceptors.limit import Buckets, OverLimit
from gateway.rest import forms
from gateway.rest.asked import PAGE, etag, page_size, position, text, token
from gateway.rest.caller import trace_id_of
from gateway.rest.declare import changes, public, reads
from gateway.rest.scope import service_of, visible
from gateway.rest.shapes import workloads as shapes
from gateway.rest.view import GovernedView
from governance.kernel.actor import Origin
from governance.kernel.clock import now
from governance.kernel.errors import NotFound
from governance.ledger import queries as ledger
from governance.pki import commands, enrolment
from governance.pki.queries import workloads
from governance.pki.status import TransportView, WorkloadView

# A room of machines behind one address may join at once; who guesses at tokens gets nowhere in any case.
JOINS_PER_S, JOINS_AT_ONCE = 10.0, 500


class Workloads(GovernedView):
    """The workloads that the caller may see."""

    topic = "workloads"

    @reads("pki.read", shapes.WorkloadPage, query=("namespace", *PAGE))
    def get(self, request: Request) -> Response:
        """List workloads by namespace and name."""
        size, place = page_size(request), position(request, str, str)
        revision = ledger.head_revision()
        found = workloads.workloads(
            namespaces=visible(self.actor, "pki.read", text(request, "namespace")),
            after=(place[0], place[1]) if place else None,
            limit=size + 1,
        )
        page = found[:size]
        answer = {
            "workloads": page,
            "next_page_token": token(page[-1].namespace, page[-1].name) if len(found) > size else "",
            "revision": revision,
        }
        return Response(shapes.WorkloadPage(answer).data)


class OneWorkload(GovernedView):
    """One workload."""

    topic = "workload"

    @reads("pki.read", shapes.Workload)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """Read its identity and its newest certificate."""
        found = self._seen(namespace, name)
        changed = ledger.last_revision(f"workload/{namespace}/{name}")
        return Response(shapes.Workload(found).data, headers={"ETag": etag(changed)})

    @changes("pki.revoke", form=forms.WorkloadForm)
    def patch(self, request: Request, namespace: str, name: str) -> Response:
        """Enable it, or disable it: a disabled one may do nothing, whatever certificate it shows."""
        body = self.body(request)
        command = commands.SetWorkload(namespace=namespace, workload=name, enabled=body["enabled"])
        return self.execute(request, command, reason=body["reason"])

    def _seen(self, namespace: str, name: str) -> WorkloadView:
        found = workloads.workload(namespace, name) if self.actor.may("pki.read", namespace) else None
        if found is None:
            raise NotFound(f"there is no workload {name} in namespace {namespace}", field="name")
        return found


class Join(GovernedView):
    """A workload's first certificate."""

    topic = "joining"
    turns = Buckets(per_s=JOINS_PER_S, burst=JOINS_AT_ONCE)

    @public(form=forms.JoinForm, shape=shapes.Enrolled)
    def post(self, request: Request) -> Response:
        """Exchange a join token, which works once, for a certificate over the key of a signing request."""
        plain = request._request  # noqa: SLF001  (as in caller_of)
        address = plain.META.get("REMOTE_ADDR", "")
        if wait_s := self.turns.take(address):
            raise OverLimit(retry_after_s=wait_s)
        body = self.body(request)
        origin = Origin(door="rest", address=address, trace_id=trace_id_of(plain))
        found = enrolment.join(body["token"], body["csr"].encode(), origin=origin)
        return Response(shapes.Enrolled(found).data)


class JoinTokens(GovernedView):
    """Join tokens."""

    topic = "join_tokens"

    @reads("pki.read", shapes.JoinTokenPage, query=("namespace", *PAGE))
    def get(self, request: Request) -> Response:
        """List join tokens, newest first, those that ended included."""
        size, place, at = page_size(request), position(request, str), now()
        found = workloads.join_tokens(
            namespaces=visible(self.actor, "pki.read", text(request, "namespace")),
            before=place[0] if place else "",
            limit=size + 1,
        )
        tokens: list[dict[str, Any]] = [
            {**{name: getattr(each, name) for name in _OF_TOKEN}, "state": each.state(at)} for each in found[:size]
        ]
        answer = {"tokens": tokens, "next_page_token": token(found[size - 1].id) if len(found) > size else ""}
        return Response(shapes.JoinTokenPage(answer).data)

    @changes("pki.join", form=forms.NewJoinToken, shape=shapes.MadeJoinToken, status=201)
    def post(self, request: Request) -> Response:
        """Make a join token. Its secret is in this answer and nowhere else: a replayed answer does not hold it."""
        body = self.body(request)
        secret = enrolment.new_secret()
        command = commands.CreateJoinToken(
            namespace=body["namespace"],
            workload=body["workload"],
            digest=enrolment.digest(secret),
            lifetime_s=body["lifetime_s"],
        )
        response = self.execute(request, command, reason=body["reason"], created=201)
        response.data["token"] = secret if response.status_code == 201 else ""
        return response


_OF_TOKEN = ("id", "namespace", "workload", "created_at", "expires_at", "used_at", "withdrawn_at", "revision")


class OneJoinToken(GovernedView):
    """One join token."""

    topic = "join_token"

    @changes("pki.join")
    def delete(self, request: Request, namespace: str, token_id: str) -> Response:
        """Let it open nothing any more."""
        return self.execute(request, commands.WithdrawJoinToken(namespace=namespace, id=token_id))


class Transports(GovernedView):
    """How services are called."""

    topic = "transports"

    @reads("pki.read", shapes.TransportPage, query=("namespace", *PAGE))
    def get(self, request: Request) -> Response:
        """List the services for which it was set; all others are called in plain text."""
        size, place = page_size(request), position(request, str, str)
        found = workloads.transports(namespaces=visible(self.actor, "pki.read", text(request, "namespace")))
        rest = [each for each in found if place is None or (each.namespace, each.service) > tuple(place)]
        page = rest[:size]
        answer = {
            "transports": page,
            "next_page_token": token(page[-1].namespace, page[-1].service) if len(rest) > size else "",
        }
        return Response(shapes.TransportPage(answer).data)


class OneTransport(GovernedView):
    """How one service is called."""

    topic = "transport"

    @reads("pki.read", shapes.Transport)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """Read it; revision 0 is the default, which is plain text."""
        service_of(self.actor, "pki.read", namespace, name)
        found = workloads.transport(namespace, name) or TransportView(
            namespace=namespace, service=name, mode="plaintext", server_uris=(), revision=0
        )
        return Response(shapes.Transport(found).data, headers={"ETag": etag(found.revision)})

    @changes("pki.write", form=forms.TransportForm)
    def put(self, request: Request, namespace: str, name: str) -> Response:
        """Let calls go over mutual TLS, to servers with one of these identities only, or in plain text."""
        body = self.body(request)
        command = commands.SetTransport(
            namespace=namespace, service=name, mode=body["mode"], server_uris=tuple(body["server_uris"])
        )
        return self.execute(request, command, reason=body["reason"])
