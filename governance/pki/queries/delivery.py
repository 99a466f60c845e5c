"""What is delivered to those who use certificates: chains with their keys in clear, in memory alone."""

from collections.abc import Collection
from dataclasses import dataclass, field

from governance.pki import models
from governance.pki.keyring import of_issued, opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable:
    """The certificate that is to be used now, with its key."""

    namespace: str
    name: str
    secret_name: str
    serial: str
    chain_pem: str
    dns_names: tuple[str, ...]
    uris: tuple[str, ...]
    consumers: tuple[str, ...]
    key_pem: bytes = field(repr=False)


def deliverables(*, only: Collection[tuple[str, str]] | None = None) -> list[Deliverable]:
    """Every certificate in force that has consumers and whose key is here, or those `only` by (namespace, name).

    Raises Unavailable when the key-encryption key is not the one that sealed them.
    """
    rows = models.Certificate.objects.exclude(serial="").order_by("namespace", "name")
    if only is not None:
        names = {name for _, name in only}
        rows = rows.filter(name__in=names, namespace__in={namespace for namespace, _ in only})
        wanted = [row for row in rows if (row.namespace, row.name) in only]
    else:
        wanted = [row for row in rows if row.spec.get("consumers")]
    serials = [row.serial for row in wanted]
    issued: dict[str, models.Issued] = {}
    for start in range(0, len(serials), 500):
        issued |= models.Issued.objects.in_bulk(serials[start : start + 500])
    found = []
    for row in wanted:
        one = issued.get(row.serial)
        if one is None or one.sealed_key is None or one.revoked_at is not None:
            continue
        found.append(
            Deliverable(
                namespace=row.namespace,
                name=row.name,
                secret_name=row.secret_name,
                serial=one.serial,
                chain_pem=one.chain_pem,
                dns_names=tuple(one.dns_names),
                uris=tuple(one.uris),
                consumers=tuple(row.spec.get("consumers", ())),
                key_pem=opened(bytes(one.sealed_key), context=of_issued(one.serial)),
            )
        )
    return found
