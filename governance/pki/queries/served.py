"""What ports were seen to show, and what was issued that they may show."""

import hashlib
import ssl
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from django.db.models import Count, Max, Q

from governance.kernel.actor import EVERYWHERE
from governance.pki import models
from governance.pki.ct.probing import Port
from governance.pki.ct.tracing import Signer

PAGE = 500
_SHOWN = (
    *("namespace", "service", "address", "server_name", "serial", "fingerprint"),
    *("since", "seen_at", "asked_at", "error"),
)
_END = "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """When a port was looked at last, and whether it did not answer then."""

    at: datetime
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedView:
    """What a port showed last: since when just that, when it was seen, and when it was looked at last.

    Where that look failed, `error` says why; a port that never showed anything has neither serial nor `seen_at`.
    """

    namespace: str
    service: str
    address: str
    server_name: str
    serial: str
    fingerprint: str
    since: datetime | None
    seen_at: datetime | None
    asked_at: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A certificate that was issued; `renewed_by` is the newest one that a workload got by showing it."""

    serial: str
    holder: str
    number: int
    fingerprint: str
    uris: tuple[str, ...]
    dns_names: tuple[str, ...]
    not_after: datetime
    revoked_at: datetime | None
    renewed_by: str = ""
    renewed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The issue of a managed certificate that is to be used, since when, and by whom. `secret` is its whole name."""

    namespace: str
    name: str
    secret: str
    serial: str
    number: int
    since: datetime
    not_after: datetime
    revoked_at: datetime | None
    consumers: tuple[str, ...]
    uris: tuple[str, ...]
    dns_names: tuple[str, ...]


def served(*, namespaces: Collection[str] = (EVERYWHERE,)) -> list[ServedView]:
    """What each port showed last, by (namespace, service, address, server_name)."""
    rows = models.ServedCertificate.objects.order_by("namespace", "service", "address", "server_name")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    return [ServedView(**dict(zip(_SHOWN, row, strict=True))) for row in rows.values_list(*_SHOWN)]


def looked(*, namespaces: Collection[str] = (EVERYWHERE,)) -> tuple[int, int, datetime | None]:
    """How many ports there are, how many answered when they were asked last, and when one was asked last."""
    rows = models.ServedCertificate.objects.all()
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    answering = Count("id", filter=Q(error=""))
    found = rows.aggregate(ports=Count("id"), answering=answering, at=Max("asked_at"))
    return found["ports"], found["answering"], found["at"]


def chains_of(fingerprints: Collection[str]) -> dict[tuple[str, datetime | None, str, str], str]:
    """The chains, as PEM, by fingerprint of the leaf, since when a port shows it, its address and the name asked for.

    What is sent with a certificate differs from port to port.
    """
    found: dict[tuple[str, datetime | None, str, str], str] = {}
    for some in _pages(list(fingerprints)):
        rows = models.ServedCertificate.objects.filter(fingerprint__in=some)
        sent = rows.values_list("fingerprint", "since", "address", "server_name", "chain_pem")
        found |= {(mark, since, address, name): chain for mark, since, address, name, chain in sent}
    return found


def asked() -> dict[Port, Asked]:
    """When each port was looked at last."""
    rows = models.ServedCertificate.objects.values_list("address", "server_name", "asked_at", "error")
    return {Port(address=row[0], server_name=row[1]): Asked(at=row[2], silent=bool(row[3])) for row in rows}


def names_shown_by(consumer: str) -> list[tuple[str, str]]:
    """Namespace and first DNS name of every certificate that `consumer` may fetch to show it to others."""
    # The list as JSON has each identity in quotes, so that none is found within another.
    rows = models.Certificate.objects.filter(spec__consumers__icontains=f'"{consumer}"').exclude(serial="")
    return [
        (namespace, spec["dns_names"][0])
        for namespace, spec in rows.order_by("namespace", "name").values_list("namespace", "spec")
        if spec.get("dns_names") and consumer in spec.get("consumers", ())
    ]


def issues(serials: Collection[str]) -> dict[str, Issue]:
    """Those of the serials that were issued here, by serial."""
    found: dict[str, Issue] = {}
    wanted = sorted(serials)
    renewed = _renewed(wanted)
    columns = ("serial", "holder", "number", "chain_pem", "uris", "dns_names", "not_after", "revoked_at")
    for some in _pages(wanted):
        for row in models.Issued.objects.filter(serial__in=some).values(*columns):
            by, at = renewed.get(row["serial"], ("", None))
            found[row["serial"]] = Issue(
                serial=row["serial"],
                holder=row["holder"],
                number=row["number"],
                fingerprint=fingerprint_of(row["chain_pem"]),
                uris=tuple(row["uris"]),
                dns_names=tuple(row["dns_names"]),
                not_after=row["not_after"],
                revoked_at=row["revoked_at"],
                renewed_by=by,
                renewed_at=at,
            )
    return found


def fingerprint_of(chain_pem: str) -> str:
    """SHA-256 of the first certificate in hex; empty when there is none. Taking certificates apart would cost more."""
    first, end, _ = chain_pem.partition(_END)
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first.strip() + "\n" + end)).hexdigest()
    except ValueError:
        return ""


def _renewed(serials: Sequence[str]) -> dict[str, tuple[str, datetime | None]]:
    found: dict[str, tuple[str, datetime | None]] = {}
    for some in _pages(serials):
        rows = models.Issued.objects.filter(renews__in=some, revoked_at=None).order_by("issued_at")
        found |= {renews: (serial, at) for renews, serial, at in rows.values_list("renews", "serial", "issued_at")}
    return found


def in_force(*, namespaces: Collection[str] = (EVERYWHERE,)) -> list[InForce]:
    """The issue in force of every managed certificate that has one."""
    rows = models.Certificate.objects.exclude(serial="").order_by("namespace", "name")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    found = list(rows.values("namespace", "name", "secret_name", "serial", "number", "not_after", "spec"))
    since, revoked = _moments([row["serial"] for row in found])
    return [
        InForce(
            namespace=row["namespace"],
            name=row["name"],
            secret=f"{row['namespace']}/{row['secret_name']}",
            serial=row["serial"],
            number=row["number"],
            since=since[row["serial"]],
            not_after=row["not_after"],
            revoked_at=revoked.get(row["serial"]),
            consumers=tuple(row["spec"].get("consumers") or ()),
            uris=tuple(row["spec"].get("uris") or ()),
            dns_names=tuple(row["spec"].get("dns_names") or ()),
        )
        for row in found
        if row["serial"] in since and row["not_after"] is not None
    ]


def _moments(serials: Sequence[str]) -> tuple[dict[str, datetime], dict[str, datetime]]:
    """Since when each is in force, which is not before it was proven to be logged, and when it was revoked."""
    since: dict[str, datetime] = {}
    revoked: dict[str, datetime] = {}
    for some in _pages(serials):
        for serial, at, taken_back in models.Issued.objects.filter(serial__in=some).values_list(
            "serial", "issued_at", "revoked_at"
        ):
            since[serial] = at
            if taken_back is not None:
                revoked[serial] = taken_back
        for serial, at in models.LogProof.objects.filter(serial__in=some).values_list("serial", "proven_at"):
            if serial in since:
                since[serial] = max(since[serial], at)
    return since, revoked


def held() -> dict[str, dict[str, list[str]]]:
    """What connected consumers hold: of each secret ("namespace/secret_name") who has which serial."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    rows = models.Holding.objects.filter(gone_at=None).exclude(serial="").exclude(secret="")
    for secret, serial, consumer in rows.order_by("consumer", "process").values_list("secret", "serial", "consumer"):
        found[secret][serial].append(consumer)
    return found


def signers() -> list[Signer]:
    """Every authority that there is or was, also under the certificates that older roots gave it."""
    rows = models.Authority.objects.order_by("id").values_list("common_name", "pem", "cross_pem", "sealed_key")
    return [
        Signer(common_name=name, certificate=certificate, ours=sealed_key is not None)
        for name, pem, cross_pem, sealed_key in rows
        for certificate in x509.load_pem_x509_certificates((pem + "\n" + cross_pem).encode())
    ]


def _pages(serials: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(serials), PAGE):
        yield serials[start : start + PAGE]
