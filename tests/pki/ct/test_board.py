"""The board over what is served: by real ports, and by what consumers hold."""

from collections.abc import Callable

import pytest

from gateway.pages.monitor import ports as on_page
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki.commands import IssueNow, RemoveListener
from governance.pki.ct.board import ports
from governance.pki.ct.looking import look, tell
from governance.pki.ct.seen import listeners_in
from governance.pki.queries import watching
from governance.pki.queries.served import served
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki import forge
from tests.pki.conftest import head
from tests.pki.ct.ports import Identity, closed_address, door, identity
from tests.pki.ct.watched import (
    DAYS,
    MINUTES,
    board_now,
    disguised,
    forged,
    issued,
    joined,
    later,
    listen,
    numbered,
    open_findings,
    rows,
    serve,
    stranger,
    through_an_authority,
    verdicts,
)

pytestmark = pytest.mark.usefixtures("closed_house")


def test_a_certificate_signed_with_our_key_behind_our_back_is_named_within_one_round(pki: House) -> None:
    honest, other = issued("web"), issued("api")
    with door(honest) as good, door(other) as fine, door(forged()) as bad:
        for each in (good, fine, bad):
            listen(each.address)
        look()
        (row,) = rows("served_not_issued")
        assert (row.subject, row.serial, row.namespace) == (bad.address, bad.show.serial, "shop")
        assert "signed by our key behind our back" in row.sentence
        (finding,) = open_findings("served_not_issued")
        assert (finding.subject, finding.namespace, finding.message) == (bad.address, "shop", row.sentence)
        assert finding.alarming
        (there,) = [each for each in served() if each.address == bad.address]
        assert (finding.detail["by_our_key"], finding.detail["fingerprint"]) == (True, there.fingerprint)
        assert board_now().counts["served_not_issued"] == 1
        assert [verdict for address, verdict in sorted(verdicts()) if address != bad.address] == ["newest", "newest"]


def test_a_round_that_finds_nothing_new_leaves_no_fact(pki: House) -> None:
    with door(forged()) as bad:
        listen(bad.address)
        look()
        before = head()
        look()
        assert head() == before


def test_what_is_taken_off_the_port_is_as_bad_as_before_until_it_expires(pki: House) -> None:
    honest = issued()
    with door(forged()) as bad:
        listener = listen(bad.address)
        look()
        bad.show = honest
        look()
        assert rows("served_not_issued") == []
        assert [each.subject for each in open_findings("served_not_issued")] == [bad.address]
        execute(RemoveListener(namespace="shop", id=listener), by=SYSTEM)
        look()
        assert served() == []
        assert len(open_findings("served_not_issued")) == 1
    with later(40 * DAYS):
        tell()
        assert open_findings("served_not_issued") == []


def test_the_serial_number_of_an_honest_one_hides_nothing(pki: House) -> None:
    honest = issued()
    with door(numbered(honest.leaf.serial_number)) as bad:
        listen(bad.address)
        look()
        (row,) = rows("served_not_issued")
    assert row.serial == honest.serial
    assert row.sentence.endswith("; it bears the serial number of shop/web")
    assert "signed by our key behind our back" in row.sentence


def test_a_workload_shows_what_was_issued_to_it(pki: House) -> None:
    with door(joined()) as there:
        serve(there.address)
        look()
        assert verdicts() == [(there.address, "newest")]
        assert rows("served_not_issued") == rows("served_not_newest") == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (forged, "signed by our key behind our back: the key of Governor governor.internal"),
        (disguised, "signed by our key behind our back"),
        (through_an_authority, "through CN=Rogue Issuing, an authority that was not made here"),
        (stranger, "it shows a certificate that was not issued here, but by CN=Elsewhere CA"),
    ],
)
def test_the_words_say_who_signed_it(pki: House, made: Callable[[], Identity], words: str) -> None:
    with door(made()) as bad:
        listen(bad.address)
        look()
        (row,) = rows("served_not_issued")
    assert words in row.sentence
    (finding,) = open_findings("served_not_issued")
    assert finding.detail["by_our_key"] == (made is not stranger)


