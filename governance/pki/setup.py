"""What must be there before the first certificate: an issuer, and the control plane's own certificates."""

import ipaddress
from dataclasses import replace

import structlog
from django.conf import settings

from governance.environment import split_address
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from governance.ledger.execute import execute
from governance.pki.commands import CreateIssuer, RequestCertificate
from governance.pki.ct.own.log import ensure_log
from governance.pki.enrolment import ISSUER
from governance.pki.making import SIGNER_LIFE, new_pair
from governance.pki.names import workload_uri
from governance.pki.queries.authorities import issuer
from governance.pki.queries.certificates import certificate
from governance.pki.queries.delivery import check_keys, deliverables
from governance.pki.responder import keep_responders
from governance.pki.status import Certificate
from governance.pki.values import CertificateSpec
from governance.pki.worker import issue_all

NAMESPACE, CONTROL_PLANE, NOBODY = "governor", "control-plane", "nobody"
REASON = "first start"
log = structlog.get_logger(__name__)


def ensure_pki() -> bool:
    """Make what is missing, and issue it at once: the doors cannot open without; True when something was made.

    The control plane's own certificates get the names that the settings ask for, and are issued anew when they are
    expired, revoked, unreadable or to be otherwise. What of this fails is logged, and is no reason not to start. After
    a crash half-way the next start finishes the work. Unavailable when none of the keys that are there opens with the
    key-encryption key of today.
    """
    check_keys()
    made = ensure_log()
    if issuer(ISSUER) is None:
        pair = new_pair(f"Governor {settings.GOV.trust_domain}")
        command = CreateIssuer(
            name=ISSUER,
            authorities=(pair.stored_root, pair.stored_signer),
            max_duration_s=int(SIGNER_LIFE.total_seconds()) // 6,
        )
        execute(command, by=SYSTEM, reason=REASON)
        made = True
    for name, asked in ((CONTROL_PLANE, _control_plane()), (NOBODY, _nobody())):
        _want(name, asked)
    made = issue_all(_unusable()) > 0 or made
    keep_responders()
    return made


def _want(name: str, asked: CertificateSpec) -> None:
    """Let one of our own certificates be wanted as the settings ask for it.

    Names that it has beyond that stay: another machine of this installation, or somebody, asked for them.
    """
    there = certificate(NAMESPACE, name)
    spec = asked if there is None else _with_names_of(asked, there.spec)
    if there is not None and there.spec == spec:
        return
    reason = REASON if there is None else "the settings ask for it"
    try:
        execute(RequestCertificate(namespace=NAMESPACE, name=name, spec=spec), by=SYSTEM, reason=reason)
    except (Invalid, Conflict, Forbidden, NotFound) as refusal:
        log.error(  # noqa: TRY400  (the sentence says it all)
            "our own certificate cannot be as the settings ask for it",
            certificate=f"{NAMESPACE}/{name}",
            reason=str(refusal),
        )


def _with_names_of(asked: CertificateSpec, found: CertificateSpec) -> CertificateSpec:
    """`found` with the names that are asked for among its own."""
    return replace(
        found,
        uris=asked.uris,
        dns_names=tuple(dict.fromkeys((*found.dns_names, *asked.dns_names))),
        ip_addresses=tuple(dict.fromkeys((*found.ip_addresses, *asked.ip_addresses))),
    )


def _unusable() -> list[Certificate]:
    """Our own certificates that nobody should be shown."""
    at, own = now(), [(NAMESPACE, CONTROL_PLANE), (NAMESPACE, NOBODY)]
    readable = {each.place for each in deliverables(only=own)}
    found = [each for place in own if (each := certificate(*place))]
    return [each for each in found if not each.ready(at).holds or (each.namespace, each.name) not in readable]


def _control_plane() -> CertificateSpec:
    uri = workload_uri(settings.GOV.trust_domain, NAMESPACE, CONTROL_PLANE)
    dns, ips = ["localhost", f"{CONTROL_PLANE}.{NAMESPACE}.svc"], ["127.0.0.1", "::1"]
    for address in (settings.GOV.grpc_addr, settings.GOV.http_addr):
        host, _ = split_address(address)
        try:
            found = ipaddress.ip_address(host)
        except ValueError:
            dns.append(host.lower())
        else:
            if not found.is_unspecified:
                ips.append(str(found))
    others = filter(None, map(str.strip, settings.GOV.allowed_hosts.split(",")))
    dns.extend(host.lower() for host in others if host[0].isalnum() and not host.replace(".", "").isdigit())
    return CertificateSpec(
        secret_name=CONTROL_PLANE,
        issuer=ISSUER,
        uris=(uri,),
        dns_names=tuple(dict.fromkeys(dns)),
        ip_addresses=tuple(dict.fromkeys(ips)),
    )


def _nobody() -> CertificateSpec:
    """For names that nobody here has: it says nothing of any tenant."""
    return CertificateSpec(
        secret_name=NOBODY,
        issuer=ISSUER,
        common_name="nobody.invalid",
        dns_names=("nobody.invalid",),
        usages=("digital signature", "server auth"),
    )
