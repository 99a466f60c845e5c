"""The agent: one connection to the control plane, on which a program's certificates stay fresh."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import structlog
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest, DiscoveryResponse
from google.rpc.code_pb2 import INVALID_ARGUMENT

from gateway.agent import identity as own
from gateway.agent.identity import Identity
from gateway.agent.secrets import TRUST, TYPE, Delivered
from gateway.proto import certificate_pb2 as pb
from gateway.proto.certificate_pb2_grpc import EnrolmentServiceStub
from gateway.tls.channels import HotChannel
from gateway.tls.directory import publish
from gateway.tls.watcher import CHAIN, KEY, ROOTS
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.pki.keys import PrivateKey, make_key

STREAM = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
CRLS = "crl.pem"
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
# How often it is asked whether the identity should be renewed before its time, such as while the root is replaced.
CHECK_S = 10.0
CALL_S = 10.0
OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
)
log = structlog.get_logger(__name__)


class Agent:
    """Keeps the identity in `directory` fresh, and the certificates that the control plane delivers to it.

    `wants` maps names of secrets to directories in which each is kept: tls.crt, tls.key, ca.crt and crl.pem, replaced
    all at once. `on_change` is called on the event loop with everything delivered so far, after each delivery. While
    the control plane is away, what was delivered stays. What is bad is refused, with the reason, and never stored.
    `channel` leads to the control plane, in the name of the identity. To be made on the event loop that runs it.
    """

    def __init__(
        self,
        directory: Path,
        control_plane: str,
        *,
        wants: Mapping[str, Path] | None = None,
        on_change: Callable[[Delivered], None] | None = None,
        node_id: str = "",
    ) -> None:
        self.identity = own.load(directory)
        self.delivered = Delivered()
        self._directory = directory
        self._wants = dict(wants or {})
        self._on_change = on_change
        self._node_id = node_id or self.identity.uri
        self._checked = asyncio.Event()
        self._next_key: PrivateKey | None = None
        self.channel = HotChannel(control_plane, self.identity.pair, roots_pem=self.identity.roots_pem, options=OPTIONS)
        self._enrolment: Any = EnrolmentServiceStub(self.channel)

    async def run(self) -> None:
        """Work until cancelled."""
        async with self.channel, asyncio.TaskGroup() as group:
            group.create_task(self._stay_known())
            group.create_task(self._follow())

    async def _stay_known(self) -> None:
        """Renew the identity when its time has come, or when the control plane asks for it."""
        failures = 0
        while True:
            try:
                due = now() >= self.identity.renew_at
                if due or (await self._enrolment.Check(pb.CheckRequest(), timeout=CALL_S)).renew:
                    await self.renew()
                failures = 0
            except (grpc.aio.AioRpcError, GovernanceError, OSError) as error:
                failures += 1
                _tell("the identity is not renewed", error)
            pause_s = RETRY_S[min(failures, len(RETRY_S)) - 1] if failures else CHECK_S
            self._checked.clear()
            try:
                await asyncio.wait_for(self._checked.wait(), pause_s)
            except TimeoutError:
                continue

    async def renew(self) -> None:
        """Exchange the identity for a new one now, over a new key; AioRpcError when it is refused.

        The key stays the same until its certificate is stored: over yet another one it would soon be refused.
        """
        key = self._next_key = self._next_key or make_key("ECDSA", 256)
        answer = await self._enrolment.Renew(pb.RenewRequest(csr=own.asked(key)), timeout=CALL_S)
        self._become(own.granted(key, answer.chain_pem.encode(), answer.roots_pem.encode()))
        self._next_key = None
        log.info("identity renewed", identity=self.identity.uri, serial=self.identity.pair.serial)

    def _become(self, identity: Identity) -> None:
        own.store(self._directory, identity)
        self.identity = identity
        self.channel.use(identity.pair, roots_pem=identity.roots_pem)

    async def _follow(self) -> None:
        failures = 0
        while True:
            try:
                async for response in self._stream():
                    del response
                    failures = 0
            except grpc.aio.AioRpcError as error:
                _tell("the stream of certificates broke", error)
            failures += 1
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S)) - 1])

    async def _stream(self) -> AsyncIterator[DiscoveryResponse]:
        """Each response after it was taken or refused, until the stream ends."""
        call = self.channel.stream_stream(
            STREAM,
            request_serializer=DiscoveryRequest.SerializeToString,
            response_deserializer=DiscoveryResponse.FromString,
        )()
        request = DiscoveryRequest(type_url=TYPE, resource_names=[*self._wants, TRUST])
        request.node.id, request.node.cluster = self._node_id, "governor"
        request.node.user_agent_name = "governor-agent"
        version = ""
        await call.write(request)
        async for response in call:
            answer = DiscoveryRequest(type_url=TYPE, resource_names=[*self._wants, TRUST])
            answer.response_nonce = response.nonce
            try:
                self._take(response)
                version = response.version_info
            except (GovernanceError, OSError) as error:
                log.warning("a delivery was refused; what was there stays", reason=str(error))
                answer.error_detail.code, answer.error_detail.message = INVALID_ARGUMENT, str(error)
            answer.version_info = version
            await call.write(answer)
            yield response

    def _take(self, response: DiscoveryResponse) -> None:
        delivered = self.delivered.with_resources(response.resources)
        for name, directory in self._wants.items():
            self._keep(name, directory, delivered)
        self.delivered = delivered
        if delivered.bundle is not None and delivered.bundle.roots_pem != self.identity.roots_pem:
            self._become(Identity(pair=self.identity.pair, roots_pem=delivered.bundle.roots_pem))
        self._checked.set()
        if self._on_change is not None:
            try:
                self._on_change(delivered)
            except Exception:  # a program's own code: it must not cost it its certificates
                log.exception("the program could not take over what was delivered")

    def _keep(self, name: str, directory: Path, delivered: Delivered) -> None:
        pair, bundle = delivered.pairs.get(name), delivered.bundle
        if pair is None or bundle is None:
            return
        files = {CHAIN: pair.chain_pem, KEY: pair.key_pem, ROOTS: bundle.roots_pem, CRLS: bundle.crls_pem}
        if publish(directory, files):
            log.info("certificate stored", secret=name, directory=str(directory), serial=pair.serial)


def _tell(what: str, error: Exception) -> None:
    if isinstance(error, grpc.aio.AioRpcError):
        log.warning(what, code=error.code().name, reason=error.details())
    else:
        log.warning(what, reason=str(error))
