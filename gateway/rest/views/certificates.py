"""Certificates that are wanted, and how they stand."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import PAGE, etag, page_size, position, text, token, whole
from gateway.rest.declare import changes, reads
from gateway.rest.scope import visible
from gateway.rest.shapes import certificates as shapes
from gateway.rest.view import GovernedView
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.pki import commands
from governance.pki.ct.standing import Checked
from governance.pki.enrolment import ISSUER
from governance.pki.filtered import in_state
from governance.pki.queries import certificates
from governance.pki.queries.watching import logged_or_not
from governance.pki.renewal import forecast
from governance.pki.seen import certificate_seen
from governance.pki.standing import standing_of
from governance.pki.status import Certificate
from governance.pki.values import KEY_SIZES, CertificateSpec, spec_from


def described(certificate: Certificate, at: datetime, logged: Checked | None) -> dict[str, Any]:
    """A certificate as it stands at `at`; `logged` is what the logs say of its newest issue."""
    return {
        **{field.name: getattr(certificate, field.name) for field in fields(certificate)},
        "spec": certificate.spec.as_json(),
        "state": standing_of(certificate).state(at),
        "urgency": certificate.urgency(at),
        "ready": certificate.ready(at),
        "issuing": certificate.issuing(at),
        "transparency": logged,
    }


def spec_of(body: Mapping[str, Any], name: str) -> CertificateSpec:
    """The spec in a body; what is left out has its default."""
    given = {"secret_name": name, "issuer": ISSUER, **body}
    if key := given.get("private_key"):
        given["private_key"] = {"size": KEY_SIZES.get(key["algorithm"], (0,))[0], **key}
    return spec_from(given)


class Certificates(GovernedView):
    """The certificates that the caller may see."""

    topic = "certificates"

    @reads("pki.read", shapes.CertificatePage, query=("namespace", "state", *PAGE))
    def get(self, request: Request) -> Response:
        """List certificates by namespace and name."""
        size, place = page_size(request), position(request, str, str)
        revision, at = ledger.head_revision(), now()
        found = in_state(
            text(request, "state"),
            at=at,
            namespaces=visible(self.actor, "pki.read", text(request, "namespace")),
            after=(place[0], place[1]) if place else None,
            limit=size + 1,
        )
        page = found[:size]
        logged = logged_or_not([each.serial for each in page])
        answer = {
            "certificates": [described(each, at, logged.get(each.serial)) for each in page],
            "next_page_token": token(page[-1].namespace, page[-1].name) if len(found) > size else "",
            "revision": revision,
        }
        return Response(shapes.CertificatePage(answer).data)


class OneCertificate(GovernedView):
    """One certificate."""

    topic = "certificate"

    @reads("pki.read", shapes.Certificate)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """Read what is wanted and how it stands; its ETag is the revision for If-Match."""
        found = certificate_seen(self.actor, namespace, name)
        logged = logged_or_not([found.serial]).get(found.serial)
        return Response(
            shapes.Certificate(described(found, now(), logged)).data, headers={"ETag": etag(found.revision)}
        )

    @changes("pki.write", form=forms.CertificateForm, status=201)
    def put(self, request: Request, namespace: str, name: str) -> Response:
        """Want a certificate, or want it otherwise: the whole spec. It is issued within seconds."""
        body = self.body(request)
        reason = body.pop("reason")
        command = commands.RequestCertificate(namespace=namespace, name=name, spec=spec_of(body, name))
        response = self.execute(request, command, reason=reason, created=201)
        if response.data["before"] is not None:
            response.status_code = 200
        return response

    @changes("pki.write")
    def delete(self, request: Request, namespace: str, name: str) -> Response:
        """Keep it no longer; what was issued stays valid until it expires or is revoked."""
        return self.execute(request, commands.DeleteCertificate(namespace=namespace, name=name))


class IssueNow(GovernedView):
    """A certificate's next issue."""

    topic = "certificate_issue"

    @changes("pki.write")
    def post(self, request: Request, namespace: str, name: str) -> Response:
        """Issue it anew at once, whenever its renewal is due and however often issuing failed."""
        return self.execute(request, commands.IssueNow(namespace=namespace, name=name))


class Forecast(GovernedView):
    """Renewals to come."""

    topic = "forecast"

    @reads("pki.read", shapes.Forecast, query=("namespace", "days"))
    def get(self, request: Request) -> Response:
        """Count the renewals that begin on each of the next days."""
        days, since = whole(request, "days", low=1, high=366, default=90), now()
        times = certificates.renewal_times(
            namespaces=visible(self.actor, "pki.read", text(request, "namespace")),
            until=since + timedelta(days=days),
        )
        return Response(shapes.Forecast({"since": since, "renewals": forecast(times, since=since, days=days)}).data)
