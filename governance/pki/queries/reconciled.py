"""What was issued beside what is logged."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet

from governance.kernel.actor import EVERYWHERE
from governance.pki import models
from governance.pki.ct.models import CtEntry

PAGE = 500
# Of a log that holds millions, what was logged lately is compared; what is older was compared when it was new, and the
# reading of logs keeps a finding of what it found.
NEWEST = 20_000
Item = TypeVar("Item")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A certificate that is valid and in use, or waits to be: `why` is what its proof waits for, if it does."""

    serial: str
    holder: str
    issuer: str
    issued_at: datetime
    uris: tuple[str, ...]
    dns_names: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEntry:
    """An entry of our own log; `tile_leaf` is what a data tile holds of it."""

    index: int
    at: datetime
    serial: str
    authority: str
    holder: str
    source: str
    tile_leaf: bytes


def unproven(at: datetime, *, namespaces: Collection[str] = (EVERYWHERE,)) -> list[Live]:
    """The live certificates of which no proof is kept, and those whose last check did not find them logged.

    Of a managed certificate that is the issue in force, and the one that waits; of others whatever is valid.
    """
    doubted = models.TransparencyCheck.objects.exclude(state="logged").values_list("serial", flat=True)
    waiting = dict(models.PendingIssue.objects.values_list("serial", "why"))
    used = models.Certificate.objects.exclude(serial="").filter(not_after__gt=at)
    rows = models.Issued.objects.filter(not_after__gt=at, revoked_at=None).exclude(holder__startswith="responder/")
    others = rows.exclude(holder__startswith="certificate/")
    wanted = {*used.values_list("serial", flat=True), *others.values_list("serial", flat=True), *waiting}
    lacking = (wanted - _proven(wanted)) | (wanted & set(doubted))
    issuers = dict(models.Authority.objects.values_list("id", "issuer"))
    found = [
        Live(
            serial=row.serial,
            holder=row.holder,
            issuer=issuers.get(row.authority, ""),
            issued_at=row.issued_at,
            uris=tuple(row.uris),
            dns_names=tuple(row.dns_names),
            why=waiting.get(row.serial, ""),
        )
        for some in _pages(sorted(lacking))
        for row in _in(rows, namespaces).filter(serial__in=some).defer("chain_pem", "sealed_key", "spec")
    ]
    return sorted(found, key=lambda each: (each.holder, each.serial))


def _proven(serials: Collection[str]) -> set[str]:
    return {
        serial
        for some in _pages(sorted(serials))
        for serial in models.LogProof.objects.filter(serial__in=some).values_list("serial", flat=True)
    }


def logged_here(serials: Collection[str]) -> set[str]:
    """Those of them that an entry of our own log is about, whatever it says of them."""
    return {
        serial
        for some in _pages(sorted(serials))
        for serial in CtEntry.objects.filter(serial__in=some).values_list("serial", flat=True)
    }


def unissued(*, before: datetime) -> list[OwnEntry]:
    """The entries of our own log, logged before that, of whose serial numbers none was issued.

    Those that were handed in are listed all the same when one of that number was issued: it may be another.
    """
    last = CtEntry.objects.order_by("-index").values_list("index", flat=True).first()
    if last is None:
        return []
    until_ms = (before - _EPOCH) // timedelta(milliseconds=1)
    newest = CtEntry.objects.filter(index__gt=last - NEWEST, timestamp_ms__lt=until_ms).order_by("index")
    seen = list(newest.values_list("index", "serial", "source"))
    issued = _issued({serial for _, serial, _ in seen})
    wanted = [index for index, serial, source in seen if serial not in issued or source == "submitted"]
    return [
        OwnEntry(
            index=row.index,
            at=_EPOCH + timedelta(milliseconds=row.timestamp_ms),
            serial=row.serial,
            authority=row.authority,
            holder=row.holder,
            source=row.source,
            tile_leaf=bytes(row.tile_leaf),
        )
        for some in _pages(wanted)
        for row in CtEntry.objects.filter(index__in=some).order_by("index").defer("sct", "leaf")
    ]


def _issued(serials: Collection[str]) -> set[str]:
    return {
        serial
        for some in _pages(sorted(serials))
        for serial in models.Issued.objects.filter(serial__in=some).values_list("serial", flat=True)
    }


def chains_issued(serials: Collection[str]) -> dict[str, str]:
    """The chains of those that were issued here, by serial."""
    return {
        serial: chain
        for some in _pages(sorted(serials))
        for serial, chain in models.Issued.objects.filter(serial__in=some).values_list("serial", "chain_pem")
    }


def _in(rows: "QuerySet[models.Issued]", namespaces: Collection[str]) -> "QuerySet[models.Issued]":
    if EVERYWHERE in namespaces:
        return rows
    kinds = ("certificate", "workload", "request")
    allowed = Q()
    for namespace in namespaces:
        for kind in kinds:
            allowed |= Q(holder__startswith=f"{kind}/{namespace}/")
    return rows.filter(allowed) if allowed else rows.none()


def _pages(found: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(found), PAGE):
        yield found[start : start + PAGE]
