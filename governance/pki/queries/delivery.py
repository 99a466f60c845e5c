"""What is delivered to those who use certificates: chains with their keys in clear, in memory alone."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import structlog
from django.db.models import QuerySet
from prometheus_client import Counter

from governance.kernel.errors import GovernanceError, Invalid, Unavailable
from governance.ledger.queries import Entry
from governance.pki import models
from governance.pki.ct.models import CtLog
from governance.pki.keyring import key_encryption_key, of_authority, of_issued, of_log, opened

unreadable_total = Counter(
    "governor_certificates_unreadable_total", "Certificates that could not be delivered: their key does not open"
)
log = structlog.get_logger(__name__)

Place = tuple[str, str]  # which certificate: namespace and name
# Making sense of the other columns of ten thousand rows would take half a second.
_WANTED = ("namespace", "name", "secret_name", "serial", "spec")
_ISSUED = ("chain_pem", "dns_names", "uris", "sealed_key", "revoked_at")


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

    @property
    def place(self) -> Place:
        """Which certificate it is of."""
        return self.namespace, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What could be read, and the certificates in force that could not: whoever had them before keeps what it had."""

    found: tuple[Deliverable, ...]
    left_out: frozenset[Place]


def deliverables(*, only: Collection[Place] | None = None, consumer: str = "") -> list[Deliverable]:
    """What `delivery` found."""
    return list(delivery(only=only, consumer=consumer).found)


def delivery(*, only: Collection[Place] | None = None, consumer: str = "") -> Delivery:
    """Every certificate in force that has consumers and whose key is kept here, or those `only`.

    With `consumer` only what that identity may fetch: no other key is opened. One whose key does not open, or whose row
    is broken, is left out, logged and counted: it is no reason to keep the others from anybody. Whether any key opens,
    `check_keys` finds out.
    """
    wanted = _wanted(only, consumer)
    issued = _in_force([row.serial for row in wanted])
    found, left_out = [], set()
    for row in wanted:
        one = issued.get(row.serial)
        if one is None:
            continue
        try:
            found.append(_opened(row, one))
        except (GovernanceError, TypeError, ValueError, AttributeError) as error:  # columns of JSON may hold anything
            unreadable_total.inc()
            log.error(  # noqa: TRY400  (where it was found out says nothing)
                "a certificate cannot be delivered",
                certificate=f"{row.namespace}/{row.name}",
                serial=row.serial,
                reason=str(error),
            )
            left_out.add((row.namespace, row.name))
    return Delivery(found=tuple(found), left_out=frozenset(left_out))


def _wanted(only: Collection[Place] | None, consumer: str) -> list[models.Certificate]:
    """The rows that are asked for. Which have a consumer, the database finds out as far as it can."""
    rows: QuerySet[models.Certificate] = models.Certificate.objects.only(*_WANTED).exclude(serial="")
    rows = rows.order_by("namespace", "name")
    if consumer:
        # The list as JSON has each identity in quotes, so that none is found within another.
        rows = rows.filter(spec__consumers__icontains=f'"{consumer}"')
    if only is not None:
        names = {name for _, name in only}
        rows = rows.filter(name__in=names, namespace__in={namespace for namespace, _ in only})
    found = [row for row in rows if only is None or (row.namespace, row.name) in only]
    if consumer:
        return [row for row in found if consumer in _consumers(row)]
    return found if only is not None else [row for row in found if _consumers(row)]


def _consumers(row: models.Certificate) -> tuple[str, ...]:
    return tuple(row.spec.get("consumers") or ()) if isinstance(row.spec, dict) else ()


def _in_force(serials: list[str]) -> dict[str, models.Issued]:
    """The issues with a key that were not taken back."""
    issued: dict[str, models.Issued] = {}
    for start in range(0, len(serials), 500):
        issued |= models.Issued.objects.only(*_ISSUED).in_bulk(serials[start : start + 500])
    # Asked for in SQL, SQLite would go through all that is not revoked, once for every 500.
    return {serial: one for serial, one in issued.items() if one.sealed_key is not None and one.revoked_at is None}


def _opened(row: models.Certificate, one: models.Issued) -> Deliverable:
    if "-----BEGIN CERTIFICATE-----" not in one.chain_pem:
        raise Invalid("holds no certificate", field="chain_pem")
    assert one.sealed_key is not None
    return Deliverable(
        namespace=row.namespace,
        name=row.name,
        secret_name=row.secret_name,
        serial=one.serial,
        chain_pem=one.chain_pem,
        dns_names=tuple(one.dns_names),
        uris=tuple(one.uris),
        consumers=_consumers(row),
        key_pem=opened(bytes(one.sealed_key), context=of_issued(one.serial)),
    )


def check_keys() -> None:
    """Refuse to go on when none of the keys that are kept here opens: Unavailable says how that comes.

    Usually the first one opens and that was all. One that does not, among others that do, is no reason to stop.
    """
    key_encryption_key()  # one that is unusable is so for every key
    refusal: Unavailable | None = None
    for sealed_key, context in _kept():
        try:
            opened(sealed_key, context=context)
        except Unavailable as error:
            refusal = refusal or error
        except GovernanceError:  # it was altered, which says nothing of the key-encryption key
            continue
        else:
            return
    if refusal is not None:
        raise refusal


def _kept() -> Iterator[tuple[bytes, str]]:
    """Every key of an authority, then that of the log, then those of certificates in force."""
    authorities = models.Authority.objects.filter(sealed_key__isnull=False).order_by("id")
    for authority, sealed_key in authorities.values_list("id", "sealed_key"):
        yield bytes(sealed_key or b""), of_authority(authority)
    for name, sealed_key in CtLog.objects.values_list("name", "sealed_key"):
        yield bytes(sealed_key), of_log(name)
    newest = models.Certificate.objects.exclude(serial="").values("serial")
    issued = models.Issued.objects.filter(serial__in=newest, sealed_key__isnull=False)
    for serial, sealed_key in issued.values_list("serial", "sealed_key").iterator():
        yield bytes(sealed_key or b""), of_issued(serial)


def touched(entries: Iterable[Entry]) -> set[Place]:
    """The certificates that facts are about."""
    found: set[Place] = set()
    holders: set[str] = set()
    together: set[str] = set()
    for entry in entries:
        if not entry.action.startswith("pki."):
            continue
        kind, _, rest = entry.thing.partition("/")
        after = entry.after or {}
        if kind == "certificates":
            found |= {(rest, name) for name in {**(entry.before or {}), **after}}
        elif kind == "issued":
            holders.add(str(after.get("holder", "")))
            together |= set(after.get("together_with", ()))  # what was revoked in the same moment
        else:
            holders.add(entry.thing)
    if together:
        also = models.Issued.objects.filter(serial__in=together).values_list("holder", flat=True)
        holders |= set(also)
    return found | {place for holder in holders if (place := _place(holder))}


def _place(holder: str) -> Place | None:
    kind, _, rest = holder.partition("/")
    namespace, _, name = rest.partition("/")
    return (namespace, name) if kind == "certificate" and name else None
