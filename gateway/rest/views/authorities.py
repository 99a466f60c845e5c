"""Who signs: authorities, issuers, and the replacement of roots."""

from dataclasses import fields
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import etag
from gateway.rest.declare import changes, reads
from gateway.rest.shapes import authorities as shapes
from gateway.rest.view import GovernedView
from governance.ledger import queries as ledger
from governance.pki import commands
from governance.pki.importing import imported_issuer
from governance.pki.making import urls_of
from governance.pki.queries.authorities import roots_pem
from governance.pki.seen import SeenAuthority, authorities_seen, issuers_seen, rotations_seen
from governance.pki.succession import successor_of


def _described(seen: SeenAuthority) -> dict[str, Any]:
    one, urls = seen.authority, urls_of(seen.authority.id)
    return {
        **{field.name: getattr(one, field.name) for field in fields(one)},
        "crl_url": urls.crl if one.has_key else "",
        "ocsp_url": urls.ocsp if one.has_key else "",
        "issued": seen.issued,
        "live": seen.live,
    }


class Authorities(GovernedView):
    """The authorities of the issuers that serve the caller."""

    topic = "authorities"

    @reads("pki.read", shapes.Authorities)
    def get(self, request: Request) -> Response:
        """List authorities in the order of their making, and the roots that are trusted."""
        answer = {
            "authorities": [_described(each) for each in authorities_seen(self.actor)],
            "roots_pem": roots_pem(),
        }
        return Response(shapes.Authorities(answer).data)


class Issuers(GovernedView):
    """The issuers that serve the caller."""

    topic = "issuers"

    @reads("pki.read", shapes.Issuers)
    def get(self, request: Request) -> Response:
        """List issuers by name."""
        return Response(shapes.Issuers({"issuers": issuers_seen(self.actor)}).data)

    @changes("pki.authority", form=forms.ImportForm, status=201)
    def post(self, request: Request) -> Response:
        """Let an authority that was made elsewhere sign here. Its key is kept sealed, and shown to nobody again."""
        body = self.body(request)
        command = imported_issuer(
            body["name"],
            body["certificate"].encode(),
            body["key"].encode(),
            passphrase=body["passphrase"].encode() or None,
            max_duration_s=body.get("max_duration_s"),
            namespaces=tuple(body["namespaces"]),
            dns_names=tuple(body["dns_names"]),
        )
        return self.execute(request, command, reason=body["reason"], created=201)


class Rotation(GovernedView):
    """The replacement of an issuer's root."""

    topic = "rotation"

    @reads("pki.read", shapes.Rotations)
    def get(self, request: Request, issuer: str) -> Response:
        """Read the one that is under way, with what its next step waits for, and those that ended."""
        under_way, ended = rotations_seen(self.actor, issuer)
        changed = ledger.last_revision(f"rotation/{issuer}")
        answer = shapes.Rotations({"open": under_way, "ended": ended}).data
        return Response(answer, headers={"ETag": etag(changed)})


class PrepareRotation(GovernedView):
    """A new root."""

    topic = "rotation_preparation"

    @changes("pki.authority", status=201)
    def post(self, request: Request, issuer: str) -> Response:
        """Make a new root, cross-signed by the old one, and a signer below it; neither is trusted or used yet."""
        return self.execute(request, successor_of(issuer), created=201)


class AdvanceRotation(GovernedView):
    """The next step of a rotation."""

    topic = "rotation_step"

    @changes("pki.authority", form=forms.Step)
    def post(self, request: Request, issuer: str) -> Response:
        """Take it; refused while its gate is closed."""
        body = self.body(request)
        return self.execute(request, commands.AdvanceRotation(issuer=issuer, to=body["to"]), reason=body["reason"])


class AbortRotation(GovernedView):
    """The way back to the old root."""

    topic = "rotation_end"

    @changes("pki.authority")
    def post(self, request: Request, issuer: str) -> Response:
        """Go back to the old root."""
        return self.execute(request, commands.AbortRotation(issuer=issuer))
