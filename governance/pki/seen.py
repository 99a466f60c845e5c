"""What an actor may see: what they may not see is as if it were not there, in lists, counts and refusals alike."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.errors import NotFound
from governance.kernel.ids import check_label
from governance.pki.holders import namespace_of, serial_from
from governance.pki.queries import authorities as known
from governance.pki.queries import certificates, rotation
from governance.pki.status import (
    Certificate,
    CertificateAuthority,
    Gate,
    IssuedCertificate,
    IssuerView,
    RotationView,
)

READ = "pki.read"
# Consumers are SPIFFE IDs, certificates are "namespace/name".
_NAMESPACE = re.compile(r"spiffe://[^/]+/ns/(?P<of_id>[^/]+)/|(?P<of_path>[a-z0-9-]+)/")


def certificate_seen(actor: Actor, namespace: str, name: str) -> Certificate:
    """The managed certificate; NotFound when it is not there or not theirs to see."""
    check_label(namespace, field="namespace")
    check_label(name, field="name")
    found = certificates.certificate(namespace, name) if actor.may(READ, namespace) else None
    if found is None:
        raise NotFound(f"there is no certificate {name} in namespace {namespace}", field="name")
    return found


def issued_seen(actor: Actor, serial: str) -> IssuedCertificate:
    """The certificate with that serial number, in whichever form tools print it; NotFound as above."""
    plain = serial_from(serial)
    found = certificates.issued(plain)
    if found is None or not actor.may(READ, namespace_of(found.holder)):
        raise NotFound(f"no certificate with serial {plain} was issued here", field="serial")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAuthority:
    """An authority; how much it signed is told only to those who may see all of it."""

    authority: CertificateAuthority
    issued: int | None
    live: int | None


def authorities_seen(actor: Actor) -> list[SeenAuthority]:
    """The authorities of the issuers that serve the actor's namespaces."""
    everything = actor.may(READ)
    serving = {each.name for each in issuers_seen(actor)}
    return [
        SeenAuthority(
            authority=each,
            issued=each.issued if everything else None,
            live=each.live if everything else None,
        )
        for each in known.authorities()
        if each.issuer in serving
    ]


def issuers_seen(actor: Actor) -> list[IssuerView]:
    """The issuers that serve the actor's namespaces, and of their namespaces only those."""
    spaces = actor.namespaces(READ)
    if EVERYWHERE in spaces:
        return known.issuers()
    return [
        replace(each, namespaces=tuple(name for name in each.namespaces if name in spaces))
        for each in known.issuers()
        if not each.namespaces or spaces & set(each.namespaces)
    ]


def rotations_seen(actor: Actor, issuer: str) -> tuple[RotationView | None, list[RotationView]]:
    """The rotation of an issuer's root that is under way, and those that ended, newest first.

    Raises NotFound for an issuer that is not there or does not serve the actor. Of who is missing they see their own.
    """
    if issuer not in {each.name for each in issuers_seen(actor)}:
        raise NotFound(f"there is no issuer {issuer}", field="issuer")
    under_way = rotation.open_rotation(issuer)
    if under_way is not None and not actor.may(READ):
        under_way = replace(under_way, gate=_narrowed(under_way.gate, actor.namespaces(READ)))
    return under_way, [each for each in rotation.rotations() if each.issuer == issuer and each.ended_at]


def _narrowed(gate: Gate, spaces: Collection[str]) -> Gate:
    mine = tuple(each for each in gate.missing if _namespace(each) in spaces)
    if gate.open or mine == gate.missing:
        return gate
    return replace(gate, missing=mine, message=f"{', '.join(mine) or 'others'}: not there yet")


def _namespace(name: str) -> str:
    match = _NAMESPACE.match(name)
    return (match["of_id"] or match["of_path"]) if match else ""
