"""What cannot be issued is tried again, later and later, and does not stay unseen."""

from datetime import datetime, timedelta

import pytest

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki.commands import IssueNow, claim
from governance.pki.queries.authorities import signer_of
from governance.pki.queries.certificates import alarming, by_uid
from governance.pki.renewal import alarm_at
from governance.pki.tasks import watch_renewals
from governance.pki.worker import WORKER, issue_all, issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import HOUR, clock_at, end_of, find_key, lose_key, renewal_of, seen, want
from tests.pki.test_issuers import creating
from tests.pki.test_worker import failing


def test_a_failure_is_remembered_with_its_reason_and_its_pause(pki: House, changes_once: ChangesOnce) -> None:
    want()
    fact = changes_once(failing(), by=WORKER)
    assert (fact.action, fact.thing) == ("pki.certificate.fail", "certificate/shop/web")
    assert fact.after is not None
    assert (fact.after["web"]["failures"], fact.after["web"]["last_error"]) == (1, "no issuer")
    there = seen()
    assert (there.issuing(now()).reason, "no issuer" in there.issuing(now()).message) == ("Failed", True)
    assert there.attempt_at is not None
    assert HOUR - timedelta(minutes=1) < there.attempt_at - now() <= HOUR


def test_a_failure_to_issue_what_is_not_wanted_any_more_is_forgotten(pki: House) -> None:
    want()
    old = failing()
    want(dns_names=("other.shop.svc",))
    assert not execute(old, by=WORKER).changed
    assert not execute(failing(namespace="bank"), by=WORKER).changed
    assert seen().failures == 0


def test_a_late_failure_does_not_count_against_what_another_worker_issued(pki: House) -> None:
    want()
    slow = failing()
    assert issue_due() == 1
    assert not execute(slow, by=WORKER).changed
    assert (seen().failures, seen().attempt_at) == (0, seen().renew_at)


def _renewal_fails(at: datetime) -> None:
    with clock_at(at):
        assert issue_due() == 0


def test_a_renewal_whose_issuer_lost_its_key_backs_off_alarms_and_recovers(pki: House) -> None:
    want(duration_s=45 * 86_400)
    assert issue_due() == 1
    authority, _ = signer_of("internal")
    kept = lose_key(authority)
    begun = renewal_of()
    _renewal_fails(begun)
    there = seen()
    assert (there.failures, there.failing_since, there.reason) == (1, begun, "")
    assert "the issuer internal cannot sign: the key of the authority" in there.last_error
    assert (there.ready(begun).holds, there.issuing(begun).reason) == (True, "Failed")
    pauses = []
    for _ in range(7):
        attempt = seen().attempt_at
        assert attempt is not None
        _renewal_fails(attempt - timedelta(seconds=1))
        pauses.append((attempt - (seen().last_failure_at or begun)) // HOUR)
        _renewal_fails(attempt)
    assert pauses == [1, 2, 4, 8, 16, 32, 32]
    half = alarm_at(begun, end_of())
    assert half == begun + (end_of() - begun) / 2
    assert not seen().alarming(begun + timedelta(minutes=1))
    assert seen().alarming(half)
    assert [each.name for each in alarming(half)] == ["web"]
    find_key(authority, kept)
    attempt = seen().attempt_at
    assert attempt is not None
    with clock_at(attempt):
        assert issue_due() == 1
        there = seen()
        assert (there.failures, there.failing_since, there.last_error, there.number) == (0, None, "", 2)
        assert not there.alarming(now())


def test_issuing_now_does_not_wait_for_the_pause_to_end(pki: House, alice: Actor) -> None:
    want()
    authority, _ = signer_of("internal")
    kept = lose_key(authority)
    assert (issue_due(), seen().failures) == (0, 1)
    find_key(authority, kept)
    assert issue_due() == 0, "it waits"
    execute(IssueNow(namespace="shop", name="web"), by=alice)
    assert (issue_due(), seen().number) == (1, 1)


def test_a_changed_wish_does_not_wait_for_the_pause_to_end(pki: House, alice: Actor) -> None:
    want()
    authority, _ = signer_of("internal")
    kept = lose_key(authority)
    assert (issue_due(), seen().failures) == (0, 1)
    find_key(authority, kept)
    want(by=alice, revision_history_limit=2)
    assert (seen().failures, issue_due()) == (0, 1)


def test_one_that_fails_does_not_hold_up_the_others(pki: House) -> None:
    execute(creating(), by=SYSTEM)
    want("broken", issuer="shop-ca")
    want("good")
    authority, _ = signer_of("shop-ca")
    lose_key(authority)
    assert issue_all(by_uid(claim(5, at=now()))) == 1
    assert (seen("good").number, seen("broken").failures) == (1, 1)


def test_what_could_never_be_issued_alarms_as_well(pki: House, caplog: pytest.LogCaptureFixture) -> None:
    want()
    lose_key(signer_of("internal")[0])
    assert issue_due() == 0
    assert not seen().alarming(now())
    with clock_at(now() + HOUR):
        assert [each.name for each in alarming(now())] == ["web"]
        watch_renewals()
    assert "shop/web" in next(each.getMessage() for each in caplog.records if each.levelname == "ERROR")
