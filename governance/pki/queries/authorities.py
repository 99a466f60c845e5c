"""Authorities, issuers, revocation lists."""

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from governance.kernel.clock import now, stamp
from governance.kernel.errors import GovernanceError, NotFound, Unavailable
from governance.pki import models
from governance.pki.authority import Authority
from governance.pki.signers import authority_from
from governance.pki.status import CertificateAuthority, IssuerView


def authorities() -> list[CertificateAuthority]:
    """All authorities in the order in which they were made, with what they signed counted."""
    live = Q(not_after__gt=now(), revoked_at__isnull=True)
    rows = models.Issued.objects.values("authority").annotate(all=Count("serial"), live=Count("serial", filter=live))
    counted: dict[str, dict[str, int]] = {row["authority"]: {"all": row["all"], "live": row["live"]} for row in rows}
    return [
        _view(row, counted.get(row.id, {"all": 0, "live": 0}))
        for row in models.Authority.objects.order_by("revision", "-kind", "id")
    ]


def authority(authority_id: str) -> CertificateAuthority | None:
    """One authority, or None."""
    return next((each for each in authorities() if each.id == authority_id), None)


def pem_of(authority_id: str) -> str | None:
    """The certificate of an authority, or None. Whoever checks a certificate asks for it: it must count nothing."""
    return models.Authority.objects.filter(pk=authority_id).values_list("pem", flat=True).first()


def issuers() -> list[IssuerView]:
    """All issuers by name."""
    return [_issuer(row) for row in models.Issuer.objects.order_by("name")]


def issuer(name: str) -> IssuerView | None:
    """One issuer, or None."""
    row = models.Issuer.objects.filter(name=name).first()
    return _issuer(row) if row else None


def roots_pem() -> str:
    """The roots that are trusted, as one PEM text."""
    rows = models.Authority.objects.filter(kind="root", state="active").order_by("id")
    return "".join(_ended(pem) for pem in rows.values_list("pem", flat=True))


def revocation_list(authority_id: str) -> bytes | None:
    """The newest revocation list of an authority as DER, or None."""
    found = models.Authority.objects.filter(pk=authority_id).values_list("crl", flat=True).first()
    return bytes(found) if found is not None else None


def revocation_lists() -> list[bytes]:
    """The newest lists of all authorities that are not retired."""
    rows = models.Authority.objects.exclude(state="retired").filter(crl__isnull=False).order_by("id")
    return [bytes(each) for each in rows.values_list("crl", flat=True) if each is not None]


def signer_of(issuer_name: str) -> tuple[str, Authority]:
    """The id of the authority that signs for an issuer, and the authority with its key.

    Raises NotFound for an unknown issuer, Unavailable when the key is not here or cannot be opened.
    """
    row = models.Issuer.objects.filter(name=issuer_name).first()
    if row is None:
        raise NotFound(f"there is no issuer {issuer_name}", field="issuer")
    return row.signer, with_key(row.signer)


def with_key(authority_id: str) -> Authority:
    """An authority with its key, and with what is sent after its certificate."""
    row = models.Authority.objects.filter(pk=authority_id).first()
    if row is None:
        raise NotFound(f"there is no authority {authority_id}", field="authority")
    if row.sealed_key is None:
        raise Unavailable(f"the key of the authority {row.common_name} is not here")
    above: list[str] = []
    parent = models.Authority.objects.filter(pk=row.parent).first() if row.parent else None
    while parent is not None:
        if parent.kind != "root":
            above.append(parent.pem)
        elif parent.cross_pem and _crossed_by_trusted(parent.id):
            above.append(parent.cross_pem)
        parent = models.Authority.objects.filter(pk=parent.parent).first() if parent.parent else None
    return authority_from(row.id, row.pem, bytes(row.sealed_key), above=above)


def _crossed_by_trusted(root: str) -> bool:
    """Whether the older root that certified this one is still trusted: otherwise nobody needs to be sent that."""
    older = models.RootRotation.objects.filter(new_root=root).values_list("old_root", flat=True)
    return models.Authority.objects.filter(pk__in=older).exclude(state="retired").exists()


def lists_due() -> bool:
    """Whether a revocation list is at half of its life whose authority can sign the next one."""
    at = now()
    return any(not obstacle(row, at) for row in _keepers().filter(crl_next_at__lt=at, not_after__gt=at))


def obstacle(row: models.Authority, at: datetime) -> str:
    """Why an authority cannot sign; empty when it can."""
    if at >= row.not_after:
        return f"it expired at {stamp(row.not_after)}"
    try:
        authority_from(row.id, row.pem, bytes(row.sealed_key or b""))
    except GovernanceError as error:
        return str(error)
    return ""


def unable(at: datetime) -> dict[str, str]:
    """The authorities that should sign lists and answers and cannot, by their common name, each with the reason."""
    return {row.common_name: why for row in _keepers() if (why := obstacle(row, at))}


def answering(at: datetime) -> list[str]:
    """The ids of the authorities that have to answer for what they signed: they have their key, and are valid."""
    return list(_keepers().filter(not_after__gt=at).values_list("id", flat=True))


def _keepers() -> QuerySet[models.Authority]:
    return models.Authority.objects.exclude(state="retired").filter(sealed_key__isnull=False).order_by("id")


def certified(serial: str) -> list[str]:
    """The certificates of authorities, as PEM, that may have this serial number.

    Those by which an older root certified a newer one are always among them: their numbers are not kept apart.
    """
    rows = models.Authority.objects.filter(Q(serial=serial) | ~Q(cross_pem=""))
    return [pem for pems in rows.values_list("pem", "cross_pem") for pem in pems if pem]


def _ended(pem: str) -> str:
    return pem if pem.endswith("\n") else pem + "\n"


def _issuer(row: models.Issuer) -> IssuerView:
    return IssuerView(
        name=row.name,
        signer=row.signer,
        namespaces=tuple(row.namespaces),
        dns_names=tuple(row.dns_names),
        max_duration_s=row.max_duration_s,
        revision=row.revision,
    )


def _view(row: models.Authority, counted: dict[str, int]) -> CertificateAuthority:
    return CertificateAuthority(
        id=row.id,
        issuer=row.issuer,
        kind=row.kind,
        parent=row.parent,
        state=row.state,  # type: ignore[arg-type]  # the column holds only what the commands allow
        common_name=row.common_name,
        serial=row.serial,
        key_id=row.key_id,
        not_before=row.not_before,
        not_after=row.not_after,
        pem=row.pem,
        cross_pem=row.cross_pem,
        imported=row.imported,
        has_key=row.sealed_key is not None,
        crl_number=row.crl_number,
        crl_next_at=row.crl_next_at,
        revision=row.revision,
        issued=counted["all"],
        live=counted["live"],
    )


def root_of(authority_id: str) -> str:
    """The root above an authority, however many stand between; itself when it is one."""
    return roots_above()[authority_id]


def roots_above() -> dict[str, str]:
    """Of every authority the root above it; of one whose parent is not kept here, the highest that is."""
    parents = dict(models.Authority.objects.values_list("id", "parent"))

    def top(each: str) -> str:
        return top(parents[each]) if parents[each] in parents else each

    return {each: top(each) for each in parents}