def test_one_that_signed_itself_is_told_apart(pki: House) -> None:
    mine = forge.forge("printer", by=None, changes={}, life=(now() - 9 * DAYS, now() - DAYS))
    with door(identity(mine.key, mine.certificate)) as there:
        listen(there.address)
        look()
        (row,) = rows("served_not_issued")
        assert row.sentence == "it shows a certificate that signed itself: CN=printer"
        there.show = issued()
        look()
        assert (rows("served_not_issued"), open_findings("served_not_issued")) == ([], []), "it was of that port alone"


def test_silence_neither_opens_nor_closes_a_finding(pki: House) -> None:
    with door(forged()) as bad:
        listen(bad.address)
        look()
    look()
    (row,) = rows("served_not_issued")
    assert "since then nothing listens there" in row.sentence
    assert len(open_findings("served_not_issued")) == 1


def test_a_port_that_never_showed_anything_is_on_no_side(pki: House) -> None:
    listen(closed_address())
    look()
    ((view,),) = [ports()]
    assert (view.verdict, view.sentence) == ("never", "it has shown no certificate so far: nothing listens there")
    assert board_now().rows == ()


def test_people_see_their_own_rows_alone(pki: House) -> None:
    issued("web", namespace="bank")
    with door(forged()) as bad:
        listen(bad.address, namespace="shop")
        listen(bad.address, namespace="bank", server_name="web.bank.svc")
        with later(11 * MINUTES):
            look()
            assert {row.namespace for row in board_now().rows} == {"shop", "bank"}
            assert {(row.kind, row.namespace) for row in board_now("shop").rows} == {("served_not_issued", "shop")}
            assert [each.port.namespace for each in ports({"shop"})] == ["shop"]
            assert len(open_findings("served_not_issued")) == 2
    assert board_now("shop").tenants.keys() == {"shop"}
    assert board_now("nobody").rows == ()
    assert board_now("shop").looked.ports == 1


def test_what_a_port_shows_of_another_namespace_is_told_to_who_may_see_both(pki: House) -> None:
    old = issued("web", namespace="bank")
    with door(old) as there:
        listen(there.address, namespace="shop")
        look()
        ((view,),) = [ports({"shop"})]
        assert (view.verdict, view.sentence, view.holder) == (
            "newest",
            "it shows a certificate of another namespace",
            "",
        )
        execute(IssueNow(namespace="bank", name="web"), by=SYSTEM, reason="a test")
        issue_due()
        with later(11 * MINUTES):
            look()
            assert rows("served_not_newest", "shop") == []
            assert [row.namespace for row in rows("served_not_newest")] == ["*"]
            assert not [row for row in board_now("shop").rows if "bank" in row.sentence]


def test_names_at_one_port_are_told_apart(pki: House) -> None:
    good = issued()
    with door(forged(), by_name={"web.shop.svc": good}) as there:
        listen(there.address)
        listen(there.address, server_name="web.shop.svc")
        look()
        assert {each.port.server_name: each.verdict for each in ports()} == {"": "by_our_key", "web.shop.svc": "newest"}


def test_people_of_one_namespace_do_not_learn_which_certificate_of_another_a_port_shows(pki: House) -> None:
    with door(issued("web")) as there:
        listen(there.address, namespace="bank")
        look()
        for spaces, told in (({"bank"}, False), ({"*"}, True)):
            (one,) = listeners_in(spaces)
            assert one.shown is not None
            assert (bool(one.shown.serial), bool(one.shown.fingerprint), one.shown.seen_at is not None) == (
                told,
                told,
                True,
            )
            (port,) = on_page(watching.listeners(namespaces=spaces), ports(spaces), spaces=spaces)
            assert port.hidden is not told
