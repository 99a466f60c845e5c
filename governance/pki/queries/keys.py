"""Private keys, sealed as they are kept."""

from governance.pki import models
from governance.pki.commands.rewrapping import Kind
from governance.pki.ct.models import CtLog


def sealed_keys(kind: Kind, *, after: str = "", limit: int) -> list[tuple[str, bytes]]:
    """The keys of authorities by id, of issued certificates by serial or of logs by name; those after `after`."""
    if kind == "log":
        logs = CtLog.objects.filter(name__gt=after).order_by("name").values_list("name", "sealed_key")
        return [(of, bytes(sealed)) for of, sealed in logs[:limit]]
    table: type[models.Authority] | type[models.Issued]
    table = models.Authority if kind == "authority" else models.Issued
    rows = table.objects.filter(sealed_key__isnull=False, pk__gt=after).order_by("pk").values_list("pk", "sealed_key")
    return [(of, bytes(sealed)) for of, sealed in rows[:limit] if sealed is not None]
