"""The share of calls that each endpoint is meant to get; pure."""

from collections.abc import Mapping, Sequence
from math import lcm

from governance.registry.values import Endpoint
from governance.traffic.values import Balancing

PPM = 1_000_000
MAX_SCALE = 10_000  # keeps the sum of 4,000 endpoints' weights within the 32 bits that data planes give it


def receiving(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """The endpoints that get calls: those serving; when every one of them is unhealthy, all of those.

    A health check that sees nothing alive is more often blind than right, and calls that are tried may succeed.
    """
    serving = [endpoint for endpoint in endpoints if endpoint.serving]
    return serving or [endpoint for endpoint in endpoints if not endpoint.isolated and not endpoint.draining]


def weights_of(balancing: Balancing, endpoints: Sequence[Endpoint]) -> dict[str, int]:
    """Effective weight per serving endpoint of a weighted policy, as integers in lowest useful scale.

    By version, a version's weight is spread evenly over its instances: the weights are scaled so that they stay whole.
    """
    named = balancing.weights or {}
    by_version = balancing.weigh_by == "version"
    given = {e.name: named.get(e.version, 0) if by_version else named.get(e.name, e.weight) for e in endpoints}
    serving = receiving([endpoint for endpoint in endpoints if given[endpoint.name] > 0])
    if not serving:  # all that has a weight is gone: calls to what is left may succeed, calls to nothing cannot
        return {endpoint.name: 1 for endpoint in receiving(endpoints)}
    if not by_version:
        return {endpoint.name: given[endpoint.name] for endpoint in serving}
    count: dict[str, int] = {}
    for endpoint in serving:
        count[endpoint.version] = count.get(endpoint.version, 0) + 1
    scale = min(lcm(*count.values()), MAX_SCALE)
    return {e.name: max(1, given[e.name] * scale // count[e.version]) for e in serving}


def intended(balancing: Balancing, endpoints: Sequence[Endpoint], *, client_zone: str = "") -> dict[str, int] | None:
    """Share per endpoint in parts per million as a client in `client_zone` should see it.

    None where the policy fixes no shares: least_request follows load, ring_hash follows the keys.
    Endpoints that get nothing stand in it with 0.
    """
    if balancing.policy in ("least_request", "ring_hash"):
        return None
    zero = {endpoint.name: 0 for endpoint in endpoints}
    return zero | _normalised(_portions(balancing, endpoints, client_zone))


def _portions(balancing: Balancing, endpoints: Sequence[Endpoint], client_zone: str) -> Mapping[str, float]:
    serving = receiving(endpoints)
    if balancing.policy == "weighted_round_robin":
        return weights_of(balancing, endpoints)
    if balancing.policy == "pick_first":
        return dict.fromkeys(preference(balancing, endpoints)[:1], 1.0)
    if balancing.policy == "zone_aware":
        own = [endpoint.name for endpoint in serving if endpoint.zone == client_zone]
        others = [endpoint.name for endpoint in serving if endpoint.zone != client_zone]
        if not own or not others:
            return dict.fromkeys(own or others, 1.0)
        spill = (balancing.spill_pct or 0) / 100
        return {name: (1 - spill) / len(own) for name in own} | {name: spill / len(others) for name in others}
    return {endpoint.name: 1.0 for endpoint in serving}


def preference(balancing: Balancing, endpoints: Sequence[Endpoint]) -> list[str]:
    """Serving endpoints in the order in which pick_first prefers them: those named, then the others by name."""
    serving = {endpoint.name for endpoint in receiving(endpoints)}
    named = [name for name in balancing.order or () if name in serving]
    return named + sorted(serving - set(named))


def _normalised(portions: Mapping[str, float]) -> dict[str, int]:
    total = sum(portions.values())
    return {name: round(part * PPM / total) for name, part in portions.items()} if total else {}
