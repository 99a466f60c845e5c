"""Whoever appends at the same time, and whoever is killed while appending: one tree without a gap comes of it."""

import signal
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from governance.pki.ct.models import CtEntry
from governance.pki.ct.own.sequencer import Appended, Draft, append, renew_checkpoint
from governance.pki.ct.own.view import OwnView
from tests.fixtures.house import House
from tests.ledger.fleet import acknowledged
from tests.pki.ct.own import in_order, running, several, whole_log


def at_once(*batches: list[Draft]) -> list[list[Appended]]:
    """Append each batch on a thread of its own."""

    def work(batch: list[Draft]) -> list[Appended]:
        try:
            return append(batch)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(work, batches))


def test_threads_take_turns(empty_log: House) -> None:
    batches = [several(n + 1, f"t{n}-{turn}") for n in range(8) for turn in range(5)]
    told = at_once(*batches)
    for each, batch in zip(told, batches, strict=True):
        assert in_order(each) == list(range(each[0].index, each[0].index + len(batch))), "a batch stays together"
    assert sorted(index for each in told for index in in_order(each)) == list(range(180))
    assert whole_log() == 180


def test_of_the_same_appended_at_once_one_is_logged(empty_log: House) -> None:
    batch = several(20)
    told = at_once(*[batch] * 6)
    assert all(each == told[0] for each in told)
    assert whole_log() == 20


def test_the_checkpoint_is_signed_again_while_others_append(empty_log: House) -> None:
    def renew(_: int) -> bool:
        try:
            return renew_checkpoint()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        renewed = pool.map(renew, range(10))
        told = at_once(*[several(3, f"r{n}") for n in range(4)])
        assert not any(renewed)
    assert len({each.index for batch in told for each in batch}) == 12
    assert whole_log() == 12


def test_processes_take_turns(empty_log: House) -> None:
    with running(empty_log, "a", 40, 3) as first, running(empty_log, "b", 40, 5) as second:
        ours = in_order(append(several(20, "ours")))
        told = [*ours, *acknowledged(first), *acknowledged(second)]
    assert sorted(told) == list(range(20 + 120 + 200))
    assert whole_log() == 340


def test_a_process_that_is_killed_takes_no_promise_with_it(empty_log: House) -> None:
    told: list[int] = []
    for attempt in range(3):
        with (
            running(empty_log, f"a{attempt}", 10_000, 7) as first,
            running(empty_log, f"b{attempt}", 10_000, 1) as second,
        ):
            told += [*acknowledged(first, 70), *acknowledged(second, 10)]
            for process in (first, second):
                process.send_signal(signal.SIGKILL)
            told += [*acknowledged(first), *acknowledged(second)]
        known, size = OwnView().head(), whole_log()
        assert len(set(told)) == len(told)
        assert max(told) < size
        told += in_order(append(several(2, f"after{attempt}")))
        OwnView().consistency(known, OwnView().head())
    assert CtEntry.objects.filter(index__in=told).count() == len(told)
    whole_log()
