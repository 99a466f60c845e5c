"""Replacing the root, step by step; each step is taken only when its gate is open."""

from dataclasses import dataclass
from typing import ClassVar

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.kernel.ids import check_label, uuid7
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.commands.authorities import NewAuthority, authority_row, insert_authority, issuer_row
from governance.pki.queries.authorities import root_of
from governance.pki.queries.rotation import gate_of, rotation_of
from governance.pki.rotation import NEXT
from governance.pki.status import INCORRECT_ISSUER


@dataclass(frozen=True, slots=True, kw_only=True)
class OfIssuer(Command):
    """A command about the root rotation of one issuer."""

    issuer: str

    def __post_init__(self) -> None:
        check_label(self.issuer, field="issuer")

    @property
    def thing(self) -> str:
        """The issuer's rotation."""
        return f"rotation/{self.issuer}"


def open_row(issuer: str) -> models.RootRotation | None:
    """The rotation under way, or None."""
    return models.RootRotation.objects.filter(issuer=issuer, ended_at=None).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRotation(OfIssuer):
    """Keep a new root, cross-signed by the old one, and a new signer below it; neither is trusted or used yet."""

    permission: ClassVar[str] = "pki.authority"
    action: ClassVar[str] = "pki.rotation.prepare"
    root: NewAuthority
    signer: NewAuthority

    def __post_init__(self) -> None:
        super(PrepareRotation, self).__post_init__()
        if not self.root.cross_pem:
            raise Invalid("must be cross-signed by the old root", field="root")
        if self.signer.parent != self.root.id:
            raise Invalid("must be below the new root", field="signer")

    def as_json(self) -> dict[str, str]:
        """What was asked for; keys differ at each attempt."""
        return {"issuer": self.issuer}


@handles(PrepareRotation)
def prepare_rotation(command: PrepareRotation, revision: int) -> Change:
    """Insert both authorities in standby, and open the rotation."""
    if open_row(command.issuer) is not None:
        raise Conflict(f"the root of {command.issuer} is being rotated already; end or abort that first")
    signer = issuer_row(command.issuer).signer
    for each in (command.root, command.signer):
        if each.state != "standby":
            raise Invalid("must be in standby", field="state")
        insert_authority(each, issuer=command.issuer, revision=revision)
    at = now()
    row = models.RootRotation(
        id=uuid7(),
        phase="prepared",
        issuer=command.issuer,
        old_root=root_of(signer),
        new_root=command.root.id,
        old_signer=signer,
        new_signer=command.signer.id,
        began_at=at,
        phase_at=at,
        revision=revision,
    )
    row.save(force_insert=True)
    return Change(None, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceRotation(OfIssuer):
    """Take the next step, `to`, of the rotation under way."""

    permission: ClassVar[str] = "pki.authority"
    action: ClassVar[str] = "pki.rotation.advance"
    to: str

    def __post_init__(self) -> None:
        super(AdvanceRotation, self).__post_init__()
        if self.to not in NEXT.values():
            raise Invalid(f"{self.to[:40]!r} is not one of {', '.join(NEXT.values())}", field="to")


@handles(AdvanceRotation)
def advance_rotation(command: AdvanceRotation, revision: int) -> Change:
    """Refuse while the gate is closed, naming who is missing; else take the step."""
    row = open_row(command.issuer)
    if row is None:
        raise NotFound(f"no rotation of the root of {command.issuer} is under way", field="issuer")
    before = row.as_json()
    if row.phase == command.to:
        return Change(before, before)
    if NEXT[row.phase] != command.to:
        raise Conflict(f"stands at {row.phase}; the next step is {NEXT[row.phase]}", field="to")
    gate = gate_of(rotation_of(row))
    if not gate.open:
        raise Conflict(gate.message, field="to")
    _STEPS[command.to](row, revision)
    row.phase, row.phase_at, row.revision = command.to, now(), revision
    if command.to == "retired":
        row.ended_at = row.phase_at
    row.save()
    return Change(before, row.as_json())


def _distribute(row: models.RootRotation, revision: int) -> None:
    """From now on both roots are trusted."""
    _set(row.new_root, "active", revision)


def _activate(row: models.RootRotation, revision: int) -> None:
    """From now on the new signer signs; what it signs is sent with the root that the old one signed."""
    _set(row.new_signer, "active", revision)
    models.Issuer.objects.filter(name=row.issuer).update(signer=row.new_signer, revision=revision)
    if row.old_signer != row.old_root:  # a root that signs leaves itself is trusted until it is retired
        _set(row.old_signer, "standby", revision)


def _reissue(row: models.RootRotation, revision: int) -> None:
    """Everything that the old signer signed is issued anew."""
    reissue(row.old_signer, revision)


def _retire(row: models.RootRotation, revision: int) -> None:
    """The old root is trusted no more."""
    authority = authority_row(row.old_signer)
    while True:
        _set(authority.id, "retired", revision)
        if not authority.parent:
            break
        authority = authority_row(authority.parent)


_STEPS = {"distributing": _distribute, "activated": _activate, "reissuing": _reissue, "retired": _retire}


def _set(authority: str, state: str, revision: int) -> None:
    models.Authority.objects.filter(pk=authority).update(state=state, revision=revision)


def reissue(authority: str, revision: int) -> int:
    """Let every certificate whose newest issue `authority` signed be issued anew, and count them."""
    signed = models.Issued.objects.filter(authority=authority, holder__startswith="certificate/")
    serials = signed.filter(not_after__gt=now()).values_list("serial", flat=True)
    wanted = models.Certificate.objects.filter(serial__in=serials)
    return wanted.update(
        reason=INCORRECT_ISSUER,
        attempt_at=now(),
        failures=0,
        failing_since=None,
        last_error="",
        claim="",
        claimed_until=None,
        revision=revision,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortRotation(OfIssuer):
    """Go back to the old root, at whichever step the rotation stands before the old root is retired."""

    permission: ClassVar[str] = "pki.authority"
    action: ClassVar[str] = "pki.rotation.abort"


@handles(AbortRotation)
def abort_rotation(command: AbortRotation, revision: int) -> Change:
    """Sign with the old signer again, and issue anew what the new one signed.

    The new root need not be trusted any more: what its signer issued is sent with the cross-signed root, which whoever
    trusts the old root accepts. Both stay in standby: as long as somebody asks, their revocation lists are signed.
    """
    row = open_row(command.issuer)
    if row is None:
        raise NotFound(f"no rotation of the root of {command.issuer} is under way", field="issuer")
    before = row.as_json()
    _set(row.old_signer, "active", revision)
    models.Issuer.objects.filter(name=row.issuer).update(signer=row.old_signer, revision=revision)
    reissue(row.new_signer, revision)
    _set(row.new_root, "standby", revision)
    _set(row.new_signer, "standby", revision)
    row.phase, row.phase_at, row.ended_at, row.revision = "aborted", now(), now(), revision
    row.save()
    return Change(before, row.as_json())
