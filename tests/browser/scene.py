"""A product whose certificates, logs and ports are in trouble, with the world outside in which they are."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.product import ROOT, Product, running
from tests.gateway.pages.outside import Outside, forged_port, outside


@dataclass(frozen=True)
class Scene:
    """A running product in trouble, and the world that it is in."""

    product: Product
    world: Outside


def _do(directory: Path, part: str, *arguments: str, environ: dict[str, str]) -> None:
    """One part of what happened before the product starts."""
    code = f"from tests.gateway.pages import transparent; transparent.main{(part, *arguments)!r}"
    told = {**os.environ, "GOV_DATA_DIR": str(directory), **environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code], cwd=ROOT, env=told, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def scene_in(directory: Path) -> Iterator[Scene]:
    """Three months of a house, the trouble of today, and the product that shows it."""
    data = directory / "data"
    data.mkdir(mode=0o700)
    _do(data, "before", environ={})
    with outside(directory / "lists") as world, forged_port(data) as port:
        environ = dict(world.environ)
        _do(data, "beginning", environ=environ)
        world.go_wrong()
        _do(data, "trouble", port.address, environ=environ)
        with running(data, environ=environ) as product:
            yield Scene(product, world)
