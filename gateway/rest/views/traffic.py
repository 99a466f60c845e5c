"""How the calls of each service are balanced."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import PAGE, Terms, etag, page_size, position, terms_of, text, token
from gateway.rest.declare import asks, changes, reads
from gateway.rest.scope import service_of, visible
from gateway.rest.shapes import traffic as shapes
from gateway.rest.shapes.common import Receipt
from gateway.rest.view import GovernedView
from governance.dataplane import queries as dataplane
from governance.kernel.errors import GovernanceError, Invalid, Violation
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.registry import queries as registry
from governance.registry.values import Service
from governance.traffic import queries as traffic
from governance.traffic.commands import RestoreBalancing, SwitchBalancing
from governance.traffic.progress import answers
from governance.traffic.queries import InForce
from governance.traffic.shares import intended
from governance.traffic.values import Balancing, long_name


def _shares(balancing: Balancing, service: Service) -> list[dict[str, Any]]:
    zones = service.zones if balancing.policy == "zone_aware" else ("",)
    return [
        {"client_zone": zone, "share_ppm": intended(balancing, service.endpoints, client_zone=zone) or {}}
        for zone in zones
    ]


def _state(service: Service, force: InForce) -> dict[str, Any]:
    return {
        "namespace": service.namespace,
        "service": service.name,
        "balancing": force.balancing.as_json(),
        "revision": force.revision,
        "at": force.at,
        "intended": _shares(force.balancing, service),
    }


def _balancing_of(body: Mapping[str, Any]) -> Balancing:
    given = {name: value for name, value in body.items() if name not in ("force", "reason")}
    if "order" in given:
        given["order"] = tuple(given["order"])
    return Balancing(**{**given, "policy": long_name(given["policy"])})


class BalancingList(GovernedView):
    """The balancing of every service that the caller may read."""

    topic = "balancings"

    @reads("traffic.read", shapes.BalancingPage, query=("namespace", *PAGE))
    def get(self, request: Request) -> Response:
        """List what is in force, by namespace and service."""
        size, place = page_size(request), position(request, str, str)
        revision = ledger.head_revision()
        found = registry.services(
            namespaces=visible(self.actor, "traffic.read", text(request, "namespace")),
            after=(place[0], place[1]) if place else None,
            limit=size + 1,
        )
        page = found[:size]
        policies = traffic.in_force(page)
        answer = {
            "states": [_state(each, policies[each.uid]) for each in page],
            "next_page_token": token(page[-1].namespace, page[-1].name) if len(found) > size else "",
            "revision": revision,
        }
        return Response(shapes.BalancingPage(answer).data)


class BalancingOf(GovernedView):
    """The balancing of one service."""

    topic = "balancing"

    @reads("traffic.read", shapes.BalancingState)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """Read what is in force; its ETag is the revision for If-Match."""
        service = service_of(self.actor, "traffic.read", namespace, name)
        force = traffic.in_force([service])[service.uid]
        answer = shapes.BalancingState(_state(service, force)).data
        return Response(answer, headers={"ETag": etag(force.revision)})

    @changes("traffic.write", form=forms.BalancingForm)
    def put(self, request: Request, namespace: str, name: str) -> Response:
        """Switch to another policy."""
        body = self.body(request)
        command = SwitchBalancing(namespace=namespace, service=name, balancing=_balancing_of(body), force=body["force"])
        return self.execute(request, command, reason=body["reason"])


class ValidateBalancing(GovernedView):
    """A policy before it is sent."""

    topic = "balancing_validation"

    @asks("traffic.write", form=forms.BalancingForm, shape=shapes.Validation)
    def post(self, request: Request, namespace: str, name: str) -> Response:
        """Say what a switch would change, and what each connected client would make of it."""
        body = self.body(request)
        balancing = _balancing_of(body)
        # Forced, because the answer itself says which clients would reject the policy.
        command = SwitchBalancing(namespace=namespace, service=name, balancing=balancing, force=True)
        terms = terms_of(request)
        receipt = execute(command, by=self.actor, if_revision=terms.if_revision, validate_only=True)
        service = service_of(self.actor, "traffic.write", namespace, name)
        answer = {
            "receipt": Receipt(receipt).data,
            "clients": [
                {
                    "client": each.client.name,
                    "node_id": each.client.node_id,
                    "kind": each.client.kind,
                    "verdict": each.verdict.answer,
                    "effective_policy": each.verdict.effective,
                    "note": each.verdict.note,
                }
                for each in answers(balancing, dataplane.clients_of(namespace, name))
            ],
            "intended": _shares(balancing, service),
        }
        return Response(answer)


class RestoreBalancingOf(GovernedView):
    """An earlier policy of one service."""

    topic = "balancing_restoration"

    @changes("traffic.write", form=forms.Restore)
    def post(self, request: Request, namespace: str, name: str) -> Response:
        """Put an earlier revision in force again, as a new revision."""
        body = self.body(request)
        reason = body.pop("reason")
        return self.execute(request, RestoreBalancing(namespace=namespace, service=name, **body), reason=reason)


class BalancingRevisions(GovernedView):
    """Every policy that one service had."""

    topic = "balancing_revisions"

    @reads("traffic.read", shapes.BalancingRevisionPage, query=PAGE)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """List switches and restores, newest first."""
        size, place = page_size(request), position(request, int)
        service_of(self.actor, "traffic.read", namespace, name)
        found = traffic.revisions(namespace, name, before=place[0] if place else None, limit=size + 1)
        answer = {
            "revisions": found[:size],
            "next_page_token": token(found[size - 1].revision) if len(found) > size else "",
        }
        return Response(shapes.BalancingRevisionPage(answer).data)


# Names of this short form beside those that the rest of the house uses.
_ARTICLE = {"policy": "policy_name", "if_revision": "resource_version"}


@contextmanager
def _in_its_own_words() -> Iterator[None]:
    try:
        yield
    except GovernanceError as refusal:
        refusal.field = _ARTICLE.get(refusal.field, refusal.field)
        refusal.violations = tuple(
            Violation(_ARTICLE.get(each.field, each.field), each.message) for each in refusal.violations
        )
        raise


class ConfigUpdate(GovernedView):
    """The short form of a switch, as one message with a policy's name, its weights and its timeout."""

    topic = "config_update"

    @changes("traffic.write", form=forms.ConfigUpdate)
    def post(self, request: Request) -> Response:
        """Switch the balancing of one service."""
        body = self.body(request)
        namespace, _, name = body["service"].rpartition("/")
        headers = terms_of(request, reason=body["reason"])
        if body["request_id"] and headers.request_id:
            raise Invalid("is given as the header Idempotency-Key already; use one", field="request_id")
        terms = Terms(
            request_id=body["request_id"] or headers.request_id,
            if_revision=body.get("resource_version", headers.if_revision),
            reason=headers.reason,
            validate_only=headers.validate_only,
        )
        given: dict[str, Any] = {name: body[name] for name in ("weights", "timeout_ms") if name in body}
        with _in_its_own_words():
            command = SwitchBalancing(
                namespace=namespace or "default",
                service=name,
                balancing=_balancing_of({"policy": body["policy_name"], **given}),
                force=body["force"],
            )
            response = self.execute(request, command, terms=terms)
        response.data["resource_version"] = response.data["revision"]
        return response
