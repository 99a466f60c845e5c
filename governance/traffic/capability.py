"""What each kind of data plane really does with a policy; pure.

Established by running grpcio 1.85 (C-core) and Envoy 1.40 against every form; grpc-go and grpc-java are read from
their sources. docs/decisions/0004-policies-per-data-plane.md has the table.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from governance.traffic.values import Balancing

Answer = Literal["ok", "falls_back", "would_reject"]
# gRPC implementations that lack least_request (C-core has never registered it).
_WITHOUT_LEAST_REQUEST = frozenset({"grpc-cpp", "grpc-python"})
_ENVOY_EXTENSION = {
    "round_robin": "envoy.load_balancing_policies.round_robin",
    "weighted_round_robin": "envoy.load_balancing_policies.round_robin",
    "least_request": "envoy.load_balancing_policies.least_request",
    "ring_hash": "envoy.load_balancing_policies.ring_hash",
    # Envoy has no pick_first: a chain of priorities does the same.
    "pick_first": "envoy.load_balancing_policies.round_robin",
    "zone_aware": "envoy.load_balancing_policies.round_robin",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one data plane would make of a policy."""

    answer: Answer
    effective: str
    note: str = ""


def verdict(balancing: Balancing, *, kind: str, lb_extensions: Collection[str] = ()) -> Verdict:
    """What a data plane of `kind`, listing `lb_extensions` (empty: lists none), would make of `balancing`."""
    policy = balancing.policy
    if kind == "envoy":
        needed = _ENVOY_EXTENSION[policy]
        if lb_extensions and needed not in lb_extensions:
            return Verdict("would_reject", policy, f"this Envoy was built without {needed}")
        return Verdict("ok", policy)
    if policy == "ring_hash" and balancing.hash_function != "xx_hash":
        return Verdict("would_reject", policy, f"gRPC hashes with xx_hash only, not {balancing.hash_function}")
    if policy == "least_request" and kind in _WITHOUT_LEAST_REQUEST:
        if balancing.strict:
            return Verdict("would_reject", policy, "this gRPC library has no least_request")
        return Verdict(
            "falls_back",
            "client_side_weighted_round_robin",
            "this gRPC library has no least_request; without load reports from the servers this is round_robin",
        )
    return Verdict("ok", policy)
