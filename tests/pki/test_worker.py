"""What is due is issued, once, and what cannot be issued is tried again and does not stay unseen."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden, Invalid
from governance.ledger.execute import execute
from governance.pki.commands import Failure, IssueNow, RecordFailures, StoreCertificates, claim
from governance.pki.commands.issuing import CLAIM, MAX_BATCH
from governance.pki.issue import Made
from governance.pki.keys import described, from_pem
from governance.pki.models import Issued
from governance.pki.queries.certificates import any_due, by_uid, history
from governance.pki.tasks import issue_certificates
from governance.pki.values import KeySpec
from governance.pki.worker import WORKER, issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import (
    DAY,
    clock_at,
    delivered,
    head,
    leaf_of,
    newest_fact,
    nothing_secret_is_recorded,
    renewal_of,
    seen,
    want,
)
from tests.pki.making import made_of


def made(name: str = "web", **changes: Any) -> Made:
    """The next issue of a certificate, not stored yet."""
    return replace(made_of(seen(name)), **changes)


def storing(*items: Made, namespace: str = "shop") -> StoreCertificates:
    return StoreCertificates(namespace=namespace, items=items)


def failing(name: str = "web", *, namespace: str = "shop", **changes: Any) -> RecordFailures:
    there = seen(name)
    failure = Failure(
        uid=there.uid,
        name=name,
        generation=there.generation,
        number=there.number,
        claim=there.claim,
        message="no issuer",
    )
    return RecordFailures(namespace=namespace, items=(replace(failure, **changes),))


def test_what_is_due_is_issued_by_one_fact_for_a_whole_namespace(pki: House) -> None:
    for n in range(5):
        want(f"web-{n}")
    want("till", namespace="bank")
    before = head()
    assert issue_due() == 6
    assert head() == before + 2
    fact = newest_fact()
    assert (fact.action, fact.thing, fact.actor, fact.door) == (
        "pki.certificate.issue",
        "certificates/shop",
        "system",
        "task",
    )
    assert fact.reason == "DoesNotExist"
    assert fact.after is not None
    assert {name: state["number"] for name, state in fact.after.items()} == {f"web-{n}": 1 for n in range(5)}
    assert nothing_secret_is_recorded()
    assert (issue_due(), head()) == (0, before + 2)


def test_a_renewal_begins_when_it_is_due_and_not_before(pki: House) -> None:
    want(duration_s=30 * 86_400)
    assert issue_due() == 1
    due = renewal_of()
    with clock_at(due - timedelta(seconds=1)):
        assert (any_due(now()), issue_due()) == (False, 0)
    with clock_at(due):
        assert any_due(now())
        issue_certificates()
        there = seen()
        assert (there.number, there.urgency(now())) == (2, "ok")
        assert newest_fact().reason == "Renewing"
        assert renewal_of() > due


def test_a_certificate_and_its_key_are_in_force_together(pki: House, changes_once: ChangesOnce) -> None:
    want()
    assert delivered() is None
    fact = changes_once(storing(made()), by=WORKER)
    assert fact.thing == "certificate/shop/web"
    there = delivered()
    assert there is not None
    assert from_pem(there.key_pem, field="key").public_key() == leaf_of().public_key()
    assert there.serial == seen().serial


@pytest.mark.parametrize(("algorithm", "size"), [("ECDSA", 384), ("RSA", 2048)])
def test_the_key_is_of_the_kind_that_is_asked_for(pki: House, algorithm: str, size: int) -> None:
    want(private_key=KeySpec(algorithm=algorithm, size=size))
    assert issue_due() == 1
    assert described(leaf_of().public_key()) == (algorithm, size)


def test_with_always_each_issue_has_a_key_of_its_own_and_with_never_the_key_stays(pki: House) -> None:
    want("always", duration_s=86_400)
    want("never", duration_s=86_400, private_key=KeySpec(rotation_policy="Never"))
    assert issue_due() == 2
    old = {name: leaf_of(name) for name in ("always", "never")}
    with clock_at(max(renewal_of("always"), renewal_of("never"))):
        assert issue_due() == 2
    assert leaf_of("always").public_key() != old["always"].public_key()
    assert leaf_of("never").public_key() == old["never"].public_key()
    assert leaf_of("never").serial_number != old["never"].serial_number


def test_a_kept_key_of_another_kind_than_wanted_is_replaced(pki: House) -> None:
    want(private_key=KeySpec(rotation_policy="Never"))
    assert issue_due() == 1
    want(private_key=KeySpec(rotation_policy="Never", size=384))
    assert issue_due() == 1
    assert described(leaf_of().public_key()) == ("ECDSA", 384)


@pytest.mark.parametrize("limit", [1, 3])
def test_as_many_keys_are_kept_as_asked_for_and_all_certificates_stay_known(pki: House, limit: int) -> None:
    want(revision_history_limit=limit)
    for _ in range(5):
        issue_due()
        execute(IssueNow(namespace="shop", name="web"), by=SYSTEM)
    with_key = Issued.objects.filter(holder="certificate/shop/web", sealed_key__isnull=False)
    assert sorted(with_key.values_list("number", flat=True)) == list(range(6 - limit, 6))
    assert [each.number for each in history("shop", "web")] == [5, 4, 3, 2, 1]


def test_what_was_superseded_meanwhile_is_not_stored(pki: House) -> None:
    want()
    first, second = made(), made()
    execute(storing(first), by=WORKER)
    before = head()
    assert not execute(storing(second), by=WORKER).changed, "another worker was faster"
    third = made()
    want(dns_names=("other.shop.svc",))
    assert not execute(storing(third), by=WORKER).changed, "something else is wanted by now"
    assert not execute(storing(made(), namespace="bank"), by=WORKER).changed, "not of that namespace"
    assert (head(), seen().number, len(history("shop", "web"))) == (before + 1, 1, 1)


def test_a_claim_keeps_others_away_until_it_runs_out(pki: House) -> None:
    for n in range(3):
        want(f"web-{n}")
    at, before = now(), head()
    first, second = claim(2, at=at), claim(5, at=at)
    assert (len(first), len(second), set(first) & set(second)) == (2, 1, set())
    assert claim(5, at=at + CLAIM - timedelta(seconds=1)) == []
    assert set(claim(5, at=at + CLAIM + timedelta(seconds=1))) == {*first, *second}
    assert head() == before, "taking work is no change"


def test_several_who_take_work_at_once_get_different_work(pki: House) -> None:
    for n in range(40):
        want(f"web-{n}")
    at = now()
    with ThreadPoolExecutor(4) as pool:
        taken = [future.result() for future in [pool.submit(claim, 10, at=at) for _ in range(4)]]
    assert [len(each) for each in taken] == [10] * 4, "nobody goes away empty-handed while there is work"
    assert len({uid for each in taken for uid in each}) == 40


def test_what_was_never_issued_is_taken_before_what_still_holds(pki: House) -> None:
    want("old", duration_s=86_400)
    assert issue_due() == 1
    with clock_at(renewal_of("old")):
        want("new")
        assert by_uid(claim(1, at=now()))[0].name == "new"


def test_what_expires_first_is_taken_first(pki: House) -> None:
    for days in (30, 10, 20):
        want(f"days-{days}", duration_s=days * 86_400)
    assert issue_due() == 3
    with clock_at(now() + 25 * DAY):
        taken = [by_uid(claim(1, at=now()))[0].name for _ in range(3)]
    assert taken == ["days-10", "days-20", "days-30"]


def test_only_the_system_stores_and_fails(pki: House, alice: Actor, bob: Actor) -> None:
    want()
    before = head()
    for actor in (alice, bob):
        for command in (storing(made()), failing()):
            with pytest.raises(Forbidden):
                execute(command, by=actor)
    assert head() == before


def test_trying_out_a_batch_stores_nothing(pki: House) -> None:
    want()
    before = head()
    for command in (storing(made()), failing()):
        assert execute(command, by=WORKER, validate_only=True).changed
    assert (head(), seen().number, seen().failures, delivered()) == (before, 0, 0, None)


def test_a_batch_is_neither_empty_nor_endless(pki: House) -> None:
    want()
    for items in ((), (made(),) * (MAX_BATCH + 1)):
        with pytest.raises(Invalid) as refusal:
            storing(*items)
        assert refusal.value.field == "items"
