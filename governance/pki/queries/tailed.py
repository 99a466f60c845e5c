"""What entries of logs are compared with: our authorities, what they issued, and whose names are whose."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from governance.pki import models
from governance.pki.ct.models import CtEntry

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How an entry came into our own log: "issued" by us for that holder, or "submitted" by whoever it was."""

    source: str
    holder: str


def own_authorities() -> list[tuple[str, str]]:
    """Common name and certificate, as PEM, of every authority that signs for nobody but us, retired ones among them.

    One that was imported without its key goes on signing elsewhere.
    """
    rows = models.Authority.objects.filter(Q(imported=False) | Q(sealed_key__isnull=False)).order_by("id")
    return list(rows.values_list("common_name", "pem"))


def authorities_known() -> list[str]:
    """All certificates of authorities, as PEM: those by which older roots certified newer ones are among them."""
    rows = models.Authority.objects.order_by("id").values_list("pem", "cross_pem")
    return [pem for pems in rows for pem in pems if pem]


def issues(serials: Collection[str]) -> dict[str, str]:
    """The chains, as PEM, of those serial numbers that were issued here."""
    found: dict[str, str] = {}
    for some in _parts(sorted(serials)):
        found |= dict(models.Issued.objects.filter(serial__in=some).values_list("serial", "chain_pem"))
    return found


def origins(identities: Collection[str]) -> dict[str, Origin]:
    """How those entries came into our own log, by their identity; those that it does not have are left out."""
    found: dict[str, Origin] = {}
    for some in _parts(sorted(identities)):
        rows = CtEntry.objects.filter(identity__in=some).values_list("identity", "source", "holder")
        found |= {identity: Origin(source=source, holder=holder) for identity, source, holder in rows}
    return found


def names_claimed(at: datetime) -> dict[str, set[str]]:
    """The names and addresses that certificates have, by the namespaces whose certificates they are."""
    rows = models.NameClaim.objects.filter(Q(until=None) | Q(until__gt=at)).values_list("namespace", "name")
    found: dict[str, set[str]] = {}
    for namespace, name in rows.distinct().iterator():
        found.setdefault(namespace, set()).add(name)
    return found


def _parts(wanted: Sequence[str]) -> Iterator[Sequence[str]]:
    return (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))
