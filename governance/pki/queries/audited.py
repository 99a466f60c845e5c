"""What is to be checked for being logged: live certificates, and those that wait."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from governance.pki import models

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A certificate that is to be in the logs; `root_pem` ends its chain, `proven` says that its proofs are kept.

    Of one that waits `unplanned` says that no other issue is on its way.
    """

    serial: str
    holder: str
    issuer: str
    chain_pem: str
    root_pem: str
    not_after: datetime
    proven: bool
    unplanned: bool = False

    @property
    def namespace(self) -> str:
        """Of its holder."""
        return self.holder.split("/")[1]

    @property
    def name(self) -> str:
        """Of its holder, without kind and namespace."""
        return self.holder.split("/", 2)[2]

    @property
    def subject(self) -> str:
        """What people know it by: its holder, without the kind for managed certificates."""
        return self.holder.removeprefix("certificate/")


def waiting() -> list[Audited]:
    """The issues that wait for their proof, the longest waiting first."""
    rows = list(models.PendingIssue.objects.order_by("since", "uid").values_list("serial", "uid"))
    if not rows:
        return []
    idle = set(models.Certificate.objects.filter(attempt_at=None, claim="").values_list("uid", flat=True))
    unplanned = {serial for serial, uid in rows if uid in idle}
    found = _audited([serial for serial, _ in rows], proven=set())
    return [replace(each, unplanned=each.serial in unplanned) for each in found]


def live_unchecked(at: datetime, *, before: datetime) -> Iterator[Audited]:
    """The certificates in use or to be used that were not checked since `before`: newest issues and all of others.

    Of a managed certificate it is the issue in force, of workloads and signed requests whatever is still valid. Those
    that were never checked come first, then the longest unchecked.
    """
    checked = dict(models.TransparencyCheck.objects.values_list("serial", "checked_at"))
    in_force = models.Certificate.objects.exclude(serial="").filter(not_after__gt=at)
    others = models.Issued.objects.filter(not_after__gt=at, revoked_at=None, sealed_key=None)
    others = others.exclude(holder__startswith="certificate/").exclude(holder__startswith="responder/")
    live = {*in_force.values_list("serial", flat=True), *others.values_list("serial", flat=True)}
    never = sorted(live - checked.keys())
    wanted = never + sorted(
        (serial for serial in live & checked.keys() if checked[serial] < before),
        key=lambda serial: (checked[serial], serial),
    )
    for start in range(0, len(wanted), PAGE):
        some = wanted[start : start + PAGE]
        proven = set(models.LogProof.objects.filter(serial__in=some).values_list("serial", flat=True))
        yield from _audited(some, proven=proven)


def _audited(serials: list[str], *, proven: set[str]) -> Iterator[Audited]:
    authorities = {row.id: row for row in models.Authority.objects.only("id", "issuer", "pem", "kind", "parent")}
    for start in range(0, len(serials), PAGE):
        some = serials[start : start + PAGE]
        rows = models.Issued.objects.only("serial", "holder", "authority", "chain_pem", "not_after").in_bulk(some)
        for serial in some:
            row = rows.get(serial)
            authority = authorities.get(row.authority) if row else None
            if row is None or authority is None:
                continue
            # A root that signs leaves itself is not part of what is sent after them.
            root = authority.pem if authority.kind == "root" else ""
            yield Audited(
                serial=serial,
                holder=row.holder,
                issuer=authority.issuer,
                chain_pem=row.chain_pem,
                root_pem=root,
                not_after=row.not_after,
                proven=serial in proven,
            )
