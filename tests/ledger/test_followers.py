"""Followers miss nothing, park when they fail, and wake across processes."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest
from django.conf import settings

from governance.ledger import wake
from governance.ledger.followers import Follower, lag
from governance.ledger.models import Cursor
from governance.ledger.queries import Entry
from tests.fixtures.house import House
from tests.ledger.conftest import Say
from tests.ledger.fleet import acknowledged, running

Start = Callable[..., Follower]


class Seen:
    """Collects what a follower is given, and fails while told to."""

    def __init__(self) -> None:
        self.revisions: list[int] = []
        self.failing = False
        self._changed = threading.Condition()

    def __call__(self, entries: Sequence[Entry]) -> None:
        with self._changed:
            self._changed.notify_all()
            if self.failing:
                raise RuntimeError("the disk is full")
            self.revisions += [entry.revision for entry in entries]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 60), self.revisions


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Follower] = []

    def make(seen: Seen, *, name: str = "test", after: int | None = None) -> Follower:
        follower = Follower(name, seen, after=after)
        started.append(follower)
        follower.start()
        return follower

    yield make
    for follower in started:
        follower.stop()


def test_a_follower_sees_every_change_in_order(say: Say, start: Start) -> None:
    seen = Seen()
    say("before")
    start(seen, after=0)
    for n in range(20):
        say(str(n))
    seen.wait_for(lambda: len(seen.revisions) == 22)
    assert seen.revisions == list(range(1, 23))


def test_a_follower_that_starts_at_a_revision_sees_what_came_after_it(say: Say, start: Start) -> None:
    seen, now = Seen(), say("a").revision
    start(seen, after=now)
    say("b")
    seen.wait_for(lambda: seen.revisions == [now + 1])


def test_a_follower_resumes_where_it_stopped(say: Say, start: Start) -> None:
    first, second = Seen(), Seen()
    follower = start(first)
    say("a")
    first.wait_for(lambda: first.revisions == [1, 2])
    follower.stop()
    say("b")
    start(second)
    second.wait_for(lambda: second.revisions == [3])


def test_a_failing_follower_parks_says_why_and_recovers_while_others_go_on(say: Say, start: Start) -> None:
    broken, sound = Seen(), Seen()
    broken.failing = True
    parked = start(broken, name="broken", after=0)
    start(sound, name="sound", after=0)
    say("a")
    sound.wait_for(lambda: sound.revisions == [1, 2])
    broken.wait_for(lambda: "the disk is full" in parked.error and parked.behind == 2)
    assert parked.revision == 0
    assert lag.labels("broken")._value.get() == 2
    broken.wait_for(lambda: Cursor.objects.filter(follower="broken", error__contains="disk is full").exists())
    broken.failing = False
    broken.wait_for(lambda: broken.revisions == [1, 2])
    sound.wait_for(lambda: parked.error == "" and parked.behind == 0)


def test_followers_miss_nothing_of_eight_processes_that_write_at_once(ledger: House, start: Start) -> None:
    seen = Seen()
    start(seen, after=0)
    with ExitStack() as stack:
        writers = [stack.enter_context(running(ledger, "change", f"w{n}", "25")) for n in range(8)]
        revisions = sorted(revision for writer in writers for revision in acknowledged(writer))
    assert revisions == list(range(1, 201))
    seen.wait_for(lambda: len(seen.revisions) >= 200)
    assert seen.revisions == revisions


def test_a_ring_wakes_a_listener_in_another_process(ledger: House) -> None:
    bell = wake.listen("test")
    try:
        with running(ledger, "change", "w", "1") as writer:
            assert acknowledged(writer, 1) == [1]
            assert bell.wait(60)
    finally:
        bell.close()


def test_many_rings_are_one_and_none_is_none(house: House) -> None:
    bell = wake.listen("test")
    try:
        for _ in range(1000):
            wake.ring()
        assert bell.wait(5)
        assert not bell.wait(0.01)
    finally:
        bell.close()


def test_what_a_killed_process_left_behind_is_cleared_away(house: House) -> None:
    bell = wake.listen("test")
    directory = house.data_dir / "run" / "wake"
    (socket,) = directory.iterdir()
    socket.rename(directory / "kept")
    bell.close()
    wake.ring()
    assert list(directory.iterdir()) == []


def test_wakes_reach_into_a_directory_with_a_long_name(house: House) -> None:
    deep = house.data_dir / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    before = settings.GOV
    settings.GOV = before.model_copy(update={"data_dir": deep})
    try:
        bell = wake.listen("test")
        wake.ring()
        assert bell.wait(5)
        bell.close()
        assert list((deep / "run" / "wake").iterdir()) == []
    finally:
        settings.GOV = before
