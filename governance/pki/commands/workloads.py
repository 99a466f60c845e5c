"""Programs with identities: how they join, renew and leave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from governance.kernel.actor import Actor
from governance.kernel.clock import now, stamp
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from governance.kernel.ids import check_label, check_text, uuid7
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.commands.proofs import store_proofs

MIN_TOKEN_S, MAX_TOKEN_S, DEFAULT_TOKEN_S = 60, 7 * 86_400, 3600
# How long a certificate that was renewed renews once more over another key: the first answer may have been lost.
RENEWED_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfWorkload(Command):
    """A command about one workload, named by `namespace` and `workload`."""

    workload: str

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_label(self.workload, field="workload")

    @property
    def thing(self) -> str:
        """The workload."""
        return f"workload/{self.namespace}/{self.workload}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateJoinToken(OfWorkload):
    """Let `workload` have its first certificate, once, within `lifetime_s`, by a secret with this SHA-256 `digest`."""

    permission: ClassVar[str] = "pki.join"
    action: ClassVar[str] = "pki.join_token.create"
    digest: str = field(repr=False)
    lifetime_s: int = DEFAULT_TOKEN_S
    id: str = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        super(CreateJoinToken, self).__post_init__()
        if not MIN_TOKEN_S <= self.lifetime_s <= MAX_TOKEN_S:
            raise Invalid(f"is {self.lifetime_s} s; {MIN_TOKEN_S} to {MAX_TOKEN_S} s", field="lifetime_s")

    @property
    def thing(self) -> str:
        """The new token."""
        return f"join-token/{self.id}"

    def as_json(self) -> dict[str, Any]:
        """What was asked for; secret and id differ at each attempt."""
        return {"namespace": self.namespace, "workload": self.workload, "lifetime_s": self.lifetime_s}


@handles(CreateJoinToken)
def create_join_token(command: CreateJoinToken, revision: int) -> Change:
    """Insert the token."""
    at = now()
    row = models.JoinToken(
        id=command.id,
        namespace=command.namespace,
        workload=command.workload,
        digest=command.digest,
        created_at=at,
        expires_at=at + timedelta(seconds=command.lifetime_s),
        revision=revision,
    )
    row.save(force_insert=True)
    return Change(None, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawJoinToken(Command):
    """Let a join token open nothing any more."""

    permission: ClassVar[str] = "pki.join"
    action: ClassVar[str] = "pki.join_token.withdraw"
    id: str

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_text(self.id, field="id", limit=36)

    @property
    def thing(self) -> str:
        """The token."""
        return f"join-token/{self.id}"


@handles(WithdrawJoinToken)
def withdraw_join_token(command: WithdrawJoinToken, revision: int) -> Change:
    """Set when it was withdrawn; a second time changes nothing."""
    row = models.JoinToken.objects.filter(pk=command.id, namespace=command.namespace).first()
    if row is None:
        raise NotFound(f"there is no join token {command.id} in namespace {command.namespace}", field="id")
    before = row.as_json()
    if row.withdrawn_at is None and row.used_at is None:
        row.withdrawn_at, row.revision = now(), revision
        row.save()
    return Change(before, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolWorkload(OfWorkload):
    """Record a certificate that a workload gets over a key of its own: by `token`, or in renewing `renews`.

    `key_id` is of its public key.
    """

    permission: ClassVar[str] = "pki.enroll"
    action: ClassVar[str] = "pki.workload.enrol"
    serial: str
    key_id: str
    authority: str
    chain_pem: str = field(repr=False)
    uri: str
    dns_names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    token: str = ""
    renews: str = ""
    proofs: Mapping[str, str] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Who, and by what right; the certificate differs at each attempt."""
        return {"namespace": self.namespace, "workload": self.workload, "token": self.token, "renews": self.renews}

    def check_actor(self, by: Actor) -> None:
        """A workload renews its own certificate and no other."""
        if self.renews and by.kind == "workload" and by.name != self.uri:
            raise Forbidden(f"{by.name} cannot renew the certificate of {self.uri}")
        if not self.renews and not self.token:
            raise Invalid("needs a join token, or the certificate that is renewed", field="token")


