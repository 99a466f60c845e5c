"""What is wanted no more is gone with its keys, and what was issued stays known."""

from governance.kernel.actor import SYSTEM, Actor
from governance.ledger.execute import execute
from governance.pki.commands import DeleteCertificate, IssueNow, claim
from governance.pki.models import Issued
from governance.pki.queries.certificates import by_uid, certificate, history, issued
from governance.pki.worker import issue_all, issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import delivered, head, seen, want

DELETING = DeleteCertificate(namespace="shop", name="web")
NOW = IssueNow(namespace="shop", name="web")


def test_a_deleted_certificate_is_gone_with_its_keys_but_what_was_issued_stays_known(
    pki: House, changes_once: ChangesOnce, alice: Actor
) -> None:
    want(revision_history_limit=5)
    assert issue_due() == 1
    execute(NOW, by=alice)
    assert issue_due() == 1
    assert Issued.objects.filter(holder="certificate/shop/web", sealed_key__isnull=False).count() == 2
    serial = seen().serial
    fact = changes_once(DELETING, by=alice)
    assert (fact.action, fact.after) == ("pki.certificate.delete", None)
    assert certificate("shop", "web") is None
    assert delivered() is None
    assert Issued.objects.filter(holder="certificate/shop/web", sealed_key__isnull=False).count() == 0
    there = issued(serial)
    assert there is not None
    assert there.revoked_at is None


def test_what_is_deleted_while_it_is_issued_stays_deleted(pki: House) -> None:
    want()
    taken = by_uid(claim(1, at=seen().attempt_at))  # type: ignore[arg-type]  # it is due, so it has a time
    execute(DELETING, by=SYSTEM)
    before = head()
    assert issue_all(taken) == 0
    assert (head(), certificate("shop", "web"), history("shop", "web")) == (before, None, [])


def test_a_certificate_made_anew_begins_anew_and_its_history_is_told_newest_first(pki: House) -> None:
    want()
    assert issue_due() == 1
    execute(NOW, by=SYSTEM)
    assert issue_due() == 1
    execute(DELETING, by=SYSTEM)
    want()
    assert issue_due() == 1
    assert seen().number == 1
    assert [each.number for each in history("shop", "web")] == [1, 2, 1]
    assert history("shop", "web")[0].serial == seen().serial
