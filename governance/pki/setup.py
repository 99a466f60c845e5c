"""What must be there before the first certificate: an issuer, and the control plane's own certificates."""

import ipaddress

from django.conf import settings

from governance.environment import split_address
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki.commands import CreateIssuer, RequestCertificate
from governance.pki.enrolment import ISSUER
from governance.pki.making import SIGNER_LIFE, new_pair
from governance.pki.names import workload_uri
from governance.pki.queries.authorities import issuer
from governance.pki.queries.certificates import any_due, by_uid, certificate, certificates
from governance.pki.queries.delivery import deliverables
from governance.pki.responder import responders_due, store_responder
from governance.pki.values import CertificateSpec
from governance.pki.worker import issue_all

NAMESPACE, CONTROL_PLANE, NOBODY = "governor", "control-plane", "nobody"
REASON = "first start"


def ensure_pki() -> bool:
    """Make what is missing, and issue it at once: the doors cannot open without; True when something was made.

    After a crash half-way the next start finishes the work. Unavailable when the keys that are there do not open with
    the key-encryption key of today.
    """
    made = False
    if issuer(ISSUER) is None:
        pair = new_pair(f"Governor {settings.GOV.trust_domain}")
        command = CreateIssuer(
            name=ISSUER,
            authorities=(pair.stored_root, pair.stored_signer),
            max_duration_s=int(SIGNER_LIFE.total_seconds()) // 6,
        )
        execute(command, by=SYSTEM, reason=REASON)
        made = True
    for name, spec in ((CONTROL_PLANE, _control_plane()), (NOBODY, _nobody())):
        if certificate(NAMESPACE, name) is None:
            execute(RequestCertificate(namespace=NAMESPACE, name=name, spec=spec), by=SYSTEM, reason=REASON)
    if any_due(now()):
        own = [each for each in certificates(namespaces=(NAMESPACE,)) if each.number == 0]
        made = issue_all(by_uid([each.uid for each in own])) > 0 or made
    for authority in responders_due():
        store_responder(authority)
    deliverables(only=[(NAMESPACE, CONTROL_PLANE)])  # or the doors would find out that its key does not open
    return made


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
        common_name="nobody",
        dns_names=("nobody.invalid",),
        usages=("digital signature", "server auth"),
    )
