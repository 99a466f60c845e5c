"""A program joins with a token that works once, for one workload, and only for a while."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from governance.ledger.execute import execute
from governance.pki import chain
from governance.pki.commands import WithdrawJoinToken
from governance.pki.enrolment import TOKEN_PREFIX, digest, join
from governance.pki.keys import make_key
from governance.pki.names import Names
from governance.pki.pem import chain_from_pem
from governance.pki.queries.authorities import roots_pem
from governance.pki.queries.certificates import issued_of
from governance.pki.queries.workloads import join_tokens, workload
from governance.pki.requests import make_request
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import DOMAIN, HOUR, clock_at, everything_recorded, head, of_namespace
from tests.pki.joining import HERE, URI, acting, creating, csr, joined, token


def test_a_join_token_is_one_fact_that_does_not_hold_its_secret(
    pki: House, changes_once: ChangesOnce, alice: Actor
) -> None:
    secret = TOKEN_PREFIX + secrets.token_hex(16)
    command = creating(secret, lifetime_s=600)
    fact = changes_once(command, by=alice)
    assert (fact.action, fact.thing) == ("pki.join_token.create", f"join-token/{command.id}")
    for hidden in (secret, digest(secret)):
        assert hidden not in everything_recorded()
        assert hidden not in repr(command)
    there = join_tokens(namespaces={"shop"})[0]
    assert (there.workload, there.state(now())) == ("checkout", "open")
    assert there.expires_at - there.created_at == timedelta(seconds=600)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lifetime_s": 59}, "lifetime_s"),
        ({"lifetime_s": 8 * 86_400}, "lifetime_s"),
        ({"workload": "Check Out"}, "workload"),
        ({"namespace": "*"}, "namespace"),
    ],
)
def test_a_bad_token_is_refused_with_its_field(house: House, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        creating(**values)
    assert refusal.value.field == field


def test_a_workload_joins_with_a_key_of_its_own(pki: House) -> None:
    key = make_key("ECDSA", 256)
    enrolled = join(token(), csr(key=key), origin=HERE)
    found = chain_from_pem(enrolled.chain_pem, field="chain")
    assert found[0].public_key() == key.public_key()
    assert (enrolled.uri, enrolled.roots_pem) == (URI, roots_pem())
    verdict = chain.verify(
        found, roots=chain_from_pem(enrolled.roots_pem, field="roots"), at=now(), purpose="client", trust_domain=DOMAIN
    )
    assert verdict.ok, verdict.message
    there = workload("shop", "checkout")
    assert there is not None
    assert (there.uri, there.enabled, there.serial) == (URI, True, f"{found[0].serial_number:x}")
    assert acting().may("pki.enroll", "shop")
    assert not acting().may("pki.enroll", "bank")
    assert issued_of("workload/shop/checkout")[0].serial == there.serial
    assert join_tokens()[0].state(now()) == "used"


def test_a_token_works_once(pki: House) -> None:
    secret = token()
    join(secret, csr(), origin=HERE)
    with pytest.raises(Forbidden):
        join(secret, csr(), origin=HERE)
    assert len(issued_of("workload/shop/checkout")) == 1


def test_of_two_who_use_one_token_at_once_one_wins(pki: House) -> None:
    for _ in range(5):
        secret = token()

        def attempt(secret: str = secret) -> bool:
            try:
                join(secret, csr(), origin=HERE)
            except (Forbidden, Conflict):
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            won = [future.result() for future in [pool.submit(attempt) for _ in range(4)]]
        assert sum(won) == 1
    assert len(issued_of("workload/shop/checkout")) == 5


def test_tokens_that_do_not_work_are_refused_in_the_same_words(pki: House, alice: Actor) -> None:
    used, withdrawn, expired = token(), token(), token(lifetime_s=60)
    join(used, csr(), origin=HERE)
    there = next(each for each in join_tokens() if each.state(now()) == "open" and each.expires_at - now() > HOUR / 2)
    execute(WithdrawJoinToken(namespace="shop", id=there.id), by=alice)
    said = set()
    with clock_at(now() + timedelta(seconds=61)):
        for secret in (used, withdrawn, expired, TOKEN_PREFIX + "0" * 32, "", "gov_x"):
            with pytest.raises(Forbidden) as refusal:
                join(secret, csr(), origin=HERE)
            said.add(str(refusal.value))
        assert sorted(each.state(now()) for each in join_tokens()) == ["expired", "used", "withdrawn"]
    assert len(said) == 1


def test_a_request_for_somebody_else_leaves_the_token_unused(pki: House) -> None:
    secret = token()
    for request in (
        csr("till"),
        csr("checkout", "bank"),
        make_request(make_key("ECDSA", 256), Names(dns=("www.example.com",))),
        b"nonsense",
    ):
        with pytest.raises(Invalid) as refusal:
            join(secret, request, origin=HERE)
        assert refusal.value.field == "csr"
    assert workload("shop", "checkout") is None
    assert join(secret, csr(), origin=HERE).uri == URI


def test_withdrawing_is_one_fact_and_comes_too_late_for_a_used_token(
    pki: House, changes_once: ChangesOnce, alice: Actor
) -> None:
    token()
    withdrawing = WithdrawJoinToken(namespace="shop", id=join_tokens()[0].id)
    fact = changes_once(withdrawing, by=alice)
    assert (fact.action, fact.after and bool(fact.after["withdrawn_at"])) == ("pki.join_token.withdraw", True)
    assert not execute(withdrawing, by=alice).changed
    joined()
    used = next(each for each in join_tokens() if each.used_at)
    assert not execute(WithdrawJoinToken(namespace="shop", id=used.id), by=alice).changed
    with pytest.raises(NotFound):
        execute(WithdrawJoinToken(namespace="bank", id=used.id), by=alice)


def test_operators_and_security_hand_out_tokens_in_their_namespaces(
    pki: House, alice: Actor, bob: Actor, carol: Actor, mallory: Actor
) -> None:
    for actor in (alice, bob, of_namespace("dave", "operator")):
        assert execute(creating(), by=actor).changed
    there = join_tokens()[0].id
    before = head()
    for actor in (carol, mallory, of_namespace("erin", "operator", namespace="bank")):
        for command in (creating(), WithdrawJoinToken(namespace="shop", id=there)):
            with pytest.raises(Forbidden):
                execute(command, by=actor)
    assert head() == before


def test_the_same_request_makes_one_token(pki: House, alice: Actor) -> None:
    first = execute(creating(), by=alice, request_id="r1")
    again = execute(creating(), by=alice, request_id="r1")
    assert (again.replayed, again.revision, len(join_tokens())) == (True, first.revision, 1)
    with pytest.raises(Conflict):
        execute(creating(workload="till"), by=alice, request_id="r1")
