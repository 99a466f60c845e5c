"""A directory whose key pairs are followed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway.tls.directory import publish
from gateway.tls.watcher import Delivery, watched
from governance.kernel.clock import moved, now
from governance.kernel.errors import GovernanceError
from tests.gateway.tls.issuing import HOUR, House, Made
from tests.gateway.tls.wires import until

# Long enough that whatever is seen in time was told by the kernel.
NEVER_S = 600.0
AT_ONCE_S = 10.0


@pytest.fixture(scope="module")
def house() -> House:
    return House()


class Seen:
    """What a watcher has handed on, and what it has refused."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.alarms: list[GovernanceError] = []

    @property
    def serials(self) -> list[str]:
        return [delivery.pair.serial for delivery in self.deliveries]

    async def handed_on(self, number: int) -> None:
        """Wait until so many pairs were."""
        await until(lambda: len(self.deliveries) >= number, f"{number} pairs are handed on", AT_ONCE_S)


@asynccontextmanager
async def watching(directory: Path, *, poll_s: float = NEVER_S, anchored: bool = False) -> AsyncIterator[Seen]:
    seen = Seen()

    async def run() -> None:
        async for delivery in watched(directory, poll_s=poll_s, anchored=anchored, on_refused=seen.alarms.append):
            seen.deliveries.append(delivery)

    task = asyncio.create_task(run())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()


def files_of(made: Made, house: House) -> dict[str, bytes]:
    return {"tls.crt": made.chain_pem, "tls.key": made.key_pem, "ca.crt": house.roots_pem}


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(f"governor_tls_pairs_{name}_total") or 0.0


async def test_each_pair_is_handed_on_once_and_at_once(house: House, tmp_path: Path) -> None:
    made = [house.make(dns=("shop.example",)) for _ in range(3)]
    before = counted("read")
    publish(tmp_path, files_of(made[0], house))
    async with watching(tmp_path) as seen:
        for number, each in enumerate(made, 1):
            publish(tmp_path, files_of(each, house))
            await seen.handed_on(number)
        publish(tmp_path, files_of(made[2], house) | {"note.txt": b"of no interest"})
        publish(tmp_path, files_of(made[0], house))
        await seen.handed_on(4)
    assert seen.serials == [each.pair.serial for each in (*made, made[0])]
    assert seen.deliveries[0].roots_pem == house.roots_pem
    assert (seen.alarms, counted("read") - before) == ([], 4)


async def test_a_bad_pair_is_told_once_and_never_handed_on(house: House, tmp_path: Path) -> None:
    good, other, later = (files_of(house.make(dns=("shop.example",)), house) for _ in range(3))
    before = counted("refused")
    publish(tmp_path, good)
    async with watching(tmp_path, poll_s=0.05) as seen:
        await seen.handed_on(1)
        publish(tmp_path, good | {"tls.key": other["tls.key"]})
        await until(lambda: seen.alarms, "the mismatch is told", AT_ONCE_S)
        publish(tmp_path, {"tls.crt": b"garbage", "tls.key": other["tls.key"]})
        await until(lambda: len(seen.alarms) > 1, "the garbage is told", AT_ONCE_S)
        publish(tmp_path, good)
        publish(tmp_path, later)
        await seen.handed_on(2)
    assert [str(alarm) for alarm in seen.alarms] == [
        "key_pem: is not the key of the certificate serial " + seen.serials[0],
        "chain_pem: holds no certificate in PEM",
    ]
    assert counted("refused") - before == 2


async def test_files_written_one_by_one_are_waited_for(house: House, tmp_path: Path) -> None:
    first, second = (files_of(house.make(dns=("shop.example",)), house) for _ in range(2))
    for name, content in first.items():
        (tmp_path / name).write_bytes(content)
    async with watching(tmp_path) as seen:
        await seen.handed_on(1)
        for name, content in second.items():
            (tmp_path / name).write_bytes(content)
            soon = now() + timedelta(milliseconds=150)  # as long as a slow copy takes from one file to the next
            await until(partial(_is_past, soon), "time passes")
        await seen.handed_on(2)
    assert not seen.alarms


def _is_past(moment: datetime) -> bool:
    return now() > moment


async def test_a_directory_that_comes_later_and_one_that_is_mounted_anew_are_seen(house: House, tmp_path: Path) -> None:
    place, aside = tmp_path / "tls", tmp_path / "aside"
    first, second, third = (files_of(house.make(dns=("shop.example",)), house) for _ in range(3))
    async with watching(place, poll_s=0.2) as seen:
        await until(lambda: seen.alarms, "its absence is told")
        publish(place, first)
        await seen.handed_on(1)
        publish(aside, second)
        place.rename(tmp_path / "old")
        aside.rename(place)
        await seen.handed_on(2)
        publish(place, third)
        await seen.handed_on(3)
    assert [str(alarm) for alarm in seen.alarms] == [f"there is no directory {place}"]


async def test_a_pair_that_is_not_valid_yet_is_handed_on_once_it_is(house: House, tmp_path: Path) -> None:
    early = house.make(dns=("shop.example",), at=now() + HOUR)
    publish(tmp_path, files_of(early, house))
    async with watching(tmp_path, poll_s=0.05) as seen:
        await until(lambda: seen.alarms, "it is refused")
        later = now() + 1.5 * HOUR
        with moved(lambda: later):
            await seen.handed_on(1)
    assert "is not valid before" in str(seen.alarms[0])
    assert len(seen.alarms) == 1


async def test_the_pair_must_be_below_the_roots_beside_it_where_that_is_asked_for(house: House, tmp_path: Path) -> None:
    files = files_of(house.make(dns=("shop.example",)), House("other"))
    publish(tmp_path, files)
    async with watching(tmp_path) as trusting, watching(tmp_path, anchored=True) as asking:
        await until(lambda: trusting.deliveries and asking.alarms, "one takes it, one refuses it")
    assert not trusting.alarms
    assert not asking.deliveries
