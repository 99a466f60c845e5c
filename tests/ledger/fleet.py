"""Other processes that write to the house of a test: `python -m tests.ledger.fleet <what> <name> <count>`.

Each acknowledged revision or call is printed on a line of its own, as a client would have learnt of it.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fixtures.house import House


@contextmanager
def running(house: "House", *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run one writer while the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.fleet", *arguments],
        env=dict(house.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def acknowledged(process: "subprocess.Popen[str]", count: int | None = None) -> Sequence[int]:
    """The next `count` numbers that the writer prints, or all until it ends."""
    assert process.stdout is not None
    numbers = []
    for line in process.stdout:
        numbers.append(int(line))
        if len(numbers) == count:
            break
    return numbers


def _change(name: str, count: int) -> None:
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.registry.commands import CreateService
    from governance.registry.values import ServiceSpec

    for n in range(count):
        spec = ServiceSpec(namespace="shop", name=f"{name}-{n}")
        receipt = execute(CreateService(namespace="shop", spec=spec), by=SYSTEM, request_id=f"{name}-{n}")
        sys.stdout.write(f"{receipt.revision}\n")
        sys.stdout.flush()


def _call(name: str, count: int) -> None:
    from governance.compliance.stream import calls
    from governance.compliance.values import CallRecord

    for n in range(count):
        calls().record(CallRecord(action="rpc.call", actor=name, thing=f"{name}/{n}"))
        if n % 50 == 49:
            assert calls().flush(60)
            sys.stdout.write(f"{n}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    {"change": _change, "call": _call}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
