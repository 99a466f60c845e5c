"""Registers one instance through the admin API, keeps its lease alive, and obeys what its metadata ask."""

import asyncio
from typing import TYPE_CHECKING

import grpc
import structlog

from gateway.demo.backend import HOST, Backend
from gateway.demo.shop import NAMESPACE, tuning
from gateway.proto import registry_pb2 as pb

if TYPE_CHECKING:
    from gateway.proto.registry_pb2_grpc import RegistryServiceAsyncStub

TTL_S = 30
KEEP_ALIVE_S = 5.0
RETRY_S = 0.25
CALL_S = 5.0
log = structlog.get_logger(__name__)


class Registration:
    """The registration of one backend; `registered` is set once it stands for the first time.

    Without a `token` the certificate behind `registry` says who registers.
    """

    def __init__(self, backend: Backend, registry: "RegistryServiceAsyncStub", token: str = "") -> None:
        self.registered = asyncio.Event()
        self._backend = backend
        self._registry = registry
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._said = ""

    async def run(self) -> None:
        """Stay registered until cancelled."""
        lease = ""
        while True:
            try:
                if not lease:
                    lease = await self._register()
                    self.registered.set()
                await asyncio.sleep(KEEP_ALIVE_S)
                reply = await self._registry.KeepAlive(
                    pb.KeepAliveRequest(lease_id=lease), metadata=self._metadata, timeout=CALL_S
                )
                if not await self._obey(reply.endpoint):
                    lease = ""
                self._said = ""
            except grpc.aio.AioRpcError as error:
                self._tell(error)
                if error.code() == grpc.StatusCode.NOT_FOUND:
                    lease = ""
                await asyncio.sleep(RETRY_S)

    async def _register(self) -> str:
        planned = self._backend.planned
        request = pb.RegisterEndpointRequest(
            namespace=NAMESPACE,
            service=self._backend.offer.name,
            name=planned.name,
            host=HOST,
            port=self._backend.port,
            zone=planned.zone,
            version=planned.version,
            metadata={"demo": "true"},
            ttl_s=TTL_S,
        )
        reply = await self._registry.RegisterEndpoint(request, metadata=self._metadata, timeout=CALL_S)
        return reply.lease_id

    async def _obey(self, endpoint: pb.Endpoint) -> bool:
        """Become as the endpoint's metadata ask; False when the address is not the registered one any more."""
        backend = self._backend
        down, backend.latency_ms = tuning(endpoint.metadata, planned_ms=backend.planned.latency_ms)
        if down and backend.up:
            log.info("instance goes down", instance=endpoint.name)
            await backend.stop()
        elif not down and not backend.up:
            log.info("instance comes up", instance=endpoint.name)
            await backend.start()
        return backend.port == endpoint.port

    def _tell(self, error: grpc.aio.AioRpcError) -> None:
        """Say once why it does not work; waiting for the control plane is nothing to speak of."""
        said = f"{error.code().name}: {error.details()}"
        if error.code() != grpc.StatusCode.UNAVAILABLE and said != self._said:
            log.warning("not registered", instance=self._backend.planned.name, reason=said)
        self._said = said
