"""Active health checks by the standard gRPC health protocol, thousands of endpoints on one event loop."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

import grpc
import structlog
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from gateway.xds import metrics
from gateway.xds.fleet import Fleet
from gateway.xds.names import server_dns
from gateway.xds.periodic import Periodic
from governance.registry.values import Health

METHOD = "/grpc.health.v1.Health/Check"
INTERVAL_S = 5.0
SMALL_FLEET, SMALL_FLEET_INTERVAL_S = 64, 1.0
DOUBT_INTERVAL_S = 0.5  # after a check that contradicts what is believed
FAILURES, SUCCESSES = 2, 1  # in a row, before it is believed
AT_ONCE = 64  # of one namespace, so that one with servers that never answer does not hold up the others
REPORT_S = 0.05
_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
)
log = structlog.get_logger(__name__)

Flips = Mapping[str, tuple[Health, str]]
# What to show a service, by (namespace, name): the same object until there is something newer, None as long as there
# is nothing to show.
Credentials = Callable[[tuple[str, str]], grpc.ChannelCredentials | None]


def no_credentials(service: tuple[str, str]) -> None:
    """Nothing to show to any service."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint to be checked; a `mutual` one by mutual TLS, under the name that certificates of its service carry.

    gRPC's Python channels compare DNS names and no URIs, so that it is not certain which workload answers.
    """

    path: str  # namespace/service/endpoint
    address: str
    timeout_ms: int
    mutual: bool = False

    @property
    def service(self) -> tuple[str, str]:
        """Namespace and name of its service."""
        namespace, service, _ = self.path.split("/")
        return namespace, service


class _Check:
    """One endpoint's channel and the task that asks it again and again."""

    def __init__(self, target: Target, believed: Health) -> None:
        self.target, self.believed = target, believed
        self.failures = self.successes = 0
        self.task: asyncio.Task[None] | None = None
        self._channel: grpc.aio.Channel | None = None
        self._shown: grpc.ChannelCredentials | None = None
        if not target.mutual:
            self._open(grpc.aio.insecure_channel(target.address, options=_OPTIONS))

    async def show(self, credentials: grpc.ChannelCredentials | None) -> None:
        """Speak to a mutual target with these from now on."""
        if credentials is self._shown or credentials is None:
            return
        if self._channel is not None:
            await self._channel.close()
        self._shown = credentials
        options = (*_OPTIONS, ("grpc.ssl_target_name_override", server_dns(*self.target.service)))
        self._open(grpc.aio.secure_channel(self.target.address, credentials, options=options))

    @property
    def able(self) -> bool:
        """Whether there is a way to ask."""
        return self._channel is not None

    def _open(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self.ask = channel.unary_unary(
            METHOD,
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )

    async def once(self) -> tuple[bool, str]:
        """Whether it serves, and what it said when it does not. Without the health protocol, answering is enough."""
        try:
            answer = await self.ask(HealthCheckRequest(), timeout=self.target.timeout_ms / 1000)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return True, ""
            return False, f"{error.code().name}: {error.details()}"
        if answer is None:  # what grpc.aio returns for a body that is no such message
            return False, "its answer is not a HealthCheckResponse"
        if answer.status == HealthCheckResponse.SERVING:
            return True, ""
        known = answer.status in HealthCheckResponse.ServingStatus.values()
        return False, HealthCheckResponse.ServingStatus.Name(answer.status) if known else f"status {answer.status}"

    def judge(self, serves: bool) -> Health | None:
        """The health to report, when this answer makes the difference."""
        self.successes = self.successes + 1 if serves else 0
        self.failures = 0 if serves else self.failures + 1
        if serves and self.believed != "healthy" and self.successes >= SUCCESSES:
            return "healthy"
        if not serves and self.believed != "unhealthy" and self.failures >= FAILURES:
            return "unhealthy"
        return None

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
        if self._channel is not None:
            await self._channel.close()


class HealthChecks:
    """Checks the endpoints of the fleet and hands flips to `report`, which is awaited with a batch of them.

    `credentials` are for services on mutual TLS, asked for before each check; without any nothing is said of those.
    """

    def __init__(
        self, report: Callable[[Flips], Awaitable[object]], *, credentials: Credentials = no_credentials
    ) -> None:
        self._report, self._credentials = report, credentials
        self._checks: dict[str, _Check] = {}
        self._flips: dict[str, tuple[Health, str]] = {}
        self._at_once: dict[str, asyncio.Semaphore] = {}
        self._reporting = Periodic(self._flush, every_s=REPORT_S)
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to report; endpoints to check come by `watch`."""
        self._reporting.start()

    async def stop(self) -> None:
        """End every check and close every channel."""
        checks, self._checks = list(self._checks.values()), {}
        await asyncio.gather(*(check.close() for check in checks), *self._closing)
        await self._reporting.stop()

    def watch(self, fleet: Fleet) -> None:
        """Check what is in `fleet`, and nothing else; draining and isolated endpoints included."""
        wanted: dict[str, tuple[Target, Health]] = {}
        for (namespace, name), governed in fleet.services.items():
            for endpoint in governed.service.endpoints:
                path = f"{namespace}/{name}/{endpoint.name}"
                target = Target(path, endpoint.address, governed.balancing.timeout_ms, governed.mutual)
                wanted[path] = target, endpoint.health
        for path, check in list(self._checks.items()):
            if path not in wanted or wanted[path][0] != check.target:
                del self._checks[path]
                self._close(check)
        for path, (target, believed) in wanted.items():
            if path in self._checks:
                self._checks[path].believed = believed
            else:
                check = self._checks[path] = _Check(target, believed)
                check.task = asyncio.create_task(self._keep_asking(check))

    async def _keep_asking(self, check: _Check) -> None:
        namespace = check.target.path.partition("/")[0]
        at_once = self._at_once.setdefault(namespace, asyncio.Semaphore(AT_ONCE))
        await asyncio.sleep(random.uniform(0, min(0.2, self._interval_s())))  # noqa: S311  (spreads load, hides nothing)
        while True:
            if check.target.mutual:
                await check.show(self._credentials(check.target.service))
            doubt = check.able and await self._asked(check, at_once)
            pause_s = min(DOUBT_INTERVAL_S, self._interval_s()) if doubt else self._interval_s()
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311

    async def _asked(self, check: _Check, at_once: asyncio.Semaphore) -> bool:
        """Ask once; whether the answer contradicts what is believed."""
        async with at_once:
            serves, detail = await check.once()
        metrics.checks.labels("serving" if serves else "failing").inc()
        flip = check.judge(serves)
        if flip is not None:
            self._flips[check.target.path] = flip, detail
        return (check.believed == "unhealthy") == serves

    def _interval_s(self) -> float:
        return SMALL_FLEET_INTERVAL_S if len(self._checks) <= SMALL_FLEET else INTERVAL_S

    async def _flush(self) -> None:
        if not self._flips:
            return
        flips, self._flips = self._flips, {}
        try:
            await self._report(flips)
        except Exception:  # the outermost edge of this task: the next check of each endpoint reports it again
            log.exception("health not reported", endpoints=len(flips))

    def _close(self, check: _Check) -> None:
        task = asyncio.create_task(check.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @property
    def watched(self) -> Collection[str]:
        """The paths of the endpoints that are checked."""
        return self._checks.keys()
