"""Writes what consumers were seen to hold. Observations are not changes: they leave no fact."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.pki.models import Holding

GONE_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A consumer with one of its secrets ("namespace/name", empty for its roots alone)."""

    consumer: str
    process: str
    secret: str
    serial: str
    roots: str
    how: str


def holdings(seen: Iterable[Seen], *, at: datetime) -> None:
    """Store what is held now."""
    rows = [
        Holding(
            consumer=each.consumer[:300],
            process=each.process[:120],
            secret=each.secret,
            serial=each.serial,
            roots=each.roots,
            how=each.how,
            seen_at=at,
            gone_at=None,
        )
        for each in seen
    ]
    Holding.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["consumer", "process", "secret"],
        update_fields=["serial", "roots", "how", "seen_at", "gone_at"],
    )


def gone(processes: Collection[str], *, at: datetime) -> None:
    """Note that these processes of consumers are not connected any more."""
    Holding.objects.filter(process__in=list(processes), gone_at=None).update(gone_at=at)


def process_gone(process: str, *, at: datetime) -> None:
    """Note that whatever was seen by one of our processes is not connected to it any more."""
    Holding.objects.filter(process__startswith=f"{process}/", gone_at=None).update(gone_at=at)


def prune(at: datetime) -> int:
    """Forget what left a day ago."""
    return Holding.objects.filter(gone_at__lt=at - GONE_KEPT).delete()[0]
