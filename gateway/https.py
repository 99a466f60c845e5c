"""The dashboard over HTTPS: certificates of ours and of tenants by name, changed while it serves."""

from collections.abc import Collection, Sequence

import structlog
from django.conf import settings
from prometheus_client import Counter

from gateway.tls.edge import EdgeContext
from gateway.tls.names import told_apart
from gateway.tls.pair import Pair, check_pair, check_valid
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.ledger import queries as ledger
from governance.ledger.followers import Follower
from governance.ledger.queries import Entry
from governance.pki.names import workload_uri
from governance.pki.queries import delivery
from governance.pki.queries.delivery import Delivery, Place
from governance.pki.setup import CONTROL_PLANE, NAMESPACE, NOBODY

OURS, NOBODYS = (NAMESPACE, CONTROL_PLANE), (NAMESPACE, NOBODY)
refused_total = Counter(
    "governor_https_certificates_refused_total", "Certificates that the HTTPS port was to show and could not"
)
log = structlog.get_logger(__name__)


class Https:
    """Keeps the certificates of the HTTPS port as the ledger says they should be.

    It shows the control plane's own certificate, and each one that a tenant made the control plane a consumer of;
    whoever asks for another name, or for none, is shown the one that belongs to nobody. A tenant's that cannot be used
    is passed over, logged and counted. Without one of our own and nobody's every handshake fails until both are there.
    """

    def __init__(self) -> None:
        self.edge = EdgeContext()
        self._me = workload_uri(settings.GOV.trust_domain, NAMESPACE, CONTROL_PLANE)
        self._own: dict[Place, Pair] = {}
        self._tenants: dict[Place, Pair] = {}
        revision = ledger.head_revision()
        self._read_own()
        self._read_tenants(None)
        self._show()
        self._follower = Follower("https", self._apply, after=revision)

    def start(self) -> None:
        """Follow the ledger."""
        self._follower.start()

    def stop(self) -> None:
        """Stop following."""
        self._follower.stop()

    def _apply(self, entries: Sequence[Entry]) -> None:
        touched = delivery.touched(entries)
        before = dict(self._own), dict(self._tenants)
        if touched & {OURS, NOBODYS}:
            self._read_own()
        if tenants := {place for place in touched if place[0] != NAMESPACE}:
            self._read_tenants(tenants)
        if (self._own, self._tenants) != before:
            self._show()

    def _read_own(self) -> None:
        """Read ours again; where there is none to use the one of before stays, which is better than none."""
        self._own |= _usable(delivery.delivery(only=[OURS, NOBODYS]))

    def _read_tenants(self, touched: Collection[Place] | None) -> None:
        """Read all of them, or only these, again; one that cannot be read any more stays as it was."""
        read = delivery.delivery(only=touched, consumer=self._me)
        kept = {
            place: pair
            for place, pair in self._tenants.items()
            if place in read.left_out or (touched is not None and place not in touched)
        }
        fresh = {place: pair for place, pair in _usable(read).items() if place[0] != NAMESPACE}
        self._tenants = kept | fresh

    def _show(self) -> None:
        """Serve with what there is and may be shown."""
        default, own = self._own.get(NOBODYS), self._own.get(OURS)
        if default is None or own is None:
            log.error("HTTPS is closed until there are usable certificates", needed=["/".join(OURS), "/".join(NOBODYS)])
            return
        valid = {pair.serial: place for place, pair in sorted(self._tenants.items()) if _is_valid(place, pair)}
        shown, refused = told_apart(default, (own, *(self._tenants[place] for place in valid.values())))
        for pair, reason in refused:
            _refuse(valid.get(pair.serial, OURS), reason)
        try:
            self.edge.use(shown[1:], default=default)
        except GovernanceError as error:
            log.exception("the new certificates are not usable; the old ones stay", reason=str(error))


def _usable(read: Delivery) -> dict[Place, Pair]:
    """Those that are whole, valid and good enough for OpenSSL."""
    found: dict[Place, Pair] = {}
    for each in read.found:
        try:
            pair = check_pair(each.chain_pem.encode(), each.key_pem)
            EdgeContext(pair)
        except GovernanceError as error:
            _refuse(each.place, error)
        else:
            found[each.place] = pair
    return found


def _is_valid(place: Place, pair: Pair) -> bool:
    try:
        check_valid(pair, now())
    except GovernanceError as error:
        _refuse(place, error)
        return False
    return True


def _refuse(place: Place, reason: GovernanceError) -> None:
    refused_total.inc()
    log.error("a certificate cannot be shown on the HTTPS port", certificate="/".join(place), reason=str(reason))
