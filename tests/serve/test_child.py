"""A child is started again when it dies, and ends with its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.supervise.child import ROOT, Child
from governance.ledger.models import Cursor
from tests.fixtures.house import House
from tests.fixtures.product import eventually


def _pids(lines: list[str]) -> list[int]:
    return [int(line.rsplit("pid ", 1)[1].rstrip(")")) for line in lines if "started (pid" in line]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def _until(lines: list[str], count: int) -> None:
    await asyncio.to_thread(eventually, lambda: len(_pids(lines)) >= count, every_s=0.02)


async def test_a_killed_child_is_started_again_at_once_and_stops_when_asked(house: House) -> None:
    lines: list[str] = []
    child = Child("worker", ["worker"], environ=house.environ, say=lines.append)
    life = asyncio.create_task(child.run())
    await _until(lines, 1)
    os.kill(_pids(lines)[0], signal.SIGKILL)
    await _until(lines, 2)
    assert "worker ended (killed by SIGKILL), starting it again" in lines[1]
    child.stop()
    await asyncio.wait_for(life, 30)
    assert not any(_alive(pid) for pid in _pids(lines))


async def test_a_child_that_keeps_dying_is_started_ever_more_slowly(
    house: House, capfd: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []
    child = Child("nobody", ["no-such-command"], environ=house.environ, say=lines.append)
    life = asyncio.create_task(child.run())
    await _until(lines, 4)
    child.stop()
    await asyncio.wait_for(life, 30)
    ends = [line for line in lines if "ended" in line]
    assert [line.partition("again")[2] for line in ends[:3]] == ["", " in 0.2 s", " in 0.5 s"]
    assert "nobody | Unknown command: 'no-such-command'" in capfd.readouterr().err


PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "gateway.supervise.entry", str(os.getpid()), "worker"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize("settled", [False, True])
def test_a_child_dies_with_its_parent_even_when_that_is_killed(house: House, settled: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, env=dict(house.environ), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if settled:
            eventually(lambda: Cursor.objects.filter(follower="worker").exists(), what="the worker works")
        parent.kill()
    eventually(lambda: not _alive(pid), what="the child ends")
