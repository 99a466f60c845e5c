"""Private keys, sealed as they are kept."""

from typing import Literal

from governance.pki import models


def sealed_keys(kind: Literal["authority", "issued"], *, after: str = "", limit: int) -> list[tuple[str, bytes]]:
    """The keys of authorities by id, or of issued certificates by serial, in that order; those after `after`."""
    table: type[models.Authority] | type[models.Issued]
    table = models.Authority if kind == "authority" else models.Issued
    rows = table.objects.filter(sealed_key__isnull=False, pk__gt=after).order_by("pk").values_list("pk", "sealed_key")
    return [(of, bytes(sealed)) for of, sealed in rows[:limit] if sealed is not None]
