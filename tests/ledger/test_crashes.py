"""A writer that is killed takes nothing with it that it had acknowledged."""

import signal

from governance.compliance import queries as compliance
from governance.compliance.streams import CALLS
from governance.ledger import queries
from governance.ledger.stream import CHANGES
from governance.ledger.verify import verify
from tests.fixtures.house import House
from tests.ledger.fleet import acknowledged, running


def test_killing_a_writer_loses_no_acknowledged_fact(ledger: House) -> None:
    told: list[int] = []
    for attempt in range(3):
        with (
            running(ledger, "change", f"a{attempt}", "100000") as first,
            running(ledger, "change", f"b{attempt}", "100000") as second,
        ):
            told += [*acknowledged(first, 20), *acknowledged(second, 20)]
            for writer in (first, second):
                writer.send_signal(signal.SIGKILL)
            told += [*acknowledged(first), *acknowledged(second)]
    head = queries.head_revision()
    assert len(set(told)) == len(told)
    assert max(told) <= head
    assert [entry.revision for entry in queries.after(0, limit=head + 10)] == list(range(1, head + 1))
    assert verify(CHANGES).sound


def test_killing_a_recorder_loses_no_call_that_was_durable(house: House) -> None:
    with running(house, "call", "first", "100000") as first, running(house, "call", "second", "100000") as second:
        told = {"first": acknowledged(first, 5)[-1], "second": acknowledged(second, 5)[-1]}
        first.send_signal(signal.SIGKILL)
        told["second"] = acknowledged(second, 3)[-1]
        second.send_signal(signal.SIGKILL)
    there = {call.thing for call in compliance.after(0, limit=200_000)}
    for name, last in told.items():
        assert {f"{name}/{n}" for n in range(last + 1)} <= there
    assert verify(CALLS).sound


def test_two_processes_record_calls_at_once_without_a_gap(house: House) -> None:
    with running(house, "call", "first", "2000") as first, running(house, "call", "second", "2000") as second:
        for writer in (first, second):
            assert acknowledged(writer)[-1] == 1999
            assert writer.wait(60) == 0
    found = compliance.after(0, limit=5000)
    assert [call.seq for call in found] == list(range(1, 4001))
    for name in ("first", "second"):
        assert [call.thing for call in found if call.actor == name] == [f"{name}/{n}" for n in range(2000)]
    assert verify(CALLS).sound
