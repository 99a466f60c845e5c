"""Workers of a test's house, as processes whose clocks the test sets: `python -m tests.pki.workers`.

Each line that such a process reads is a time: it takes it for the present, issues what is due, and answers how many.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fixtures.house import House

Worker = subprocess.Popen[str]


@contextmanager
def running(house: "House") -> Iterator[Worker]:
    """Run one while the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.pki.workers"],
        env=dict(house.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def tell(worker: Worker, at: datetime) -> None:
    """Let the worker do what is due at that time."""
    assert worker.stdin is not None
    worker.stdin.write(f"{at.isoformat()}\n")


def answer(worker: Worker) -> int:
    """How many it issued when it was told."""
    assert worker.stdout is not None
    line = worker.stdout.readline()
    assert line, "the worker ended"
    return int(line)


def _work() -> None:
    from governance.kernel import clock
    from governance.pki.worker import issue_due

    for line in sys.stdin:
        begun, at = time.monotonic(), datetime.fromisoformat(line.strip())

        def read(begun: float = begun, at: datetime = at) -> datetime:
            return at + timedelta(seconds=time.monotonic() - begun)

        with clock.moved(read):
            done = issue_due()
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    _work()
