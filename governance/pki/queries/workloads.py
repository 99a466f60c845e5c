"""Workloads, join tokens, transports, and what consumers were seen to hold."""

from collections.abc import Collection

from django.conf import settings
from django.db.models import Q

from governance.kernel.actor import EVERYWHERE
from governance.pki import models
from governance.pki.names import workload_uri
from governance.pki.status import HoldingView, JoinTokenView, TransportView, WorkloadView


def workloads(
    *,
    namespaces: Collection[str] = (EVERYWHERE,),
    after: tuple[str, str] | None = None,
    limit: int | None = None,
) -> list[WorkloadView]:
    """Workloads by (namespace, name), those after `after` when it is given."""
    rows = models.Workload.objects.order_by("namespace", "name")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    if after is not None:
        rows = rows.filter(Q(namespace=after[0], name__gt=after[1]) | Q(namespace__gt=after[0]))
    found = list(rows[:limit])
    issued = models.Issued.objects.in_bulk([row.serial for row in found if row.serial])
    return [_view(row, issued.get(row.serial)) for row in found]


def workload(namespace: str, name: str) -> WorkloadView | None:
    """One workload, or None."""
    row = models.Workload.objects.filter(namespace=namespace, name=name).first()
    return _view(row, models.Issued.objects.filter(pk=row.serial).first()) if row else None


def descendants_of(serial: str) -> list[str]:
    """The serials of all that was renewed by showing a workload's certificate `serial`, or what came of it."""
    holder = models.Issued.objects.filter(pk=serial).values_list("holder", flat=True).first()
    below: dict[str, list[str]] = {}
    for child, parent in models.Issued.objects.filter(holder=holder).exclude(renews="").values_list("serial", "renews"):
        below.setdefault(parent, []).append(child)
    found: list[str] = []
    shown = [serial]
    while shown:
        shown = [child for parent in shown for child in below.get(parent, ())]
        found += shown
    return found


def disabled() -> frozenset[str]:
    """The SPIFFE IDs of disabled workloads."""
    rows = models.Workload.objects.filter(enabled=False).values_list("namespace", "name")
    return frozenset(workload_uri(settings.GOV.trust_domain, namespace, name) for namespace, name in rows)


def join_tokens(
    *, namespaces: Collection[str] = (EVERYWHERE,), before: str = "", limit: int = 100
) -> list[JoinTokenView]:
    """Join tokens, newest first by their ids, which grow with time; only those older than the token `before`."""
    rows = models.JoinToken.objects.order_by("-id")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    if before:
        rows = rows.filter(id__lt=before)
    return [_token(row) for row in rows[:limit]]


def join_token_by(digest: str) -> JoinTokenView | None:
    """The join token whose secret has this SHA-256, or None."""
    row = models.JoinToken.objects.filter(digest=digest).first()
    return _token(row) if row else None


def transports(*, namespaces: Collection[str] = (EVERYWHERE,)) -> list[TransportView]:
    """How the calls to each service travel, of those for which it was set."""
    rows = models.Transport.objects.order_by("namespace", "service")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    return [_transport(row) for row in rows]


def transport(namespace: str, service: str) -> TransportView | None:
    """How the calls to a service travel; None when that was never set, which is plain text."""
    row = models.Transport.objects.filter(namespace=namespace, service=service).first()
    return _transport(row) if row else None


def holdings(*, secret: str | None = None, present: bool = True) -> list[HoldingView]:
    """What consumers were seen to hold, of one secret ("namespace/name") or of all."""
    rows = models.Holding.objects.order_by("consumer", "process", "secret")
    if secret is not None:
        rows = rows.filter(secret=secret)
    if present:
        rows = rows.filter(gone_at=None)
    return [holding_view(row) for row in rows]


def holding_view(row: models.Holding) -> HoldingView:
    """An observation as a value."""
    return HoldingView(
        consumer=row.consumer,
        process=row.process,
        secret=row.secret,
        serial=row.serial,
        roots=row.roots,
        how=row.how,
        seen_at=row.seen_at,
        gone_at=row.gone_at,
    )


def _view(row: models.Workload, issued: models.Issued | None) -> WorkloadView:
    return WorkloadView(
        namespace=row.namespace,
        name=row.name,
        uri=workload_uri(settings.GOV.trust_domain, row.namespace, row.name),
        enabled=row.enabled,
        serial=row.serial,
        not_before=issued.not_before if issued else None,
        not_after=issued.not_after if issued else None,
        revoked_reason=issued.revoked_reason if issued else "",
        revision=row.revision,
    )


def _token(row: models.JoinToken) -> JoinTokenView:
    return JoinTokenView(
        id=row.id,
        namespace=row.namespace,
        workload=row.workload,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        withdrawn_at=row.withdrawn_at,
        revision=row.revision,
    )


def _transport(row: models.Transport) -> TransportView:
    return TransportView(
        namespace=row.namespace,
        service=row.service,
        mode=row.mode,
        server_uris=tuple(row.server_uris),
        revision=row.revision,
    )
