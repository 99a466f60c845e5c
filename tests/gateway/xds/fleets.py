"""Fleets as values, for tests that need no database."""

from collections.abc import Sequence

from gateway.xds.fleet import Fleet, Governed
from gateway.xds.trust import NOTHING, Trust
from governance.registry.values import Endpoint, Health, Service
from governance.traffic.values import Balancing

ROUND_ROBIN = Balancing(policy="round_robin")


def endpoint(
    name: str,
    *,
    port: int,
    zone: str = "z1",
    version: str = "",
    weight: int = 1,
    isolated: bool = False,
    draining: bool = False,
    health: Health = "healthy",
    revision: int = 1,
) -> Endpoint:
    """An endpoint at 127.0.0.1."""
    return Endpoint(
        namespace="default",
        service="checkout",
        name=name,
        host="127.0.0.1",
        port=port,
        zone=zone,
        sub_zone="",
        weight=weight,
        metadata={},
        version=version,
        isolated=isolated,
        draining=draining,
        health=health,
        health_detail="",
        revision=revision,
        ttl_s=0,
        lease_expires_at=None,
    )


FOUR = tuple(
    endpoint(f"c{n}", port=7000 + n, zone="z1" if n < 2 else "z2", version="v1" if n < 2 else "v2") for n in range(4)
)


def governed(
    name: str = "checkout",
    *,
    balancing: Balancing = ROUND_ROBIN,
    endpoints: Sequence[Endpoint] = FOUR,
    namespace: str = "default",
    revision: int = 1,
    grpc_services: tuple[str, ...] = (),
) -> Governed:
    """A service whose balancing and registration were set at `revision`."""
    service = Service(
        uid=f"{namespace}/{name}",
        namespace=namespace,
        name=name,
        owner="",
        protocol="grpc",
        description="",
        grpc_services=grpc_services,
        revision=revision,
        endpoints=tuple(endpoints),
    )
    return Governed(service=service, balancing=balancing, balancing_revision=revision)


def fleet(revision: int, *services: Governed, trust: Trust = NOTHING) -> Fleet:
    """The fleet of `services` at `revision`, under `trust`."""
    by_name = {(each.service.namespace, each.service.name): each for each in services}
    return Fleet(revision=revision, services=by_name, trust=trust)
