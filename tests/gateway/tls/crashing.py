"""Publishes a set and dies at the n-th thing it does to the file system, for every n: run as a process of its own.

`python -m tests.gateway.tls.crashing DIRECTORY` prints, for each n, what a reader then finds and what the next
publishing leaves behind.
"""

import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

from gateway.tls.directory import publish, read_set

ACTS = {"open", "os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree"}
DIED = 9
OLD = {"tls.crt": b"old chain", "tls.key": b"old key", "ca.crt": b"old roots", "old.txt": b"gone later"}
NEW = {"tls.crt": b"new chain", "tls.key": b"new key", "ca.crt": b"new roots"}


def die_at(number: int) -> None:
    """Let this process end, without any clean-up, just before the act `number`."""
    acts = count(1)

    def hook(event: str, _: Any) -> None:
        if event in ACTS and next(acts) == number:
            os._exit(DIED)

    sys.addaudithook(hook)


def found(directory: Path) -> str:
    """Which set a reader finds."""
    read = read_set(directory)
    return "old" if read == OLD else "new" if read == NEW else f"a mix: {sorted(read.items())}"


def main(place: Path) -> None:
    """Crash at every act in turn."""
    for number in count(1):
        directory = place / str(number)
        publish(directory, OLD)
        child = os.fork()
        if not child:
            die_at(number)
            publish(directory, NEW)
            os._exit(0)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DIED
        after = found(directory)
        publish(directory, NEW)
        print(json.dumps([number, after, found(directory), sorted(path.name for path in directory.iterdir())]))  # noqa: T201
        if not died:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
