"""What a balancing policy is and which are possible; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from governance.kernel.errors import Invalid, Violation, raise_all

POLICIES = ("round_robin", "weighted_round_robin", "least_request", "ring_hash", "pick_first", "zone_aware")
SHORT_NAMES = {"rr": "round_robin", "wrr": "weighted_round_robin", "lr": "least_request"}
HASH_FUNCTIONS = ("xx_hash", "murmur_hash_2")
DEFAULT_HASH_HEADER = "x-hash-key"
MAX_WEIGHT = 1000
MAX_RING = 8_388_608  # Envoy's bound for ring sizes
_HEADER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

# Which parameters each policy takes beside timeout_ms, and what they are when not given.
_OWN: Mapping[str, Mapping[str, Any]] = {
    "round_robin": {},
    "weighted_round_robin": {"weights": MappingProxyType({}), "weigh_by": "instance"},
    "least_request": {"choice_count": 2, "strict": False},
    "ring_hash": {"hash_header": DEFAULT_HASH_HEADER, "hash_function": "xx_hash", "min_ring_size": 1024},
    "pick_first": {"order": ()},
    "zone_aware": {"spill_pct": 0},
}


def long_name(policy: str) -> str:
    """The full name of a policy given by its full or short name; unknown names come back as they are."""
    return SHORT_NAMES.get(policy, policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancing:
    """One balancing policy with its parameters; a parameter of another policy must not be given.

    timeout_ms bounds a health check and a connection attempt (ms). weights maps an instance or a version
    (`weigh_by`) to 0..1000; instances not named keep the weight they registered with, versions not named get no
    calls. spill_pct is the share of a zone's calls that leave it.
    """

    policy: str
    timeout_ms: int = 1000
    weights: Mapping[str, int] | None = None
    weigh_by: str | None = None
    choice_count: int | None = None
    strict: bool | None = None
    hash_header: str | None = None
    hash_function: str | None = None
    min_ring_size: int | None = None
    order: tuple[str, ...] | None = None
    spill_pct: int | None = None

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            short = ", ".join(f"{short} for {name}" for short, name in SHORT_NAMES.items())
            raise Invalid(f"{self.policy!r} is not one of {', '.join(POLICIES)} (short: {short})", field="policy")
        own = _OWN[self.policy]
        wrong = [
            Violation(name, f"is not a parameter of {self.policy}")
            for name in (name for each in _OWN.values() for name in each)
            if name not in own and getattr(self, name) is not None
        ]
        raise_all(wrong)
        for name, default in own.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        if self.weights is not None:
            object.__setattr__(self, "weights", MappingProxyType(dict(sorted(self.weights.items()))))
        raise_all(_violations(self))

    def as_json(self) -> dict[str, Any]:
        """The policy with the parameters it takes, nothing else."""
        own = {name: getattr(self, name) for name in _OWN[self.policy]}
        if "weights" in own:
            own["weights"] = dict(own["weights"])
        if "order" in own:
            own["order"] = list(own["order"])
        return {"policy": self.policy, "timeout_ms": self.timeout_ms, **own}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Balancing":
        """The inverse of `as_json`."""
        values = dict(stored)
        if "order" in values:
            values["order"] = tuple(values["order"])
        return cls(**values)


def _violations(value: Balancing) -> list[Violation]:
    found = [_range("timeout_ms", value.timeout_ms, 10, 60_000)]
    if value.policy == "weighted_round_robin":
        found += _weight_violations(value)
    if value.policy == "least_request":
        found.append(_range("choice_count", value.choice_count, 2, 100))
    if value.policy == "ring_hash":
        found.append(_range("min_ring_size", value.min_ring_size, 1, MAX_RING))
        if value.hash_function not in HASH_FUNCTIONS:
            allowed = ", ".join(HASH_FUNCTIONS)
            found.append(Violation("hash_function", f"{value.hash_function!r} is not one of {allowed}"))
        if not _HEADER.fullmatch(value.hash_header or ""):
            found.append(Violation("hash_header", "is 1 to 63 of a-z, 0-9 and '-'"))
    if value.policy == "pick_first" and len(set(value.order or ())) < len(value.order or ()):
        found.append(Violation("order", "names an instance twice"))
    if value.policy == "zone_aware":
        found.append(_range("spill_pct", value.spill_pct, 0, 100))
    return [violation for violation in found if violation is not None]


def _range(name: str, value: int | None, low: int, high: int) -> Violation | None:
    if value is not None and low <= value <= high:
        return None
    return Violation(name, f"is {value}; {low} to {high} is allowed")


def _weight_violations(value: Balancing) -> list[Violation | None]:
    weights = value.weights or {}
    found: list[Violation | None] = []
    if value.weigh_by not in ("instance", "version"):
        found.append(Violation("weigh_by", f"{value.weigh_by!r} is not one of instance, version"))
    for name, weight in weights.items():
        if not 0 <= weight <= MAX_WEIGHT:
            least = 0 if value.weigh_by == "version" else 1
            found.append(Violation(f"weights[{name}]", f"is {weight}; {least} to {MAX_WEIGHT} is allowed"))
    if value.weigh_by == "version" and not weights:
        found.append(Violation("weights", "is empty; name the weight of at least one version"))
    elif weights and not any(weights.values()):
        found.append(Violation("weights", "are all 0; at least one must be above 0"))
    elif value.weigh_by == "instance":
        found += [
            Violation(f"weights[{name}]", "is 0; isolate the instance to keep calls away from it")
            for name, weight in weights.items()
            if weight == 0
        ]
    return found


DEFAULT = Balancing(policy="round_robin")
