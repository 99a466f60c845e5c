"""Certificates that were signed: their history, their chains, taking them back, and signing for keys of others."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import PAGE, etag, page_size, position, terms_of, token
from gateway.rest.declare import asks, changes, reads
from gateway.rest.shapes import certificates as shapes
from gateway.rest.view import GovernedView
from gateway.rest.views.certificates import spec_of
from governance.kernel.errors import Invalid, NotFound
from governance.pki import commands
from governance.pki.holders import holder_of, namespace_of, serial_from
from governance.pki.queries import certificates
from governance.pki.queries.watching import logged_or_not
from governance.pki.seen import certificate_seen, issued_seen
from governance.pki.signing import is_new, signed
from governance.pki.status import IssuedCertificate
from governance.pki.verifying import verdict_of


def described(issued: Sequence[IssuedCertificate]) -> list[dict[str, Any]]:
    """What was signed, and what the logs say of each."""
    logged = logged_or_not([each.serial for each in issued])
    return [
        {**{field.name: getattr(each, field.name) for field in fields(each)}, "transparency": logged.get(each.serial)}
        for each in issued
    ]


class _History(GovernedView):
    kind = "certificate"

    @reads("pki.read", shapes.IssuedPage, query=PAGE)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        """List every certificate that it got, newest first."""
        size, place = page_size(request), position(request, str)
        holder = holder_of(self.kind, namespace, name)
        before = place[0] if place else ""
        seen = self.actor.may("pki.read", namespace)
        found = certificates.issued_of(holder, before=before, limit=size + 1) if seen else []
        answer = {
            "issued": described(found[:size]),
            "next_page_token": token(found[size - 1].serial) if len(found) > size else "",
        }
        return Response(shapes.IssuedPage(answer).data)


class CertificateHistory(_History):
    """What was issued for one certificate."""

    topic = "certificate_history"


class WorkloadHistory(_History):
    """What was issued to one workload."""

    topic = "workload_history"
    kind = "workload"


class OneIssued(GovernedView):
    """One certificate that was signed here."""

    topic = "issued"

    @reads("pki.read", shapes.Issued)
    def get(self, request: Request, serial: str) -> Response:
        """Read it by its serial number in hex, in whichever form tools print it."""
        found = issued_seen(self.actor, serial)
        return Response(shapes.Issued(described([found])[0]).data, headers={"ETag": etag(found.revision)})


class _Revoking(GovernedView):
    def revoke(self, request: Request, issued: IssuedCertificate, body: dict[str, Any]) -> Response:
        """Take `issued` back, as the body says."""
        command = commands.RevokeCertificate(
            namespace=namespace_of(issued.holder),
            serial=issued.serial,
            cause=body["cause"],
            replace=not body["without_replacement"],
        )
        return self.execute(request, command, reason=body["reason"])


class RevokeIssued(_Revoking):
    """One certificate that was signed here, taken back."""

    topic = "issued_revocation"

    @changes("pki.revoke", form=forms.Revocation)
    def post(self, request: Request, serial: str) -> Response:
        """Stand by it no longer, from this revision on."""
        body = self.body(request)
        return self.revoke(request, issued_seen(self.actor, serial), body)


class RevokeNewest(_Revoking):
    """The newest issue of a certificate, taken back."""

    topic = "certificate_revocation"

    @changes("pki.revoke", form=forms.Revocation)
    def post(self, request: Request, namespace: str, name: str) -> Response:
        """Stand by the newest issue no longer; another is issued in its place at once unless told."""
        body = self.body(request)
        found = certificate_seen(self.actor, namespace, name)
        if not found.serial:
            raise NotFound(f"{name} was not issued yet", field="name")
        return self.revoke(request, issued_seen(self.actor, found.serial), body)


class VerifyChain(GovernedView):
    """A chain, judged."""

    topic = "chain_verification"

    @asks("pki.read", form=forms.ChainForm, shape=shapes.Verdict)
    def post(self, request: Request) -> Response:
        """Say whether it holds by the roots and revocation lists of this moment, and what openssl would say."""
        body = self.body(request)
        if bool(body["serial"]) == bool(body["pem"]):
            raise Invalid("give the serial number of an issued certificate, or a chain as pem", field="serial")
        pem = issued_seen(self.actor, body["serial"]).chain_pem if body["serial"] else body["pem"]
        return Response(shapes.Verdict(verdict_of(pem, purpose=body["purpose"], name=body["name"])).data)


class SignRequest(GovernedView):
    """A certificate over a key that the asker keeps."""

    topic = "signing"

    @changes("pki.write", form=forms.SigningForm, shape=shapes.SignedRequest, status=201)
    def post(self, request: Request) -> Response:
        """Sign a request for the names that stand beside it. It can be revoked, and is not renewed."""
        body = self.body(request)
        reason, csr = body.pop("reason"), body.pop("csr")
        namespace, name = body.pop("namespace"), body.pop("name")
        spec = spec_of({**body, "renewal": "Disabled"}, name)
        on = terms_of(request, reason=reason)
        command = signed(
            csr.encode(),
            namespace=namespace,
            name=name,
            spec=spec,
            rehearsed=lambda command: is_new(command, by=self.actor, **asdict(on)),
        )
        response = self.execute(request, command, terms=on, created=201)
        after = None if on.validate_only else response.data["after"]
        # By the receipt, and not by the command: a replayed request gets the certificate that it got the first time.
        response.data["issued"] = (
            shapes.Issued(described([issued_seen(self.actor, serial_from(after["serial"]))])[0]).data if after else None
        )
        return response
