"""Which share of the calls each endpoint is meant to get."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.registry.values import Endpoint
from governance.traffic.shares import PPM, intended, preference
from governance.traffic.values import Balancing


def endpoint(name: str, zone: str = "z1", version: str = "v1", weight: int = 1) -> Endpoint:
    return Endpoint(
        namespace="shop",
        service="checkout",
        name=name,
        host="127.0.0.1",
        port=7000,
        zone=zone,
        sub_zone="",
        weight=weight,
        metadata={},
        version=version,
        isolated=False,
        draining=False,
        health="healthy",
        health_detail="",
        revision=1,
        ttl_s=0,
        lease_expires_at=None,
    )


FOUR = [endpoint("a", "z1"), endpoint("b", "z1"), endpoint("c", "z2", "v2"), endpoint("d", "z2", "v2")]


def shares(balancing: Balancing, endpoints: list[Endpoint] | None = None, zone: str = "") -> dict[str, float]:
    found = intended(balancing, endpoints or FOUR, client_zone=zone)
    assert found is not None
    return {name: ppm / PPM for name, ppm in found.items()}


def test_round_robin_gives_everyone_the_same() -> None:
    assert shares(Balancing(policy="round_robin")) == dict.fromkeys("abcd", 0.25)


def test_weights_divide_the_calls_and_unnamed_instances_keep_their_own_weight() -> None:
    found = shares(Balancing(policy="weighted_round_robin", weights={"a": 3}))
    assert found == pytest.approx({"a": 1 / 2, "b": 1 / 6, "c": 1 / 6, "d": 1 / 6}, abs=1e-5)


def test_the_weight_of_a_version_is_shared_by_its_instances() -> None:
    three_of_v2 = [*FOUR, endpoint("e", version="v2")]
    balancing = Balancing(policy="weighted_round_robin", weigh_by="version", weights={"v1": 9, "v2": 1})
    found = shares(balancing, three_of_v2)
    assert found["a"] + found["b"] == pytest.approx(0.9, abs=1e-3)
    assert found["c"] == pytest.approx(found["e"], abs=1e-3)


def test_a_version_without_a_weight_gets_nothing() -> None:
    found = shares(Balancing(policy="weighted_round_robin", weigh_by="version", weights={"v1": 1}))
    assert (found["c"], found["d"]) == (0, 0)


def test_pick_first_sends_all_to_the_preferred_instance_that_serves() -> None:
    balancing = Balancing(policy="pick_first", order=("c", "a"))
    assert shares(balancing) == {"a": 0, "b": 0, "c": 1, "d": 0}
    without_c = [replace(each, isolated=each.name == "c") for each in FOUR]
    assert shares(balancing, without_c)["a"] == 1
    assert preference(balancing, FOUR) == ["c", "a", "b", "d"]


@pytest.mark.parametrize(("spill", "inside"), [(0, 0.5), (40, 0.3), (100, 0.0)])
def test_a_zone_keeps_its_calls_but_for_what_spills(spill: int, inside: float) -> None:
    found = shares(Balancing(policy="zone_aware", spill_pct=spill), zone="z1")
    assert found["a"] == pytest.approx(inside)
    assert found["c"] == pytest.approx(0.5 - inside)


def test_a_zone_without_serving_instances_uses_the_others() -> None:
    z1_gone = [replace(each, health="unhealthy") if each.zone == "z1" else each for each in FOUR]
    assert shares(Balancing(policy="zone_aware"), z1_gone, zone="z1") == {"a": 0, "b": 0, "c": 0.5, "d": 0.5}


@pytest.mark.parametrize("policy", ["least_request", "ring_hash"])
def test_policies_that_follow_load_or_keys_fix_no_share(policy: str) -> None:
    assert intended(Balancing(policy=policy), FOUR) is None


@given(
    weights=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 1000)),
    gone=st.sets(st.sampled_from("abcd"), max_size=3),
)
def test_shares_always_sum_to_one_and_nothing_goes_to_what_does_not_serve(
    weights: dict[str, int], gone: set[str]
) -> None:
    endpoints = [replace(each, draining=each.name in gone) for each in FOUR]
    found = intended(Balancing(policy="weighted_round_robin", weights=weights), endpoints)
    assert found is not None
    assert sum(found.values()) == pytest.approx(PPM, abs=4)
    assert all(found[name] == 0 for name in gone)


@pytest.mark.parametrize("state", [{"health": "unhealthy"}, {"draining": True}])
def test_a_version_that_is_gone_never_leaves_clients_without_any_endpoint(state: dict[str, object]) -> None:
    balancing = Balancing(policy="weighted_round_robin", weigh_by="version", weights={"v1": 100, "v2": 0})
    v1_gone = [replace(each, **state) if each.version == "v1" else each for each in FOUR]  # type: ignore[arg-type]
    found = shares(balancing, v1_gone)
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)


def test_when_every_endpoint_with_a_weight_left_the_others_share_the_calls() -> None:
    balancing = Balancing(policy="weighted_round_robin", weigh_by="version", weights={"v1": 1})
    assert shares(balancing, FOUR[2:]) == {"c": 0.5, "d": 0.5}
