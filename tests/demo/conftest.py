"""The demo fleet and its control plane as real processes."""

import contextlib
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.house import House
from tests.fixtures.processes import grpc_address, start

__all__ = ["grpc_address", "start"]


def running(pid: int) -> bool:
    """Whether the process lives; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> dict[str, int]:
    """Pids of the programs that the process started, by a word of their command line."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError):
            command = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            if len(command) < 3:  # it ended and waits to be reaped
                continue
            word = "envoy" if "--config-path" in command else Path(command[-2]).stem
            found[word] = int(child)
    return found


@dataclass(frozen=True)
class Fleet:
    """The files that the fleet keeps."""

    directory: Path

    def read(self, name: str) -> dict[str, Any]:
        with contextlib.suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads((self.directory / f"{name}.json").read_text())
            return found
        return {}

    def calls(self, name: str) -> int:
        return int(self.read(name).get("calls", 0))

    def accepts(self, instance: str) -> bool:
        """Whether the instance listens."""
        host, _, port = self.read("fleet")["instances"][instance].rpartition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False


@pytest.fixture
def fleet(house: House) -> Fleet:
    return Fleet(house.data_dir / "demo")
