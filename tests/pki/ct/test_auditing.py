"""Which certificates are checked first, and what is said of those that wait."""

from datetime import timedelta

from governance.kernel.clock import now
from governance.pki.ct.auditing import prove_waiting
from governance.pki.ct.standing import Checked
from governance.pki.observe.checks import checked
from governance.pki.queries.audited import live_unchecked
from governance.pki.queries.findings import finding
from governance.pki.worker import issue_due
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.fixtures.telling import Answer
from tests.pki.conftest import DAY, head, seen, want
from tests.pki.ct.tailed import pin, the
from tests.pki.ct.watched import renewed


def test_what_was_never_checked_comes_first_and_then_the_longest_unchecked(pki: House) -> None:
    names = ("a", "b", "c", "d")
    for name in names:
        want(name, dns_names=(f"{name}.shop.svc",))
    issue_due()
    serials = sorted(seen(name).serial for name in names)
    for serial, days in zip(serials, (2, 3, None, 0), strict=True):
        if days is not None:
            at = now() - timedelta(days=days)
            checked([Checked(serial=serial, state="logged", why="", checked_at=at)])
    found = [each.serial for each in live_unchecked(now(), before=now() - DAY)]
    assert [serial for serial in found if serial in serials] == [serials[2], serials[1], serials[0]]


def test_what_waits_says_what_it_lacks_by_now_without_another_fact(pki: House) -> None:
    with CtLog("rome") as rome:
        pin(rome)
        want()
        issue_due()
        rome.holds = True
        renewed()
        prove_waiting()
        first = the("pending")
        assert "does not have it yet" in first.message
        before = head()
        rome.tell(".*", Answer(status=500))
        prove_waiting()
        after = the("pending")
        assert after.message.startswith("the new issue is not in force, the one before serves on: ")
        assert "cannot be read" in after.message
        assert finding(after.id) == after
        assert head() == before
