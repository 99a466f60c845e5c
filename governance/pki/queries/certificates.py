"""Certificates: wanted and issued."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from governance.kernel.actor import EVERYWHERE
from governance.pki import models
from governance.pki.ct.standing import Pending
from governance.pki.queries.logs import pending_of
from governance.pki.renewal import CRITICAL, LATE_AFTER
from governance.pki.status import Certificate, IssuedCertificate
from governance.pki.values import spec_from


def certificates(
    *,
    namespaces: Collection[str] = (EVERYWHERE,),
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> list[Certificate]:
    """Certificates by (namespace, name), those after `after` when it is given."""
    rows = _in(models.Certificate.objects.order_by("namespace", "name"), namespaces)
    if after is not None:
        rows = rows.filter(Q(namespace=after[0], name__gt=after[1]) | Q(namespace__gt=after[0]))
    return _views(rows[:limit])


def certificate(namespace: str, name: str) -> Certificate | None:
    """One certificate, or None."""
    return next(iter(_views(models.Certificate.objects.filter(namespace=namespace, name=name))), None)


def by_uid(uids: Sequence[str]) -> list[Certificate]:
    """Those certificates."""
    return _views(models.Certificate.objects.filter(uid__in=list(uids)))


def alarming(at: datetime, *, namespaces: Collection[str] = (EVERYWHERE,)) -> list[Certificate]:
    """Certificates that somebody has to look at now, soonest to expire first."""
    due = Q(not_after__lt=at + CRITICAL) | Q(renew_at__lt=at - LATE_AFTER) | Q(failures__gt=0) | Q(reason="Revoked")
    rows = _in(models.Certificate.objects.filter(due).order_by("not_after", "namespace", "name"), namespaces)
    return [each for each in _views(rows) if each.alarming(at)]


def any_due(at: datetime) -> bool:
    """Whether something is to be issued that nobody works on."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=at)
    return models.Certificate.objects.filter(free, attempt_at__lte=at).exists()


def renewal_times(*, namespaces: Collection[str] = (EVERYWHERE,), until: datetime) -> list[datetime]:
    """When each renewal is tried next, up to `until`."""
    rows = models.Certificate.objects.filter(attempt_at__lt=until)
    times = _in(rows, namespaces).order_by("attempt_at").values_list("attempt_at", flat=True)
    return [at for at in times if at is not None]


def history(namespace: str, name: str, *, limit: int = 50) -> list[IssuedCertificate]:
    """Every issue of a certificate, newest first."""
    rows = models.Issued.objects.filter(holder=f"certificate/{namespace}/{name}").order_by("-issued_at", "-number")
    return [issued_view(row) for row in rows[:limit]]


def issued(serial: str) -> IssuedCertificate | None:
    """One certificate that was issued, or None."""
    row = models.Issued.objects.filter(pk=serial).first()
    return issued_view(row) if row else None


def issued_of(holder: str, *, before: str = "", limit: int = 50) -> list[IssuedCertificate]:
    """What was issued to a holder, such as "workload/default/checkout", newest first; `before` that serial if given."""
    rows = models.Issued.objects.filter(holder=holder).order_by("-issued_at", "-number")
    if before:
        rows = rows.filter(issued_at__lt=models.Issued.objects.filter(pk=before).values("issued_at"))
    return [issued_view(row) for row in rows[:limit]]


def revoked(at: datetime) -> frozenset[str]:
    """The serials of revoked certificates that have not expired an hour ago."""
    rows = models.Issued.objects.filter(revoked_at__isnull=False, not_after__gt=at - timedelta(hours=1))
    return frozenset(rows.values_list("serial", flat=True))


def sealed_key_of(serial: str) -> bytes | None:
    """The sealed key of an issued certificate; None when it is not kept."""
    found = models.Issued.objects.filter(pk=serial).values_list("sealed_key", flat=True).first()
    return bytes(found) if found is not None else None


def namespaces_in_use() -> list[str]:
    """The namespaces that have a certificate, sorted."""
    return list(models.Certificate.objects.order_by("namespace").values_list("namespace", flat=True).distinct())


def _in(rows: QuerySet[models.Certificate], namespaces: Collection[str]) -> QuerySet[models.Certificate]:
    return rows if EVERYWHERE in namespaces else rows.filter(namespace__in=list(namespaces))


def _views(rows: QuerySet[models.Certificate]) -> list[Certificate]:
    found = list(rows)
    serials = [row.serial for row in found if row.serial]
    known = models.Issued.objects.filter(revoked_at__isnull=False)
    known = known.filter(serial__in=serials) if len(serials) <= 500 else known
    taken_back = dict(known.values_list("serial", "revoked_reason"))
    waiting = pending_of([row.uid for row in found])
    return [_view(row, taken_back.get(row.serial, ""), waiting.get(row.uid)) for row in found]


def _view(row: models.Certificate, revoked_reason: str, pending: Pending | None) -> Certificate:
    return Certificate(
        uid=row.uid,
        namespace=row.namespace,
        name=row.name,
        spec=spec_from(row.spec),
        generation=row.generation,
        issued_generation=row.issued_generation,
        number=row.number,
        serial=row.serial,
        not_before=row.not_before,
        not_after=row.not_after,
        renew_at=row.renew_at,
        plan_warning=row.plan_warning,
        reason=row.reason,
        attempt_at=row.attempt_at,
        failures=row.failures,
        failing_since=row.failing_since,
        last_failure_at=row.last_failure_at,
        last_error=row.last_error,
        revoked_reason=revoked_reason,
        revision=row.revision,
        claim=row.claim,
        pending=pending,
    )


def issued_view(row: models.Issued) -> IssuedCertificate:
    """An issued certificate as a value."""
    return IssuedCertificate(
        serial=row.serial,
        authority=row.authority,
        holder=row.holder,
        number=row.number,
        uris=tuple(row.uris),
        dns_names=tuple(row.dns_names),
        not_before=row.not_before,
        not_after=row.not_after,
        chain_pem=row.chain_pem,
        issued_at=row.issued_at,
        revoked_at=row.revoked_at,
        revoked_reason=row.revoked_reason,
        revision=row.revision,
    )
