"""The board over what is late: old issues that are still about, new ones that nobody has, ports that are down."""

import pytest

from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import RevokeCertificate
from governance.pki.ct.board import ports
from governance.pki.ct.looking import look
from governance.pki.enrolment import renew
from governance.pki.queries.workloads import workload
from tests.fixtures.house import House
from tests.pki.conftest import seen
from tests.pki.ct.ports import door
from tests.pki.ct.watched import (
    MINUTES,
    board_now,
    fetched,
    hold,
    issued,
    joined,
    later,
    listen,
    open_findings,
    renewed,
    rows,
    serve,
    verdicts,
)
from tests.pki.joining import URI, acting, csr

pytestmark = pytest.mark.usefixtures("closed_house")


def test_a_stuck_reload_is_named_and_over_as_soon_as_it_reloads(pki: House) -> None:
    old = issued()
    with door(old) as there:
        serve(there.address)
        look()
        renewed()
        look()
        assert (rows("served_not_newest"), verdicts()) == ([], [(there.address, "old")])
        with later(3 * MINUTES):
            look()
            (row,) = rows("served_not_newest")
            assert row.sentence == f"it shows {old.serial} of shop/web, and {seen().serial} is in force"
            assert open_findings("served_old") == [], "nobody is told of what may still be under way"
        with later(11 * MINUTES):
            look()
            (finding,) = open_findings("served_old")
            assert finding.message == row.sentence
            assert rows("issued_not_served") == [], "the port that shows the old one says it all"
            there.show = fetched()
            look()
            assert (rows("served_not_newest"), open_findings("served_old")) == ([], [])
            assert verdicts() == [(there.address, "newest")]


def test_many_ports_that_are_stuck_with_one_certificate_are_one_finding(pki: House) -> None:
    old = issued()
    with door(old) as one, door(old) as two, door(old) as three:
        for each in (one, two, three):
            listen(each.address)
        look()
        renewed()
        with later(11 * MINUTES):
            look()
            assert len(rows("served_not_newest")) == 3
            (finding,) = open_findings("served_old")
            assert finding.message.endswith("; so do 2 other places")
            assert set(finding.detail["places"]) == {one.address, two.address, three.address}


def test_a_workload_that_shows_what_it_renewed_long_ago_is_named(pki: House) -> None:
    mine = joined()
    there = workload("shop", "checkout")
    assert there is not None
    with door(mine) as port:
        serve(port.address)
        renew(there.serial, URI, csr(), by=acting())
        look()
        assert rows("served_not_newest") == [], "it takes a while"
        with later(11 * MINUTES):
            look()
            (row,) = rows("served_not_newest")
            assert (row.service, row.subject, row.serial) == ("checkout", port.address, there.serial)
            newest = workload("shop", "checkout")
            assert newest is not None
            assert row.sentence.endswith(f"which was renewed by {newest.serial}")
            (finding,) = open_findings("served_old")
            assert finding.subject == port.address


def test_a_revoked_certificate_that_is_still_shown_is_named_at_once(pki: House) -> None:
    mine = issued()
    with door(mine) as there:
        listen(there.address)
        execute(RevokeCertificate(namespace="shop", serial=mine.serial, cause="keyCompromise"), by=SYSTEM)
        look()
        (row,) = rows("served_not_newest")
        assert row.sentence == f"it shows {mine.serial} of shop/web, which was revoked"


def test_a_consumer_that_holds_an_older_issue_is_named(pki: House) -> None:
    old = issued()
    hold(old.serial, "one")
    renewed()
    hold(seen().serial, "two")
    with later(11 * MINUTES):
        look()
        (row,) = rows("served_not_newest")
        assert (row.subject, row.serial, row.target) == ("shop/web", old.serial, ("certificate", "shop", "web"))
        assert row.sentence == f"{seen().serial} is in force, and an older issue is held by {URI}"
        assert [each.message for each in open_findings("served_old")] == [row.sentence]
        hold(seen().serial, "one")
        look()
        assert (rows("served_not_newest"), open_findings("served_old")) == ([], [])


def test_what_nobody_was_seen_with_is_told_after_a_while_and_over_when_somebody_is(pki: House) -> None:
    issued()
    look()
    assert rows("issued_not_served") == []
    with later(3 * MINUTES):
        look()
        (row,) = rows("issued_not_served")
        assert (row.state, row.subject, row.serial) == ("so", "shop/web", seen().serial)
        assert open_findings("not_served") == []
    with later(11 * MINUTES):
        look()
        (finding,) = open_findings("not_served")
        assert finding.subject == "shop/web"
        hold(seen().serial)
        look()
        assert (rows("issued_not_served"), open_findings("not_served")) == ([], [])


def test_a_port_that_is_down_did_not_serve_nothing(pki: House) -> None:
    mine = issued()
    with door(mine) as there:
        serve(there.address)
        look()
        assert rows("issued_not_served") == []
    with later(11 * MINUTES):
        look()
        (row,) = rows("issued_not_served")
        assert (row.state, row.subject, row.service) == ("unknown", "shop/web", "checkout")
        assert row.sentence.endswith("where it was or should be seen, nobody answers")
        assert open_findings("not_served") == []
        ((view,),) = [ports()]
        assert (view.verdict, view.silent) == ("newest", True)
        assert "since then nothing listens there" in view.sentence
        assert board_now().looked.answering == 0
