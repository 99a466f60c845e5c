"""Writes what checks of certificates found."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from governance.pki.ct.standing import Checked
from governance.pki.models import TransparencyCheck

# What was not looked at for so long is not live any more.
KEPT = timedelta(days=7)


def checked(found: Iterable[Checked]) -> None:
    """Store what was found, in place of what was found before."""
    rows = [
        TransparencyCheck(serial=each.serial, state=each.state, why=each.why[:500], checked_at=each.checked_at)
        for each in found
    ]
    TransparencyCheck.objects.bulk_create(
        rows,
        batch_size=200,
        update_conflicts=True,
        unique_fields=["serial"],
        update_fields=["state", "why", "checked_at"],
    )


def prune_checks(at: datetime) -> int:
    """Forget what was checked last a week ago."""
    return TransparencyCheck.objects.filter(checked_at__lt=at - KEPT).delete()[0]
