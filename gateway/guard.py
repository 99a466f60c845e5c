"""What a process of ours shows, and whom it lets in: its own certificate, the trusted roots, what was revoked."""

from collections.abc import Sequence

import grpc
import structlog
from django.conf import settings

from gateway.tls.channels import channel_credentials_of
from gateway.tls.hot import HotCredentials
from gateway.tls.pair import Pair, check_pair
from gateway.tls.peers import OpenConnections, RevokedSerials
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Unavailable
from governance.ledger import queries as ledger
from governance.ledger.followers import Follower
from governance.ledger.queries import Entry
from governance.pki.queries import authorities, certificates, delivery, workloads
from governance.pki.setup import CONTROL_PLANE, NAMESPACE

log = structlog.get_logger(__name__)


class Guard:
    """Keeps the credentials of a gRPC server fresh, and knows whose certificate does not count any more.

    It follows the ledger: a revocation is known here as soon as it is committed, sessions that were resumable end, and
    open streams of that certificate are closed.
    """

    def __init__(self, name: str) -> None:
        self.credentials = HotCredentials(require_client_certificate=True)
        self.revoked = RevokedSerials()
        self.opened = OpenConnections()
        self.disabled: frozenset[str] = frozenset()
        self.own: Pair | None = None
        self._as_client: grpc.ChannelCredentials | None = None
        self.roots_pem = self._shown_roots = b""
        self._name = name
        self._follower: Follower | None = None

    def start(self) -> None:
        """Read what stands, and follow; Unavailable when there is no certificate to show, or no key here opens."""
        delivery.check_keys()
        revision = ledger.head_revision()
        self._read()
        if self.own is None:
            raise Unavailable(f"there is no usable certificate {NAMESPACE}/{CONTROL_PLANE}")
        self._follower = Follower(f"guard-{self._name}", self._apply, after=revision)
        self._follower.start()

    def as_client(self, service: tuple[str, str]) -> grpc.ChannelCredentials | None:
        """What we show to a service that we check; the same object until there is something newer."""
        del service  # to each the same: who we are
        return self._as_client

    def stop(self) -> None:
        """Stop following."""
        if self._follower is not None:
            self._follower.stop()

    def _apply(self, entries: Sequence[Entry]) -> None:
        if any(entry.action.startswith("pki.") for entry in entries):
            self._read()

    def _read(self) -> None:
        self.disabled = workloads.disabled()
        fresh = self.revoked.replace(certificates.revoked(now()))
        self.roots_pem = authorities.roots_pem().encode()
        try:
            self._show()
        except GovernanceError as error:
            log.exception("the new certificate is not usable; the old one stays", reason=str(error))
        if fresh:
            self.credentials.renew()
            log.info("certificates were revoked", serials=sorted(fresh)[:10], streams_ended=self.opened.end(fresh))

    def _show(self) -> None:
        found = delivery.deliverables(only=[(NAMESPACE, CONTROL_PLANE)])
        if not found:
            raise Unavailable(f"there is no certificate {NAMESPACE}/{CONTROL_PLANE}")
        pair = check_pair(found[0].chain_pem.encode(), found[0].key_pem, roots_pem=self.roots_pem)
        self.credentials.use((), default=pair, roots_pem=self.roots_pem)
        if self.own is None or (pair, self.roots_pem) != (self.own, self._shown_roots):
            self._as_client = channel_credentials_of(pair, roots_pem=self.roots_pem)
        self.own, self._shown_roots = pair, self.roots_pem


def mutual() -> bool:
    """Whether the gRPC port demands certificates."""
    return bool(settings.GOV.grpc_tls == "mutual")
