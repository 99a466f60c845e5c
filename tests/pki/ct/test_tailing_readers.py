"""Several readers of one log, and readers that die: each entry counts once, and none is passed over."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from governance.kernel.clock import now
from governance.pki.ct import tailing
from governance.pki.ct.mine import mine
from governance.pki.observe import logs as observe
from governance.pki.queries.findings import findings
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.fixtures.telling import Answer
from tests.pki.conftest import clock_at
from tests.pki.ct.tailed import alarms, another_reader, filler, hide, known, read


def test_a_log_of_which_somebody_took_hold_is_left_to_them_and_not_for_long(rome: CtLog) -> None:
    hide(rome)
    assert observe.take(known(rome).log_id, at=now(), lasting=tailing.CLAIM)
    asked = len(rome.requests)
    read()
    assert (len(rome.requests), known(rome).next_index) == (asked, 2)
    with clock_at(now() + tailing.CLAIM + timedelta(seconds=1)):
        read()
    assert known(rome).next_index == 3
    assert alarms() == ["not_ours"]


def test_a_reader_that_is_too_slow_does_not_pass_over_what_another_reads(
    rome: CtLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(rome)

    def taken_meanwhile(answer: Answer) -> Answer:
        later = now() + tailing.CLAIM + timedelta(seconds=1)
        assert observe.take(known(rome).log_id, at=later, lasting=tailing.CLAIM)
        return answer

    rome.tell("tile/data/.*", taken_meanwhile)
    tailing.read_log(rome.log(), mine())
    assert known(rome).next_index == 2
    assert findings() == []


def test_a_killed_reader_costs_a_minute_and_nothing_else(pki: House, rome: CtLog, oslo: CtLog) -> None:
    hide(rome, oslo)
    asked = Event()

    def hang(answer: Answer) -> Answer:
        asked.set()
        return replace(answer, hangs=True)

    rome.tell("tile/data/.*", hang)
    with another_reader(pki) as process:
        assert asked.wait(30)
        process.kill()
        process.wait()
    rome.be_honest()
    read()
    assert known(rome).next_index == 2
    with clock_at(now() + tailing.CLAIM + timedelta(seconds=1)):
        read()
        assert known(rome).next_index == known(oslo).next_index == 3
        assert alarms() == ["not_ours"]


def test_several_readers_at_once_read_each_entry_once(pki: House, rome: CtLog) -> None:
    filler(rome, 298, first=2)
    hide(rome)
    rome.requests.clear()
    with another_reader(pki) as one, another_reader(pki) as two:
        assert (one.wait(60), two.wait(60)) == (0, 0)
    assert known(rome).next_index == 301
    asked = [path for path in rome.requests if path.startswith("tile/data/")]
    assert len(asked) == len(set(asked))
    assert alarms() == ["not_ours"]
