"""Who the programs of the fleet are: workloads that joined, and the certificates that their servers show."""

from pathlib import Path

from gateway.agent import identity as own
from gateway.demo.shop import CALLERS, FLEET, FRONT, FRONT_NAME, NAMESPACE, SHOP
from gateway.enrol import joined
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.ledger.execute import execute
from governance.pki import enrolment
from governance.pki.commands import RequestCertificate, SetTransport
from governance.pki.names import workload_uri
from governance.pki.queries.certificates import any_due, certificate
from governance.pki.queries.workloads import transport
from governance.pki.values import CertificateSpec
from governance.pki.worker import issue_due

REASON = "demo fleet"
PROGRAMS = (FLEET, *CALLERS, FRONT)
DURATION_S = 30 * 86_400
LEAST_LEFT_S = 3600


def ensure(directory: Path, trust_domain: str) -> None:
    """Let every program have an identity in a directory of its own, and every server a certificate."""
    for name in PROGRAMS:
        if not _lasts(directory / name):
            own.store(directory / name, joined(NAMESPACE, name, reason=REASON))
    for offer in SHOP:
        uri = workload_uri(trust_domain, NAMESPACE, offer.name)
        _want(
            offer.name,
            uris=(uri,),
            dns_names=(f"{offer.name}.{NAMESPACE}.svc",),
            consumers=(workload_uri(trust_domain, NAMESPACE, FLEET),),
        )
        if transport(NAMESPACE, offer.name) is None:
            command = SetTransport(namespace=NAMESPACE, service=offer.name, mode="mutual", server_uris=(uri,))
            execute(command, by=SYSTEM, reason=REASON)
    front = workload_uri(trust_domain, NAMESPACE, FRONT)
    _want(FRONT, uris=(front,), consumers=(front,))
    _want("shop", dns_names=(FRONT_NAME, f"*.{FRONT_NAME}"), consumers=(front,))
    if any_due(now()):
        issue_due()


def _lasts(directory: Path) -> bool:
    """Whether there is an identity that will renew itself in time."""
    try:
        found = own.load(directory)
    except GovernanceError:
        return False
    return (found.pair.not_after - now()).total_seconds() > LEAST_LEFT_S


def _want(
    name: str, *, dns_names: tuple[str, ...] = (), uris: tuple[str, ...] = (), consumers: tuple[str, ...]
) -> None:
    if certificate(NAMESPACE, name) is None:
        spec = CertificateSpec(
            secret_name=name,
            issuer=enrolment.ISSUER,
            duration_s=DURATION_S,
            dns_names=dns_names,
            uris=uris,
            consumers=consumers,
        )
        execute(RequestCertificate(namespace=NAMESPACE, name=name, spec=spec), by=SYSTEM, reason=REASON)
