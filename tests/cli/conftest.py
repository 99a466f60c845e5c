"""govctl as a subprocess, and a control plane for it to talk to."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from governance.access import tokens
from governance.access.commands.people import CreatePerson
from governance.access.commands.roles import GrantRole
from governance.access.commands.tokens import CreateToken
from governance.access.values import RoleGrant, TokenSpec
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.ledger.execute import execute
from governance.registry.commands import CreateService, RegisterEndpoint
from governance.registry.values import EndpointSpec, ServiceSpec
from tests.fixtures.house import House
from tests.fixtures.processes import LIMIT_S, ROOT, Start, grpc_address, start

__all__ = ["grpc_address", "start"]


@dataclass(frozen=True)
class Said:
    """What govctl printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Govctl:
    """Runs govctl with a token; nobody is at its terminal."""

    address: str
    token: str

    def __call__(self, *arguments: str, **environ: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "gateway.cli.main", *arguments],
            cwd=ROOT,
            env={**_clean(), "GOVCTL_SERVER": self.address, "GOVCTL_TOKEN": self.token, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def typed(self, keys: str, *arguments: str) -> str:
        """What a person sees who types `keys` at a terminal."""
        ours, theirs = pty.openpty()
        environ = {**_clean(), "GOVCTL_SERVER": self.address, "GOVCTL_TOKEN": self.token, "COLUMNS": "160"}
        command = [sys.executable, "-m", "gateway.cli.main", *arguments]
        shown = b""
        with subprocess.Popen(command, cwd=ROOT, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            os.write(ours, keys.encode())
            with contextlib.suppress(OSError):  # the terminal ends with the program
                while piece := os.read(ours, 4096):
                    shown += piece
            process.wait(LIMIT_S)
        os.close(ours)
        return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())


def _clean() -> dict[str, str]:
    """No setting of Governor itself: govctl must not need any."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GOV_", "DJANGO_"))}


@pytest.fixture
def shop(house: House) -> None:
    """A service with four instances."""
    execute(
        CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="checkout", owner="web")), by=SYSTEM
    )
    for n in range(4):
        spec = EndpointSpec(name=f"c{n}", host="127.0.0.1", port=7000 + n, zone=f"z{n % 2 + 1}", version="v1")
        execute(RegisterEndpoint(namespace="shop", service="checkout", spec=spec), by=SYSTEM)


MakeToken = Callable[[str, str], str]


@pytest.fixture
def token_of(house: House) -> MakeToken:
    """Make a person with a role and return the secret of a token of theirs."""

    def make(username: str, role: str) -> str:
        execute(CreatePerson(username=username, must_change_password=False), by=SYSTEM)
        execute(GrantRole(username=username, role=role, namespace=EVERYWHERE), by=SYSTEM)
        secret = tokens.make()
        spec = TokenSpec(name="laptop", grants=(RoleGrant(role=role),), lifetime_s=3600)
        execute(CreateToken(owner=username, spec=spec, digest=tokens.digest(secret)), by=SYSTEM)
        return secret

    return make


@pytest.fixture
def govctl(shop: None, start: Start, grpc_address: str, token_of: MakeToken) -> Govctl:
    """govctl in the hands of an operator, with a control plane that answers."""
    start("xds")
    with grpc.insecure_channel(grpc_address) as channel:
        grpc.channel_ready_future(channel).result(LIMIT_S)
    return Govctl(grpc_address, token_of("olga", "operator"))
