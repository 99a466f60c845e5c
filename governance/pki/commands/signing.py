"""Recording what was signed for keys that are not kept here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.commands.authorities import issuer_row
from governance.pki.commands.proofs import store_proofs
from governance.pki.commands.tenancy import check_free, check_issuer, check_tenancy, claim_names
from governance.pki.holders import holder_of
from governance.pki.values import CertificateSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest(Command):
    """Record a certificate over the key of a signing request, for whoever is called `name` in `namespace`.

    `spec` says what it was to be like, `digest` is the SHA-256 of the request. It can be revoked, and is not renewed.
    Until it ends its names are its namespace's.
    """

    permission: ClassVar[str] = "pki.write"
    action: ClassVar[str] = "pki.request.sign"
    name: str
    spec: CertificateSpec
    digest: str
    serial: str
    key_id: str
    authority: str
    chain_pem: str = field(repr=False)
    not_before: datetime
    not_after: datetime
    proofs: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        holder_of("request", self.namespace, self.name)
        check_signable(self.namespace, self.spec)

    @property
    def thing(self) -> str:
        """Whom it is for."""
        return holder_of("request", self.namespace, self.name)

    def as_json(self) -> dict[str, Any]:
        """What was asked for: the certificate differs at each attempt."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "spec": self.spec.as_json(),
            "digest": self.digest,
        }


def check_signable(namespace: str, spec: CertificateSpec) -> None:
    """Refuse names of other namespaces, and every identity: whoever has one would have it for as long as they asked."""
    if spec.uris:
        raise Invalid(
            "no identity is signed by request: a program gets its SPIFFE ID by joining, for 24 h at a time, and can be "
            "disabled. Make a join token (`govctl cert token create`) and use it (`govctl cert join`)",
            field="uris",
        )
    check_tenancy(namespace, spec)


@handles(SignRequest)
def sign_request(command: SignRequest, revision: int) -> Change:
    """Insert it among everything that the authority signed; refuses what the issuer may not sign."""
    check_issuer(issuer_row(command.spec.issuer), command.namespace, command.spec)
    check_free(command.namespace, command.spec)
    row = models.Issued(
        serial=command.serial,
        authority=command.authority,
        holder=command.thing,
        uris=list(command.spec.uris),
        dns_names=list(command.spec.dns_names),
        not_before=command.not_before,
        not_after=command.not_after,
        chain_pem=command.chain_pem,
        key_id=command.key_id,
        spec=command.spec.as_json(),
        issued_at=now(),
        revision=revision,
    )
    row.save(force_insert=True)
    if command.proofs:
        store_proofs({command.serial: command.proofs}, revision)
    claim_names(f"issued/{command.serial}", command.namespace, command.spec, until=command.not_after)
    return Change(None, row.as_json())
