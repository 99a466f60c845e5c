"""Makes issuers of authorities that were made elsewhere; keeping them is a command of its own."""

from cryptography import x509

from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.kernel.ids import uuid7
from governance.pki.authority import LIVES, Authority
from governance.pki.certificates import is_self_signed, serial_of
from governance.pki.commands.authorities import CreateIssuer, NewAuthority
from governance.pki.imported import check_ca
from governance.pki.keys import key_id
from governance.pki.making import stored
from governance.pki.pem import chain_from_pem, to_pem
from governance.pki.queries.authorities import authorities
from governance.pki.values import MAX_DURATION_S, MIN_DURATION_S


def imported_issuer(
    name: str,
    certificate_pem: bytes,
    key_pem: bytes,
    *,
    passphrase: bytes | None = None,
    max_duration_s: int | None = None,
    namespaces: tuple[str, ...] = (),
    dns_names: tuple[str, ...] = (),
) -> CreateIssuer:
    """The command that keeps an authority under `name`: its own certificate first, then those above it.

    Refuses what would be refused later in every certificate that it signs. Authorities above it that are known here
    are not stored twice. Without `max_duration_s` it signs for a sixth of its own life, at most 825 days.
    """
    signer = check_ca(certificate_pem, key_pem, at=now(), passphrase=passphrase)
    _, *above = chain_from_pem(certificate_pem, field="certificate")
    known = {(each.key_id, each.serial): each.id for each in authorities()}
    kept: list[NewAuthority] = []
    parent = ""
    for certificate in reversed(above):
        found = known.get((key_id(certificate.public_key()), serial_of(certificate)))
        if found is None:
            kept.append(_without_key(certificate, parent=parent))
            found = kept[-1].id
        parent = found
    own = stored(
        signer.certificate,
        signer.key,
        id=uuid7(),
        kind=_kind(signer.certificate),
        parent=parent,
        imported=True,
    )
    return CreateIssuer(
        name=name,
        authorities=(*kept, own),
        max_duration_s=_longest(signer, max_duration_s),
        namespaces=namespaces,
        dns_names=dns_names,
    )


def _longest(signer: Authority, asked_s: int | None) -> int:
    """An authority lives at least six times as long as what it signs."""
    most_s = int((signer.not_after - signer.not_before).total_seconds()) // LIVES
    if most_s < MIN_DURATION_S:
        raise Invalid(
            f"{signer.subject} lives {LIVES * most_s} s; an authority lives at least {LIVES * MIN_DURATION_S} s",
            field="certificate",
        )
    if asked_s is None:
        return min(most_s, MAX_DURATION_S)
    if asked_s > most_s:
        raise Invalid(f"is {asked_s} s; a sixth of the authority's own life is {most_s} s", field="max_duration_s")
    return asked_s


def _kind(certificate: x509.Certificate) -> str:
    return "root" if is_self_signed(certificate) else "intermediate"


def _without_key(certificate: x509.Certificate, *, parent: str) -> NewAuthority:
    """An authority above the imported one, whose key is elsewhere."""
    names = certificate.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    return NewAuthority(
        id=uuid7(),
        kind=_kind(certificate),
        parent=parent,
        common_name=str(names[0].value)[:64] if names else certificate.subject.rfc4514_string()[:64],
        serial=serial_of(certificate),
        key_id=key_id(certificate.public_key()),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        pem=to_pem(certificate),
        sealed_key=None,
        imported=True,
    )
