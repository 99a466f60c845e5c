"""Who signs: authorities, and the issuers that certificates refer to."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.ids import check_label
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.names import check_dns_name
from governance.pki.queries.authorities import obstacle
from governance.pki.revoked import list_of
from governance.pki.status import AuthorityState
from governance.pki.values import MAX_DURATION_S, MIN_DURATION_S


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuthority:
    """An authority that was made or imported: its certificate, and its key as it is kept."""

    id: str
    kind: str
    parent: str
    common_name: str
    serial: str
    key_id: str
    not_before: datetime
    not_after: datetime
    pem: str
    sealed_key: bytes | None = field(repr=False)
    cross_pem: str = ""
    imported: bool = False
    state: AuthorityState = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIssuer(Command):
    """Add an issuer with the authorities below which it signs; the last one of `authorities` is its signer."""

    permission: ClassVar[str] = "pki.authority"
    action: ClassVar[str] = "pki.issuer.create"
    name: str
    authorities: tuple[NewAuthority, ...]
    max_duration_s: int
    namespaces: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_label(self.name, field="name")
        if not 1 <= len(self.authorities) <= 5:
            raise Invalid("are 1 to 5, from the root to the signer", field="authorities")
        check_bounds(self.max_duration_s, self.namespaces, self.dns_names)

    @property
    def thing(self) -> str:
        """The issuer."""
        return f"issuer/{self.name}"

    def as_json(self) -> dict[str, Any]:
        """What was asked for: keys, and so certificates, differ at each attempt."""
        return {
            "name": self.name,
            "namespaces": list(self.namespaces),
            "dns_names": list(self.dns_names),
            "max_duration_s": self.max_duration_s,
            "authorities": [each.common_name for each in self.authorities],
        }


def check_bounds(max_duration_s: int, namespaces: tuple[str, ...], dns_names: tuple[str, ...]) -> None:
    """Refuse unusable limits of an issuer."""
    if not MIN_DURATION_S <= max_duration_s <= MAX_DURATION_S:
        raise Invalid(f"is {max_duration_s} s; {MIN_DURATION_S} to {MAX_DURATION_S} s", field="max_duration_s")
    for namespace in namespaces:
        check_label(namespace, field="namespaces")
    for name in dns_names:
        check_dns_name(name, field="dns_names", wildcard=False)


@handles(CreateIssuer)
def create_issuer(command: CreateIssuer, revision: int) -> Change:
    """Insert the issuer with its authorities; Conflict when the name is taken."""
    if models.Issuer.objects.filter(name=command.name).exists():
        raise Conflict(f"there is an issuer {command.name} already", field="name")
    for each in command.authorities:
        insert_authority(each, issuer=command.name, revision=revision)
    row = models.Issuer(
        name=command.name,
        signer=command.authorities[-1].id,
        namespaces=list(command.namespaces),
        dns_names=list(command.dns_names),
        max_duration_s=command.max_duration_s,
        revision=revision,
    )
    row.save(force_insert=True)
    return Change(None, issuer_state(row))


def insert_authority(new: NewAuthority, *, issuer: str, revision: int) -> models.Authority:
    """Insert one authority with its first revocation list; Conflict when its certificate is known already."""
    if models.Authority.objects.filter(key_id=new.key_id, serial=new.serial).exists():
        raise Conflict(f"{new.common_name}, serial {new.serial}, is an authority here already", field="certificate")
    row = models.Authority(
        id=new.id,
        issuer=issuer,
        kind=new.kind,
        parent=new.parent,
        state=new.state,
        common_name=new.common_name,
        serial=new.serial,
        key_id=new.key_id,
        not_before=new.not_before,
        not_after=new.not_after,
        pem=new.pem,
        cross_pem=new.cross_pem,
        sealed_key=new.sealed_key,
        imported=new.imported,
        revision=revision,
    )
    publish_list(row)
    row.save(force_insert=True)
    return row


def publish_list(row: models.Authority) -> None:
    """Sign a new revocation list for an authority whose key is here; the caller saves the row."""
    if row.sealed_key is None:
        return
    entries = models.Issued.objects.filter(authority=row.id, revoked_at__isnull=False, not_after__gt=now())
    known = [(row.serial, row.revoked_at, row.revoked_reason) for row in entries.order_by("serial") if row.revoked_at]
    row.crl_number += 1
    made = list_of(row.id, row.pem, bytes(row.sealed_key), known, number=row.crl_number)
    row.crl, row.crl_next_at = made.der, made.next_at


def issuer_state(row: models.Issuer) -> dict[str, Any]:
    """An issuer with its authorities as recorded in facts."""
    below = models.Authority.objects.filter(issuer=row.name).order_by("id")
    return row.as_json() | {"authorities": {each.id: each.as_json() for each in below}}


def authority_row(authority_id: str) -> models.Authority:
    """The row of an authority; NotFound when there is none."""
    row = models.Authority.objects.filter(pk=authority_id).first()
    if row is None:
        raise NotFound(f"there is no authority {authority_id}", field="authority")
    return row


def issuer_row(name: str) -> models.Issuer:
    """The row of an issuer; NotFound when there is none."""
    row = models.Issuer.objects.filter(name=name).first()
    if row is None:
        raise NotFound(f"there is no issuer {name}", field="issuer")
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishLists(Command):
    """Sign the revocation lists anew that are at half of their life, or all of them.

    Authorities that expired, or whose key does not open, are passed over.
    """

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.crl.publish"
    due_before: datetime | None = None

    @property
    def thing(self) -> str:
        """All revocation lists."""
        return "revocation-lists"


@handles(PublishLists)
def publish_lists(command: PublishLists, revision: int) -> Change:
    """Sign and store them; an authority that cannot sign at the moment keeps the list that it has."""
    del revision
    rows = models.Authority.objects.exclude(state="retired").filter(sealed_key__isnull=False).order_by("id")
    if command.due_before is not None:
        rows = rows.filter(crl_next_at__lt=command.due_before)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in rows:
        if obstacle(row, now()):
            continue
        before[row.id] = row.crl_number
        publish_list(row)
        row.save(update_fields=["crl", "crl_number", "crl_next_at"])
        after[row.id] = row.crl_number
    return Change(before, after)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreResponder(Command):
    """Keep the delegated certificate with which OCSP answers of an authority are signed."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.responder.store"
    authority: str
    serial: str
    chain_pem: str
    not_before: datetime
    not_after: datetime
    sealed_key: bytes = field(repr=False)

    @property
    def thing(self) -> str:
        """The responder of the authority."""
        return f"responder/{self.authority}"

    def as_json(self) -> dict[str, Any]:
        """What was asked for, without the key."""
        return {"authority": self.authority, "serial": self.serial}


@handles(StoreResponder)
def store_responder(command: StoreResponder, revision: int) -> Change:
    """Insert it among everything that the authority signed."""
    authority_row(command.authority)
    row = models.Issued(
        serial=command.serial,
        authority=command.authority,
        holder=f"responder/{command.authority}",
        not_before=command.not_before,
        not_after=command.not_after,
        chain_pem=command.chain_pem,
        sealed_key=command.sealed_key,
        issued_at=now(),
        revision=revision,
    )
    row.save(force_insert=True)
    return Change(None, row.as_json())
