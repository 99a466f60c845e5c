"""Findings without number: they silence none of another kind or of other people, and stop nobody from looking on."""

from collections.abc import Iterable

import pytest

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import models
from governance.pki.commands import AcknowledgeFinding, ForgetFindings
from governance.pki.commands.findings import KEPT
from governance.pki.ct import reporting, room, tasks
from governance.pki.ct.looking import look
from governance.pki.ct.standing import FindingKind, Noticed
from governance.pki.queries.findings import findings
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.pki.conftest import clock_at, head, want
from tests.pki.ct.ports import door
from tests.pki.ct.promising import Wanted
from tests.pki.ct.tailed import found, known, pin, read, strangers, submit_forged, the, watch
from tests.pki.ct.watched import DAYS, forged, listen


def noticed(
    count: int, namespace: str = "shop", *, kind: FindingKind = "cannot_tell", by_our_key: bool = False
) -> list[Noticed]:
    detail = {"by_our_key": True} if by_our_key else {}
    return [
        Noticed(
            key=f"{kind}:{namespace}/{by_our_key}/{n}",
            kind=kind,
            namespace=namespace,
            subject=f"{namespace}/{n}",
            message="a log cannot be read",
            detail=detail,
        )
        for n in range(count)
    ]


def keys(some: Iterable[Noticed]) -> set[str]:
    return {each.key for each in some}


def open_keys() -> set[str]:
    return {each.key for each in findings()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for 3 of a kind in a namespace, and 5 in all; each namespace has room for one."""
    for name, number in (("OF_A_NAMESPACE", 3), ("OF_A_KIND", 5), ("AT_LEAST", 1)):
        monkeypatch.setattr(room, name, number)


def test_whoever_brings_about_thousands_of_findings_leaves_room_for_those_of_others() -> None:
    mass, few = noticed(5_000, "mass"), noticed(3, "small")
    worst = noticed(400, "mass", kind="served_not_issued", by_our_key=True)
    fitting = keys(room.fitting([*mass, *few, *worst], {}))
    assert keys(few) | keys(worst) <= fitting
    assert len(fitting & keys(mass)) == room.OF_A_NAMESPACE
    everywhere = [each for n in range(50) for each in noticed(100, f"n-{n}")]
    counted = len(keys(room.fitting(everywhere, {})) & keys(everywhere))
    assert counted == room.OF_A_KIND + 40 * room.AT_LEAST


@pytest.mark.parametrize("kind", sorted(room.ALWAYS))
def test_there_is_always_room_for_what_says_that_a_key_is_in_other_hands_or_a_log_lies(kind: FindingKind) -> None:
    many = noticed(3_000, "*", kind=kind)
    assert room.fitting(many, {}) == many


def test_an_outage_fills_its_own_place_only_and_is_told_in_one_more(pki: House, small: None) -> None:
    reporting.report(noticed(50))
    assert len(found("cannot_tell")) == 4
    (more,) = [each for each in found("cannot_tell") if each.key.startswith("more:")]
    assert (more.subject, more.namespace) == ("shop/3", "shop")
    reporting.report(noticed(2, "bank"))
    reporting.report(noticed(2, kind="not_logged"))
    assert {"cannot_tell:bank/False/1", "not_logged:shop/False/1"} <= open_keys()


def test_what_there_is_no_room_for_costs_no_command_each_round(
    pki: House, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporting.report(noticed(50))
    before = head()
    monkeypatch.setattr(reporting, "execute", lambda *_, **__: pytest.fail("a command that changes nothing"))
    reporting.report(noticed(50))
    assert head() == before


def test_what_is_mended_makes_room_for_what_was_left_out(pki: House, small: None) -> None:
    reporting.report_all("cannot_tell:", noticed(4))
    reporting.report_all("cannot_tell:", noticed(4)[2:])
    assert keys(noticed(4)[2:]) <= open_keys()
    reporting.report_all("cannot_tell:", noticed(4)[3:])
    reporting.close_more()
    assert open_keys() == keys(noticed(4)[3:])


def test_that_there_are_more_alarms_anew_each_time(pki: House, small: None) -> None:
    reporting.report_all("cannot_tell:", noticed(4))
    (more,) = [each for each in findings() if each.key.startswith("more:")]
    execute(AcknowledgeFinding(id=more.id), by=SYSTEM, reason="we know of the outage")
    reporting.report_all("cannot_tell:", [])
    reporting.close_more()
    reporting.report_all("cannot_tell:", noticed(4))
    (more,) = [each for each in findings() if each.key.startswith("more:")]
    assert more.alarming


def test_noise_for_one_name_neither_stops_the_reading_nor_hides_what_matters(pki: House, small: None) -> None:
    want(dns_names=("web.shop.svc",))
    watch("example.org")
    with CtLog() as log:
        pin(log)
        for n in range(8):
            log.add_chain([Wanted(f"n{n}.example.org").certificate(strangers())])
        log.add_chain([Wanted("web.shop.svc").certificate(strangers())])
        submit_forged()
        read()
        assert (known(log).next_index, known(log).error) == (9, "")
        assert "web.shop.svc" in {each.subject for each in found("not_ours") if each.namespace == "shop"}
        assert the("not_issued").detail["source"] == "submitted"
        (more,) = [each for each in found("not_ours") if each.key.startswith("more:")]
        assert (more.namespace, more.subject, more.detail["index"]) == ("*", "n3.example.org", 3)
        with door(forged()) as port:
            listen(port.address)
            look()
            assert the("served_not_issued").detail["by_our_key"]


def test_that_something_in_a_log_was_left_out_stays_until_somebody_answers(pki: House, small: None) -> None:
    reporting.report(noticed(4, kind="not_ours"))
    reporting.report([], keys(noticed(3, kind="not_ours")))
    reporting.close_more()
    (more,) = found("not_ours")
    execute(AcknowledgeFinding(id=more.id), by=SYSTEM, reason="looked through the log from there on")
    reporting.close_more()
    assert found("not_ours") == []


def test_what_is_long_over_is_forgotten_and_the_ledger_has_it(pki: House) -> None:
    reporting.report(noticed(3))
    reporting.report([], keys(noticed(2)))
    with clock_at(now() + 29 * DAYS):
        tasks.forget_findings()
        assert models.Finding.objects.count() == 3
    with clock_at(now() + 31 * DAYS):
        tasks.forget_findings()
        assert models.Finding.objects.count() == 1
        before = head()
        tasks.forget_findings()
        assert head() == before
        assert not execute(ForgetFindings(before=now() - KEPT), by=SYSTEM, reason="nothing is left").changed
        reporting.report(noticed(3))
        assert keys(noticed(3)) == open_keys()
