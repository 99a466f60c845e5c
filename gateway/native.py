"""The xds process: one event loop, one gRPC server for data planes and for programs."""

import asyncio
import signal

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gateway.doors import native_interceptors
from gateway.guard import Guard, mutual
from gateway.rpc import servicers
from gateway.xds.health import no_credentials
from gateway.xds.process import XdsProcess
from governance.compliance.stream import stop_calls
from governance.kernel.errors import Unavailable

GRACE_S = 2.0
DATA_PLANE = (
    "envoy.service.discovery.v3.AggregatedDiscoveryService",
    "envoy.service.load_stats.v3.LoadReportingService",
)
OPTIONS = (
    # The port is ours alone: without this a second server could share it, and each would get half of the calls.
    ("grpc.so_reuseport", 0),
    # Streams stay open for days. Ask quiet peers after 30 s, give up after 20 s; let them ask every 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    # A certificate counts for the connections that were made with it: none lasts for ever. Data planes reconnect.
    ("grpc.max_connection_age_ms", 6 * 3600 * 1000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)


def run(address: str, *, name: str) -> None:
    """Serve on `address` until SIGTERM or SIGINT; Unavailable when somebody else does."""
    asyncio.run(_serve(address, name))


async def _serve(address: str, name: str) -> None:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    guard = await asyncio.to_thread(_guard, name)
    server = grpc.aio.server(interceptors=native_interceptors(guard), options=OPTIONS)
    servicers.add_all(server)
    xds = XdsProcess(name=name, credentials=guard.as_client if guard else no_credentials)
    await xds.start(server)
    answers = _health(server)
    reflection.enable_server_reflection(
        (*servicers.SERVICES, *DATA_PLANE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    try:
        if guard is None:
            server.add_insecure_port(address)
        else:
            server.add_secure_port(address, guard.credentials.credentials())
    except RuntimeError:
        raise Unavailable(f"GOV_GRPC_ADDR: cannot listen on {address}: is it in use?") from None
    await server.start()
    await asked.wait()
    await answers.enter_graceful_shutdown()
    await xds.stop()
    if guard is not None:
        await asyncio.to_thread(guard.stop)
    await server.stop(GRACE_S)
    await asyncio.to_thread(stop_calls)


def _guard(name: str) -> Guard | None:
    """Who looks after the port; None when it is opened in plain text on purpose."""
    if not mutual():
        return None
    guard = Guard(name)
    guard.start()
    return guard


def _health(server: grpc.aio.Server) -> health.aio.HealthServicer:
    """The standard health service; a name that it does not list is not served here."""
    answers = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(answers, server)
    return answers
