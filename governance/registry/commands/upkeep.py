"""What keeps the registry true: leases that run out, and health that flips."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, get_args

from governance.kernel.clock import now
from governance.kernel.errors import Invalid, NotFound
from governance.ledger.command import Change, Command, handles
from governance.registry.models import Endpoint, Lease
from governance.registry.values import Health

MAX_EXPIRED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireEndpoints(Command):
    """Remove the endpoints whose leases ran out before `at`, the oldest 1,000 first: the rest is for the next time."""

    permission: ClassVar[str] = "system.maintain"
    action: ClassVar[str] = "registry.endpoint.expire"
    at: datetime

    @property
    def thing(self) -> str:
        """All leases."""
        return "leases/*"


@handles(ExpireEndpoints)
def expire_endpoints(command: ExpireEndpoints, revision: int) -> Change:
    """Delete them in one step; the fact lists them."""
    # Locked, so that keeping a lease alive either comes before, and saves it, or finds it gone.
    expired = Lease.objects.filter(expires_at__lt=command.at).select_for_update(of=("self",))
    leases = list(expired.select_related("endpoint__service").order_by("expires_at")[:MAX_EXPIRED])
    gone = {_path(lease.endpoint): lease.endpoint.as_json() for lease in leases}
    Endpoint.objects.filter(pk__in=[lease.endpoint.pk for lease in leases]).delete()
    return Change(gone, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHealth(Command):
    """Record that endpoints became healthy or unhealthy: {"namespace/service/endpoint": (health, detail)}."""

    permission: ClassVar[str] = "system.maintain"
    action: ClassVar[str] = "registry.endpoint.health"
    flips: Mapping[str, tuple[Health, str]]

    def __post_init__(self) -> None:
        for path, (health, _) in self.flips.items():
            if path.count("/") != 2:
                raise Invalid(f"{path!r} is not namespace/service/endpoint", field="flips")
            if health not in get_args(Health):
                raise Invalid(f"{health!r} is not one of {', '.join(get_args(Health))}", field="flips")

    @property
    def thing(self) -> str:
        """The health of all endpoints."""
        return "health/*"


@handles(ReportHealth)
def report_health(command: ReportHealth, revision: int) -> Change:
    """Save each flip; endpoints that left meanwhile are passed over."""
    names = {path.rsplit("/", 1)[1] for path in command.flips}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in Endpoint.objects.filter(name__in=names).select_related("service"):
        flip = command.flips.get(_path(row))
        if flip is None or row.health == flip[0]:
            continue
        before[_path(row)] = row.health
        after[_path(row)] = flip[0]
        row.health, row.health_detail, row.revision = flip[0], flip[1].replace("\x00", "")[:200], revision
        row.save(update_fields=["health", "health_detail", "revision"])
    return Change(before, after)


def _path(row: Endpoint) -> str:
    return f"{row.service.namespace}/{row.service.name}/{row.name}"


def keep_alive(lease_id: str) -> datetime:
    """Move a lease's deadline ttl_s into the future and return it; NotFound when it expired or never was.

    Not a command: it only moves a deadline, and leaves no fact.
    """
    lease = Lease.objects.filter(pk=lease_id).first()
    if lease is None:
        raise NotFound("the lease expired or never was; register again", field="lease_id")
    expires_at = now() + timedelta(seconds=lease.ttl_s)
    if not Lease.objects.filter(pk=lease_id).update(expires_at=expires_at):
        raise NotFound("the lease expired; register again", field="lease_id")
    return expires_at
