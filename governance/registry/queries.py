"""What is registered."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from governance.kernel.actor import EVERYWHERE
from governance.registry import models
from governance.registry.values import Endpoint, Service, Summary


def services(
    *, namespaces: Collection[str] = (EVERYWHERE,), after: tuple[str, str] | None = None, limit: int | None = None
) -> list[Service]:
    """Services by (namespace, name) with their endpoints, those after `after` when it is given."""
    rows = models.Service.objects.order_by("namespace", "name")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    if after is not None:
        same = rows.filter(namespace=after[0], name__gt=after[1])
        rows = (same | rows.filter(namespace__gt=after[0])).order_by("namespace", "name")
    return [_service(row) for row in _with_endpoints(rows)[:limit]]


def service(namespace: str, name: str) -> Service | None:
    """One service with its endpoints, or None."""
    row = _with_endpoints(models.Service.objects.filter(namespace=namespace, name=name)).first()
    return _service(row) if row else None


def summaries(*, namespaces: Collection[str] = (EVERYWHERE,)) -> list[Summary]:
    """Services by (namespace, name) with their endpoints counted, cheap enough for thousands."""
    rows = models.Service.objects.order_by("namespace", "name")
    endpoints = models.Endpoint.objects.values_list("service_id", "zone").distinct()
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
        endpoints = endpoints.filter(service__namespace__in=list(namespaces))
    zones: dict[str, list[str]] = {}
    for uid, zone in endpoints.order_by("zone"):
        zones.setdefault(uid, []).append(zone)
    counted = rows.values("uid", "namespace", "name", "owner").annotate(
        total=Count("endpoints"),
        healthy=Count("endpoints", filter=Q(endpoints__health="healthy")),
        unhealthy=Count("endpoints", filter=Q(endpoints__health="unhealthy")),
        isolated=Count("endpoints", filter=Q(endpoints__isolated=True)),
        last_revision=Greatest(F("revision"), Coalesce(Max("endpoints__revision"), 0)),
    )
    return [Summary(**row, zones=tuple(zones.get(row["uid"], ()))) for row in counted]


def namespaces_in_use() -> list[str]:
    """The namespaces that have a service, sorted."""
    return list(models.Service.objects.order_by("namespace").values_list("namespace", flat=True).distinct())


def endpoint_of_lease(lease_id: str) -> Endpoint | None:
    """The endpoint that a lease keeps, or None."""
    lease = models.Lease.objects.filter(pk=lease_id).select_related("endpoint__service").first()
    return _endpoint(lease.endpoint.service, lease.endpoint, lease) if lease else None


def lease_of(namespace: str, service: str, endpoint: str) -> str:
    """The id of an endpoint's lease; empty when it has none."""
    where = {"endpoint__service__namespace": namespace, "endpoint__service__name": service, "endpoint__name": endpoint}
    return models.Lease.objects.filter(**where).values_list("id", flat=True).first() or ""


def leases_expired(at: datetime) -> bool:
    """Whether a lease ran out before `at`."""
    return models.Lease.objects.filter(expires_at__lt=at).exists()


def _with_endpoints(rows: QuerySet[models.Service]) -> QuerySet[models.Service]:
    endpoints = models.Endpoint.objects.order_by("name").select_related("lease")
    return rows.prefetch_related(Prefetch("endpoints", endpoints))


def _service(row: models.Service) -> Service:
    return Service(
        uid=row.uid,
        namespace=row.namespace,
        name=row.name,
        owner=row.owner,
        protocol=row.protocol,
        description=row.description,
        grpc_services=tuple(row.grpc_services),
        revision=row.revision,
        endpoints=tuple(_endpoint(row, item, getattr(item, "lease", None)) for item in row.endpoints.all()),
    )


def _endpoint(service: models.Service, row: models.Endpoint, lease: models.Lease | None) -> Endpoint:
    return Endpoint(
        namespace=service.namespace,
        service=service.name,
        name=row.name,
        host=row.host,
        port=row.port,
        zone=row.zone,
        sub_zone=row.sub_zone,
        weight=row.weight,
        metadata=dict(row.metadata),
        version=row.version,
        isolated=row.isolated,
        draining=row.draining,
        health=row.health,  # type: ignore[arg-type]  # the column holds only what ReportHealth allows
        health_detail=row.health_detail,
        revision=row.revision,
        ttl_s=lease.ttl_s if lease else 0,
        lease_expires_at=lease.expires_at if lease else None,
    )