@handles(EnrolWorkload)
def enrol_workload(command: EnrolWorkload, revision: int) -> Change:
    """Use up the token or check what is renewed, and insert the certificate."""
    row = models.Workload.objects.filter(namespace=command.namespace, name=command.workload).first()
    before = row.as_json() if row else None
    if command.token:
        _use(command, revision)
    else:
        _check_renewable(command)
    if row is None:
        row = models.Workload(namespace=command.namespace, name=command.workload)
    if not row.enabled:
        raise Forbidden(f"the workload {command.workload} is disabled", field="workload")
    row.serial, row.revision = command.serial, revision
    row.save()
    models.Issued(
        serial=command.serial,
        authority=command.authority,
        holder=command.thing,
        uris=[command.uri],
        dns_names=list(command.dns_names),
        not_before=command.not_before,
        not_after=command.not_after,
        chain_pem=command.chain_pem,
        key_id=command.key_id,
        renews=command.renews,
        issued_at=now(),
        revision=revision,
    ).save(force_insert=True)
    if command.proofs:
        store_proofs({command.serial: command.proofs}, revision)
    return Change(before, row.as_json())


def _use(command: EnrolWorkload, revision: int) -> None:
    of_this = models.JoinToken.objects.filter(namespace=command.namespace, workload=command.workload)
    row = of_this.filter(pk=command.token).first()
    if row is None or row.withdrawn_at or row.expires_at <= now():
        raise Forbidden("the join token is unknown, expired or withdrawn", field="token")
    if row.used_at:
        raise Conflict("the join token was used already; it works once", field="token")
    row.used_at, row.revision = now(), revision
    row.save()


def _check_renewable(command: EnrolWorkload) -> None:
    old = models.Issued.objects.filter(pk=command.renews, holder=command.thing).first()
    if old is None:
        raise Forbidden("that certificate is not of this workload", field="renews")
    if old.revoked_at is not None:
        raise Forbidden(f"that certificate was revoked: {old.revoked_reason}", field="renews")
    if old.not_after <= now():  # a resumed TLS session still shows it
        raise Forbidden(f"that certificate expired at {stamp(old.not_after)}; join anew", field="renews")
    _check_renewed_once(command)


def _check_renewed_once(command: EnrolWorkload) -> None:
    """Refuse to make two of one certificate: whoever stole its key would renew beside its owner, and not be seen."""
    of_it = models.Issued.objects.filter(renews=command.renews).order_by("issued_at")
    earlier = list(of_it.values_list("issued_at", "key_id"))
    if not earlier or command.key_id in {key_id for _, key_id in earlier}:
        return
    first = earlier[0][0]
    if first + RENEWED_AGAIN <= now():
        raise Forbidden(
            f"that certificate was renewed over another key at {stamp(first)}, and can be once more for "
            f"{RENEWED_AGAIN.seconds // 60} minutes only; show the newer one, or join anew. If it was not you who "
            "renewed it, have it revoked for keyCompromise",
            field="renews",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWorkload(OfWorkload):
    """Enable a workload, or disable it: a disabled one may do nothing, whatever certificate it shows."""

    permission: ClassVar[str] = "pki.revoke"
    action: ClassVar[str] = "pki.workload.set"
    enabled: bool


@handles(SetWorkload)
def set_workload(command: SetWorkload, revision: int) -> Change:
    """Set the flag."""
    row = models.Workload.objects.filter(namespace=command.namespace, name=command.workload).first()
    if row is None:
        raise NotFound(f"there is no workload {command.workload} in {command.namespace}", field="workload")
    before = row.as_json()
    row.enabled, row.revision = command.enabled, revision
    row.save()
    return Change(before, row.as_json())
