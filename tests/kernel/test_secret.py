"""Secrets that the house makes for itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from governance.secret import kept


def test_many_that_start_at_once_agree_and_leave_nothing_behind(tmp_path: Path) -> None:
    for n in range(50):
        path = tmp_path / f"{n}" / "key"
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(lambda _, path=path: kept(path), range(8)))) == 1
        assert [each.name for each in path.parent.iterdir()] == ["key"]
        assert path.stat().st_mode & 0o777 == 0o600
