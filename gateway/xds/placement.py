"""Which endpoint a client is offered in which order and with which weight; the same for every kind of client; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from governance.registry.values import Endpoint
from governance.traffic.shares import preference, receiving, weights_of
from governance.traffic.values import Balancing

LAST_PRIORITY = 127  # Envoy allows 128 priorities; gRPC sets no bound


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint's place: lower priorities are used while any endpoint in them works."""

    endpoint: Endpoint
    weight: int = 1
    priority: int = 0


def places(balancing: Balancing, endpoints: Sequence[Endpoint], *, zone: str) -> tuple[Place, ...]:
    """Places by priority and name for a client in `zone`: weights above 0, priorities without a gap, addresses once."""
    offered = _once(receiving(endpoints))
    if balancing.policy == "weighted_round_robin":
        weights = weights_of(balancing, endpoints)
        return _reduced([Place(e, weights[e.name]) for e in offered if e.name in weights])
    if balancing.policy == "ring_hash":
        return _reduced([Place(e, e.weight) for e in offered])
    if balancing.policy == "pick_first":
        rank = {name: min(n, LAST_PRIORITY) for n, name in enumerate(preference(balancing, offered))}
        return tuple(sorted((Place(e, 1, rank[e.name]) for e in offered), key=lambda place: place.priority))
    if balancing.policy == "zone_aware":
        return _by_zone(offered, zone, balancing.spill_pct or 0)
    return tuple(Place(e) for e in offered)


def even(chosen: Sequence[Place]) -> bool:
    """Whether endpoints of the same priority all weigh the same."""
    return len({(place.priority, place.weight) for place in chosen}) == len({place.priority for place in chosen})


def _once(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Data planes reject a resource that names an address twice."""
    by_address: Mapping[str, Endpoint] = {e.address: e for e in reversed(endpoints)}
    return [e for e in endpoints if by_address[e.address] is e]


def _by_zone(endpoints: Sequence[Endpoint], zone: str, spill_pct: int) -> tuple[Place, ...]:
    own = [e for e in endpoints if e.zone == zone]
    others = [e for e in endpoints if e.zone != zone]
    if not own or not others:
        return tuple(Place(e) for e in endpoints)
    if spill_pct in (0, 100):
        first, second = (own, others) if spill_pct == 0 else (others, own)
        return (*(Place(e) for e in first), *(Place(e, 1, 1) for e in second))
    shares = [Place(e, (100 - spill_pct) * len(others)) for e in own] + [Place(e, spill_pct * len(own)) for e in others]
    return _reduced(shares)


def _reduced(chosen: Sequence[Place]) -> tuple[Place, ...]:
    divisor = gcd(*(place.weight for place in chosen)) or 1
    return tuple(Place(place.endpoint, place.weight // divisor, place.priority) for place in chosen)
