"""How far a switch has come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from governance.dataplane.values import Client, Load, TypeSync
from governance.traffic.capability import verdict
from governance.traffic.progress import client_progress, delivery_of, observed_shares
from governance.traffic.values import Balancing
from tests.traffic.test_shares import FOUR

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RR = Balancing(policy="round_robin")


def client(*types: TypeSync, revision: int = 10, connected: bool = True) -> Client:
    return Client(
        name="n~1",
        node_id="n",
        kind="grpc-python",
        version="1.85.1",
        zone="z1",
        address="127.0.0.1",
        mode="sotw",
        lb_extensions=(),
        connected=connected,
        connected_at=NOW,
        seen_at=NOW,
        types=types,
        services=("shop/checkout",),
        revision=revision,
    )


CLUSTER = TypeSync(type="cluster", sent_version="10", acked_version="10", acked_at=NOW + timedelta(milliseconds=40))
OLD = TypeSync(type="listener", sent_version="3", acked_version="3", acked_at=NOW)


def test_a_client_that_was_not_brought_to_the_revision_yet_is_pending() -> None:
    assert delivery_of(client(OLD, revision=9), 10) == "pending"


def test_a_client_that_has_not_answered_is_sent() -> None:
    assert delivery_of(client(replace(CLUSTER, acked_version="9"), OLD), 10) == "sent"


def test_a_client_that_acknowledged_every_touched_type_has_acked() -> None:
    found = client_progress(client(CLUSTER, OLD), 10, RR)
    assert (found.delivery, found.acked_at) == ("acked", CLUSTER.acked_at)


def test_a_later_push_does_not_undo_an_acknowledgement() -> None:
    assert delivery_of(client(replace(CLUSTER, sent_version="12"), revision=12), 10) == "acked"


def test_a_refusal_shows_the_clients_own_words() -> None:
    refused = replace(CLUSTER, acked_version="9", nack_version="10", nack_text="LB policy is not supported")
    found = client_progress(client(refused, OLD), 10, RR)
    assert (found.delivery, found.nack_text) == ("nacked", "LB policy is not supported")


def test_what_a_client_refuses_of_another_service_is_not_held_against_this_one() -> None:
    other = replace(CLUSTER, nack_version="12", nack_text="pay: bad", refused=("bank/pay",))
    assert delivery_of(client(other), 10, path="shop/checkout") == "acked"
    assert delivery_of(client(other), 10, path="bank/pay") == "nacked"
    assert delivery_of(client(replace(other, acked_version="9")), 10, path="shop/checkout") == "nacked"
    assert delivery_of(client(replace(other, refused=("*",))), 10, path="shop/checkout") == "nacked"


def test_a_refusal_is_told_to_those_alone_whose_service_it_is_about() -> None:
    mine = replace(CLUSTER, nack_version="12", nack_text="checkout: bad", refused=("shop/checkout",))
    theirs = replace(OLD, nack_version="12", nack_text="pay: bad", refused=("bank/pay",))
    seen = replace(client(mine, theirs), services=("shop/checkout", "bank/pay")).seen_from({"shop"})
    assert seen is not None
    assert [(each.nack_version, each.nack_text) for each in seen.types] == [("12", "checkout: bad"), ("", "")]
    assert seen.services == ("shop/checkout",)
    assert client(mine).seen_from({"bank"}) is None


def test_a_client_that_left_is_offline() -> None:
    assert delivery_of(client(CLUSTER, connected=False), 10) == "offline"


def test_observed_shares_stand_beside_the_intended() -> None:
    loads = [Load(endpoint=name, issued=calls, errors=0, in_progress=0) for name, calls in [("a", 60), ("b", 40)]]
    shares = {share.endpoint: share for share in observed_shares(RR, FOUR, loads, {})}
    assert (shares["a"].observed_ppm, shares["a"].intended_ppm) == (600_000, 250_000)
    assert (shares["c"].observed_ppm, shares["c"].calls) == (0, 0)


def test_nothing_observed_is_unknown_and_not_zero() -> None:
    assert {share.observed_ppm for share in observed_shares(RR, FOUR, [], {})} == {None}


def test_under_zone_aware_the_intended_share_follows_the_mix_of_callers() -> None:
    balancing = Balancing(policy="zone_aware")
    loads = [Load(endpoint="a", issued=100, errors=0, in_progress=0)]
    shares = observed_shares(balancing, FOUR, loads, {"z1": 75, "z2": 25})
    assert [share.intended_ppm for share in shares] == [375_000, 375_000, 125_000, 125_000]


@pytest.mark.parametrize(
    ("values", "kind", "answer", "effective"),
    [
        ({"policy": "least_request"}, "grpc-python", "falls_back", "client_side_weighted_round_robin"),
        ({"policy": "least_request", "strict": True}, "grpc-python", "would_reject", "least_request"),
        ({"policy": "least_request", "strict": True}, "grpc-go", "ok", "least_request"),
        ({"policy": "ring_hash", "hash_function": "murmur_hash_2"}, "grpc-go", "would_reject", "ring_hash"),
        ({"policy": "ring_hash", "hash_function": "murmur_hash_2"}, "envoy", "ok", "ring_hash"),
        ({"policy": "pick_first"}, "envoy", "ok", "pick_first"),
    ],
)
def test_what_a_client_would_make_of_a_policy_is_known_before(
    values: dict[str, object], kind: str, answer: str, effective: str
) -> None:
    found = verdict(Balancing(**values), kind=kind)  # type: ignore[arg-type]
    assert (found.answer, found.effective) == (answer, effective)


def test_an_envoy_built_without_a_policy_would_reject_it() -> None:
    found = verdict(
        Balancing(policy="ring_hash"), kind="envoy", lb_extensions=("envoy.load_balancing_policies.round_robin",)
    )
    assert found.answer == "would_reject"
