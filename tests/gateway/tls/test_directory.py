"""Sets of files that change all at once."""

import json
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.tls.directory import publish, read_set
from governance.kernel.errors import Conflict, Invalid, NotFound, Unavailable

ONE = {"tls.crt": b"chain 1", "tls.key": b"key 1", "ca.crt": b"roots"}
TWO = {"tls.crt": b"chain 2", "tls.key": b"key 2", "ca.crt": b"roots"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_set_is_laid_out_as_kubernetes_does(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "tls"
    assert publish(directory, ONE)
    assert {name: (directory / name).read_bytes() for name in ONE} == ONE == read_set(directory)
    assert {(directory / name).readlink() for name in ONE} == {Path("..data") / name for name in ONE}
    fresh = directory / (directory / "..data").readlink()
    assert fresh.parent == directory
    assert mode(directory) == mode(fresh) == 0o700
    assert {mode(fresh / name) for name in ONE} == {0o600}


def test_a_change_leaves_nothing_of_before(tmp_path: Path) -> None:
    publish(tmp_path, ONE | {"more.txt": b"more"})
    before = (tmp_path / "..data").readlink()
    assert publish(tmp_path, TWO)
    assert read_set(tmp_path) == TWO
    after = (tmp_path / "..data").readlink()
    assert after != before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*TWO, "..data", str(after)])


def test_the_same_set_is_no_change(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    before = (tmp_path / "..data").readlink()
    assert not publish(tmp_path, ONE)
    assert (tmp_path / "..data").readlink() == before


def test_a_crash_at_any_point_leaves_the_old_set_or_the_new(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.gateway.tls.crashing", str(tmp_path)],
        capture_output=True,
        timeout=60,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr.decode()
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    after_crash = [after for _, after, _, _ in outcomes]
    switch = after_crash.index("new")
    assert after_crash == ["old"] * switch + ["new"] * (len(outcomes) - switch)
    assert switch > 5
    assert len(outcomes) - switch > 5
    for number, _, repaired, names in outcomes:
        assert repaired == "new", f"after a crash at act {number}"
        assert [name for name in names if not name.startswith("..set_")] == ["..data", "ca.crt", "tls.crt", "tls.key"]
        assert len(names) == 5, f"a crash at act {number} leaves {names}"


def test_readers_see_one_set_while_another_is_published(tmp_path: Path) -> None:
    publish(tmp_path, ONE)
    stop, mixes = threading.Event(), []

    def read_on() -> None:
        while not stop.is_set():
            try:
                read = read_set(tmp_path)
            except Unavailable:
                continue
            if read not in (ONE, TWO):
                mixes.append(read)

    readers = [threading.Thread(target=read_on) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(200):
        publish(tmp_path, TWO if turn % 2 == 0 else ONE)
    stop.set()
    for reader in readers:
        reader.join()
    assert not mixes


def test_publishers_take_turns(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as publishers:
        assert len(list(publishers.map(lambda each: publish(tmp_path, each), (ONE, TWO) * 20))) == 40
    assert read_set(tmp_path) in (ONE, TWO)
    assert len(list(tmp_path.iterdir())) == len(ONE) + 2


def test_what_somebody_else_put_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "tls.key").write_bytes(b"the only copy")
    with pytest.raises(Conflict, match=r"tls\.key was put there by somebody else"):
        publish(tmp_path, ONE)
    assert read_set(tmp_path) == {"tls.key": b"the only copy"}


@pytest.mark.parametrize("name", ["", ".", "..", "../tls.key", "a/b", "..data", "a\0b"])
def test_a_name_cannot_leave_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        publish(tmp_path / "tls", {name: b""})
    assert not (tmp_path / "tls").exists()


def test_a_plain_directory_is_read_as_it_stands(tmp_path: Path) -> None:
    for name, content in ONE.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "below").mkdir()
    assert read_set(tmp_path) == ONE


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no directory .*gone"):
        read_set(tmp_path / "gone")
    (tmp_path / "..data").symlink_to("nowhere")
    with pytest.raises(Unavailable, match="leads nowhere"):
        read_set(tmp_path)
