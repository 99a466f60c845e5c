"""Recording that certificates are in the logs, and putting those in force that waited for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.ledger.command import Change, handles
from governance.pki import models
from governance.pki.commands.issuing import OfBatch, check_batch, essence
from governance.pki.commands.proofs import store_proofs
from governance.pki.commands.storing import InForce, forget_old_keys, move_on, write_moved
from governance.pki.issue import planned
from governance.pki.status import EXPIRED, INCORRECT_ISSUER
from governance.pki.values import spec_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The proofs of one certificate by log id (hex), each checked by whoever asks for this; `name` is its holder's."""

    name: str
    serial: str
    proofs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordProofs(OfBatch):
    """Keep the proofs that certificates are logged; those that waited for theirs are put in force by that."""

    permission: ClassVar[str] = "pki.maintain"
    action: ClassVar[str] = "pki.certificate.prove"
    items: tuple[Proven, ...]

    def __post_init__(self) -> None:
        check_batch(self.items)

    def as_json(self) -> dict[str, Any]:
        """Which certificates, in which logs."""
        return {
            "namespace": self.namespace,
            "items": [{"serial": each.serial, "logs": sorted(each.proofs)} for each in self.items],
        }


@handles(RecordProofs)
def record_proofs(command: RecordProofs, revision: int) -> Change:
    """Store each proof; move the certificates on whose pending issue is among them."""
    serials = [each.serial for each in command.items]
    waiting = {row.serial: row for row in models.PendingIssue.objects.filter(serial__in=serials)}
    before, after = moved_on(waiting, command.namespace, revision)
    known = set(models.LogProof.objects.filter(serial__in=serials).values_list("serial", flat=True))
    fresh = [each for each in command.items if each.serial not in known]
    store_proofs({each.serial: each.proofs for each in fresh}, revision)
    proven = {each.name: {"serial": each.serial, "proven_in": sorted(each.proofs)} for each in fresh}
    return Change(before, {name: proven.get(name, {}) | after.get(name, {}) for name in {**proven, **after}})


def moved_on(
    waiting: Mapping[str, models.PendingIssue], namespace: str, revision: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put pending issues, by serial, in force; the certificates before and after. One that is stale is made anew."""
    rows = {row.uid: row for row in models.Certificate.objects.filter(uid__in=[each.uid for each in waiting.values()])}
    issued = models.Issued.objects.filter(revoked_at=None).in_bulk(list(waiting))
    signers = dict(models.Issuer.objects.values_list("name", "signer"))
    at = now()
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    moved: list[models.Certificate] = []
    for serial, each in waiting.items():
        row, one = rows.get(each.uid), issued.get(serial)
        if row is None or one is None or row.namespace != namespace:
            continue
        before[row.name] = essence(row)
        stale = INCORRECT_ISSUER if signers.get(row.issuer) != one.authority else EXPIRED if one.not_after <= at else ""
        if stale:  # while it waited
            row.reason, row.attempt_at, row.revision = stale, at, revision
        else:
            move_on(row, _step(row, each, one), revision)
        after[row.name] = essence(row)
        moved.append(row)
    write_moved(moved)
    forget_old_keys(moved)
    models.PendingIssue.objects.filter(uid__in=[row.uid for row in moved]).delete()
    return before, after


def _step(row: models.Certificate, pending: models.PendingIssue, issued: models.Issued) -> InForce:
    found = planned(spec_from(row.spec), issued.chain_pem)
    return InForce(
        serial=issued.serial,
        number=pending.number,
        generation=pending.generation,
        not_before=issued.not_before,
        not_after=issued.not_after,
        renew_at=found.at if row.spec["renewal"] == "RenewBefore" else None,
        plan_warning=found.warning,
    )
