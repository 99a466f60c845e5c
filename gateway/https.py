"""The dashboard over HTTPS: certificates of ours and of tenants by name, changed while it serves."""

from collections.abc import Sequence

import structlog
from django.conf import settings

from gateway.tls.edge import EdgeContext
from gateway.tls.pair import Pair, check_pair
from governance.kernel.errors import GovernanceError, Unavailable
from governance.ledger import queries as ledger
from governance.ledger.followers import Follower
from governance.ledger.queries import Entry
from governance.pki.names import workload_uri
from governance.pki.queries import delivery
from governance.pki.queries.delivery import Deliverable
from governance.pki.setup import CONTROL_PLANE, NAMESPACE, NOBODY

log = structlog.get_logger(__name__)


class Https:
    """Keeps the certificates of the HTTPS port as the ledger says they should be.

    It shows the control plane's own certificate, and each one that a tenant made the control plane a consumer of;
    whoever asks for another name, or for none, is shown the one that belongs to nobody.
    """

    def __init__(self) -> None:
        self._revision = ledger.head_revision()
        default, pairs = self._read()
        self.edge = EdgeContext(default, pairs)
        self._follower = Follower("https", self._apply, after=self._revision)

    def start(self) -> None:
        """Follow the ledger."""
        self._follower.start()

    def stop(self) -> None:
        """Stop following."""
        self._follower.stop()

    def _apply(self, entries: Sequence[Entry]) -> None:
        if not any(entry.action.startswith("pki.") for entry in entries):
            return
        try:
            default, pairs = self._read()
            self.edge.use(pairs, default=default)
        except GovernanceError as error:
            log.exception("the new certificates are not usable; the old ones stay", reason=str(error))

    def _read(self) -> tuple[Pair, tuple[Pair, ...]]:
        own = delivery.deliverables(only=[(NAMESPACE, NOBODY), (NAMESPACE, CONTROL_PLANE)])
        by_name = {each.name: each for each in own}
        if NOBODY not in by_name or CONTROL_PLANE not in by_name:
            raise Unavailable(f"the certificates of the namespace {NAMESPACE} are not issued yet")
        me = workload_uri(settings.GOV.trust_domain, NAMESPACE, CONTROL_PLANE)
        tenants = [each for each in delivery.deliverables() if me in each.consumers and each.namespace != NAMESPACE]
        pairs = tuple(_pair(each) for each in (by_name[CONTROL_PLANE], *tenants))
        return _pair(by_name[NOBODY]), pairs


def _pair(found: Deliverable) -> Pair:
    return check_pair(found.chain_pem.encode(), found.key_pem)
