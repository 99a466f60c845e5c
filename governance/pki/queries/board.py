"""All certificates at a glance: ten thousand in a tenth of a second, for nothing is read that need not be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from governance.kernel.actor import EVERYWHERE
from governance.pki import models
from governance.pki.queries.workloads import holding_view
from governance.pki.renewal import CRITICAL, LATE_AFTER
from governance.pki.standing import QUIET, Standing
from governance.pki.status import HoldingView

_COLUMNS = (
    *("uid", "namespace", "name", "not_before", "not_after", "renew_at", "attempt_at"),
    *("failures", "reason"),
)


def standings(*, namespaces: Collection[str] = (EVERYWHERE,), text: str = "") -> list[Standing]:
    """How every certificate stands, in no particular order; with `text`, of those that bear it in a name."""
    return _standings(models.Certificate.objects.all(), namespaces, text.strip().lower())


def pressing(at: datetime, *, namespaces: Collection[str] = (EVERYWHERE,)) -> list[Standing]:
    """Those that somebody has to be told of, the most pressing first."""
    due = Q(not_after__lt=at + CRITICAL) | Q(renew_at__lt=at - LATE_AFTER) | Q(failures__gt=0)
    found = _standings(models.Certificate.objects.filter(due), namespaces, "")
    return sorted((each for each in found if each.state(at) not in QUIET), key=lambda each: each.pressing(at))


def _standings(rows: "QuerySet[models.Certificate]", namespaces: Collection[str], text: str) -> list[Standing]:
    rows = _in(rows, namespaces)
    taken_back = models.Issued.objects.filter(revoked_at__isnull=False).values("serial")
    revoked = set(rows.filter(serial__in=taken_back).values_list("uid", flat=True))
    if text:
        named = [row for row in rows.values(*_COLUMNS, "issuer", "spec") if text in _searched(row)]
        found = [tuple(row[column] for column in _COLUMNS) for row in named]
    else:
        found = list(rows.values_list(*_COLUMNS))
    return [Standing(**dict(zip(_COLUMNS, row, strict=True)), revoked=row[0] in revoked) for row in found]


def _in(rows: "QuerySet[models.Certificate]", namespaces: Collection[str]) -> "QuerySet[models.Certificate]":
    return rows if EVERYWHERE in namespaces else rows.filter(namespace__in=list(namespaces))


def _searched(row: dict[str, object]) -> str:
    spec = row["spec"]
    assert isinstance(spec, dict)
    names = (name for key in ("dns_names", "uris", "ip_addresses", "consumers") for name in spec.get(key, ()))
    said = (f"{row['namespace']}/{row['name']}", row["issuer"], spec.get("common_name", ""), spec["secret_name"])
    return "\n".join(map(str, (*said, *names))).lower()


def held(secrets: Collection[str]) -> list[HoldingView]:
    """What connected consumers were seen to hold of these secrets ("namespace/secret_name")."""
    rows = models.Holding.objects.filter(secret__in=list(secrets), gone_at=None)
    return [holding_view(row) for row in rows.order_by("consumer", "process", "secret")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A DNS name that the certificate namespace/certificate answers for, for its `consumers`."""

    dns_name: str
    namespace: str
    certificate: str
    consumers: tuple[str, ...]
    issued: bool
    valid: bool


def served(at: datetime, *, namespaces: Collection[str] = (EVERYWHERE,)) -> list[Served]:
    """Every DNS name of every certificate that somebody may fetch, by name and then by certificate."""
    rows = _in(models.Certificate.objects.order_by("namespace", "name"), namespaces)
    return sorted(
        (
            Served(
                dns_name=name,
                namespace=row["namespace"],
                certificate=row["name"],
                consumers=tuple(row["spec"]["consumers"]),
                issued=row["not_after"] is not None,
                valid=row["not_after"] is not None and at < row["not_after"],
            )
            for row in rows.values("namespace", "name", "spec", "not_after")
            if row["spec"].get("consumers") and "server auth" in row["spec"].get("usages", ())
            for name in row["spec"].get("dns_names", ())
        ),
        key=lambda each: (each.dns_name.removeprefix("*."), each.dns_name, each.namespace, each.certificate),
    )


def authority_names() -> dict[str, str]:
    """The common name of every authority by its id."""
    return dict(models.Authority.objects.values_list("id", "common_name"))
