"""The TLS of the fleet's servers: certificates that the agent delivers, and a look at each caller's on every call."""

import asyncio
from pathlib import Path

import structlog

from gateway.agent.agent import Agent
from gateway.agent.secrets import Delivered
from gateway.demo.shop import CALLERS, FLEET, FRONT, SHOP, Offer
from gateway.interceptors.chain import Chain, Link
from gateway.interceptors.peer import PeerCheck
from gateway.interceptors.recover import Recover
from gateway.interceptors.server import ChainInterceptor
from gateway.rpc.status import explain
from gateway.tls.channels import HotChannel
from gateway.tls.hot import HotCredentials
from gateway.tls.peers import OpenConnections, RevokedSerials
from governance.kernel.errors import GovernanceError

log = structlog.get_logger(__name__)


class Guarded:
    """Runs the agents of all programs, and keeps what the servers show as fresh as the control plane delivers it."""

    def __init__(self, directory: Path, control_plane: str) -> None:
        self.directory = directory
        self.agent = Agent(
            directory / FLEET,
            control_plane,
            wants={offer.name: directory / f"server-{offer.name}" for offer in SHOP},
            on_change=self._take,
            node_id=FLEET,
        )
        self.ready = asyncio.Event()
        self._others = [Agent(directory / name, control_plane, node_id=f"agent-{name}") for name in (*CALLERS, FRONT)]
        self._shown = {offer.name: HotCredentials(require_client_certificate=True) for offer in SHOP}
        self._revoked = RevokedSerials()
        self._opened = OpenConnections()
        self._fronts: list[HotChannel] = []

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for agent in (self.agent, *self._others):
                group.create_task(agent.run())

    def credentials_of(self, offer: Offer) -> HotCredentials:
        """What the servers of a service show."""
        return self._shown[offer.name]

    def interceptor(self) -> ChainInterceptor:
        """What stands in front of every server: resumed sessions are not looked at by TLS itself."""
        check = PeerCheck(revoked=self._revoked, opened=self._opened, required=True)
        return ChainInterceptor(Chain([Link(0, Recover(explain)), Link(1, check)]))

    def front_channel(self, address: str, *, name: str) -> HotChannel:
        """A channel to the Envoy, which must show a certificate for `name`."""
        options = (("grpc.max_reconnect_backoff_ms", 2000), ("grpc.ssl_target_name_override", name))
        channel = HotChannel(address, None, roots_pem=self.roots_pem, options=options)
        self._fronts.append(channel)
        return channel

    @property
    def roots_pem(self) -> bytes:
        """The roots that are trusted at the moment."""
        return self.agent.identity.roots_pem

    def _take(self, delivered: Delivered) -> None:
        if delivered.bundle is None:
            return
        fresh = self._revoked.replace(delivered.bundle.revoked)
        for name, credentials in self._shown.items():
            if (pair := delivered.pairs.get(name)) is not None:
                try:
                    credentials.use((), default=pair, roots_pem=delivered.bundle.roots_pem)
                except GovernanceError:
                    continue  # it was told already; what was shown before stays
                if fresh:
                    credentials.renew()
        self._opened.end(fresh)
        for channel in self._fronts:
            channel.use(None, roots_pem=delivered.bundle.roots_pem)
        if all(name in delivered.pairs for name in self._shown):
            self.ready.set()
