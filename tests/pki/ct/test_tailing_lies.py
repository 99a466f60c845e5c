"""Logs that lie, that cannot be read, and readers that die: each is named, and none of them hides the others."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki.commands import AcknowledgeFinding
from governance.pki.ct.believing import believed_head
from governance.pki.ct.http import view_of
from governance.pki.ct.logset import client
from governance.pki.ct.logstates import log_states
from tests.fixtures.ctlog import CtLog
from tests.fixtures.telling import ABSENT, Answer, with_bit
from tests.pki.conftest import clock_at, head
from tests.pki.ct.tailed import alarms, filler, found, hide, known, read, the

MINUTE = timedelta(minutes=1)


def status(log: CtLog) -> str:
    return next(each.status for each in log_states(now()) if each.log.log_id == log.log().log_id)


def badly_signed(answer: Answer) -> Answer:
    """Another letter in the signature."""
    body = bytearray(answer.body)
    body[-20] = ord("B") if body[-20] == ord("A") else ord("A")
    return replace(answer, body=bytes(body))


def _forked(log: CtLog) -> None:
    log.fork()


def _inconsistent(log: CtLog) -> None:
    log.fork()
    hide(log)


def _shrunk(log: CtLog) -> None:
    log.shrink(1)


def _badly_signed(log: CtLog) -> None:
    hide(log)
    log.sign(key=ec.generate_private_key(ec.SECP256R1()))


def _badly_signed_by_itself(log: CtLog) -> None:
    hide(log)
    log.tell("checkpoint", badly_signed)


def _of_another(log: CtLog) -> None:
    hide(log)
    log.sign(origin="some.other.log/2026")


def _wrong_tile(log: CtLog) -> None:
    hide(log)
    log.tell(r"tile/0/.*", with_bit(3))


def _wrong_entries(log: CtLog) -> None:
    hide(log)
    log.tell(r"tile/data/.*", with_bit(3))


@pytest.mark.parametrize(
    ("lie", "kind"),
    [
        (_forked, "forked"),
        (_inconsistent, "inconsistent"),
        (_shrunk, "shrunk"),
        (_badly_signed_by_itself, "bad_signature"),
        (_of_another, "wrong_origin"),
        (_wrong_tile, "wrong_tile"),
        (_wrong_entries, "wrong_entry"),
    ],
)
def test_each_lie_is_named_and_nothing_is_believed_after_it(
    rome: CtLog, oslo: CtLog, lie: Callable[[CtLog], None], kind: str
) -> None:
    believed = known(rome)
    lie(rome)
    hide(oslo)
    read()
    finding = the("log_lies")
    assert finding.subject == "rome"
    assert finding.message.startswith(f"{kind}: ")
    assert finding.detail["lie"] == kind
    assert finding.detail["evidence"] != {}
    assert status(rome) == "lies"
    assert known(rome).next_index == 2
    if kind not in {"wrong_tile", "wrong_entry"}:
        assert (known(rome).checkpoint, known(rome).size) == (believed.checkpoint, 2)
    assert known(oslo).next_index == 3
    assert the("not_ours").detail["log"] == "oslo"
    before = head()
    read()
    assert head() == before
    assert known(rome).next_index == 2


@pytest.mark.parametrize("lie", [_badly_signed_by_itself, _of_another, _wrong_tile, _wrong_entries])
def test_a_log_that_is_honest_again_is_read_on_and_the_finding_closes(
    rome: CtLog, lie: Callable[[CtLog], None]
) -> None:
    lie(rome)
    read()
    assert alarms() == ["log_lies"]
    rome.be_honest()
    rome.sign()
    read()
    assert known(rome).next_index == 3
    assert the("not_ours").detail["log"] == "rome"
    assert alarms() == ["not_ours"]
    assert status(rome) == "ok"


def test_a_log_that_lies_again_and_again_is_an_alarm_until_it_was_honest_for_a_while(rome: CtLog) -> None:
    for minutes in (0, 1, 2):
        with clock_at(now() + minutes * MINUTE):
            rome.tell("checkpoint", badly_signed)
            read()
            assert alarms() == ["log_lies"]
            rome.be_honest()
            read()
            assert alarms() == ([] if minutes == 0 else ["log_lies"])
    with clock_at(now() + 13 * MINUTE):
        read()
        assert alarms() == []


def test_a_lasting_lie_stays_until_somebody_says_that_the_log_may_go_on(rome: CtLog) -> None:
    kept = list(rome.records)
    rome.fork()
    read()
    rome.records[:] = kept  # it hides what it did
    hide(rome)
    read()
    assert known(rome).next_index == 2
    assert status(rome) == "lies"
    execute(AcknowledgeFinding(id=the("log_lies").id), by=SYSTEM, reason="the operator restored a backup")
    read()
    assert known(rome).next_index == 3
    assert status(rome) == "ok"
    assert alarms() == ["not_ours"]


def test_whoever_forgave_one_lie_did_not_forgive_the_next(rome: CtLog) -> None:
    rome.fork()
    read()
    execute(AcknowledgeFinding(id=the("log_lies").id), by=SYSTEM, reason="the operator restored a backup")
    read()
    rome.fork(1)
    read()
    assert the("log_lies").alarming
    assert status(rome) == "lies"
    hide(rome)
    read()
    assert known(rome).next_index == 2
    assert found("not_ours") == []


def test_what_another_caught_a_log_at_is_reported_although_it_is_over(rome: CtLog) -> None:
    rome.tell("checkpoint", badly_signed)
    with pytest.raises(Exception, match="not signed by"):
        believed_head(view_of(rome.log(), client()))
    rome.be_honest()
    read()
    assert the("log_lies").detail["lie"] == "bad_signature"
    assert status(rome) == "ok"


@pytest.mark.parametrize(
    "path", ["checkpoint", "tile/.*", "tile/data/.*"], ids=["no head", "no tiles", "entries held back"]
)
def test_a_log_that_cannot_be_read_is_an_alarm_after_five_minutes_and_no_verdict(
    rome: CtLog, oslo: CtLog, path: str
) -> None:
    at = now()
    hide(rome, oslo)
    rome.tell(path, Answer(status=500))
    read()
    assert status(rome) == "unreadable"
    for minutes in (1, 2, 3, 4):
        with clock_at(at + minutes * MINUTE):
            read()
    assert alarms() == ["not_ours"]
    assert the("not_ours").detail["log"] == "oslo"
    with clock_at(at + 6 * MINUTE):
        read()
        finding = the("log_unreadable")
        assert (finding.subject, "500" in finding.message) == ("rome", True)
        before = head()
        read()
        assert head() == before
        rome.be_honest()
        read()
        assert alarms() == ["not_ours"]
        assert known(rome).next_index == 3
        assert status(rome) == "ok"


def test_a_checkpoint_without_any_signature_of_the_log_is_no_checkpoint(rome: CtLog) -> None:
    _badly_signed(rome)
    read()
    assert known(rome).next_index == 2
    assert status(rome) in {"unreadable", "lies"}


def test_an_entry_whose_issuer_is_not_served_holds_the_log_up_and_says_so(rome: CtLog) -> None:
    filler(rome, 1, first=2)
    rome.tell("issuer/.*", ABSENT)
    read()
    assert known(rome).next_index == 2
    assert "issuer" in known(rome).error
