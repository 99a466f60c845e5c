"""What one namespace may have certified, so that none can pass for another."""

from datetime import datetime

from django.conf import settings
from django.db.models import Q

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound
from governance.pki import models
from governance.pki.names import workload_of
from governance.pki.status import IssuerView
from governance.pki.values import CertificateSpec

# Servers are called `<service>.<namespace>.svc`.
SERVICES = ".svc"


def check_tenancy(namespace: str, spec: CertificateSpec) -> None:
    """Refuse identities and servers' names of other namespaces: an authority bound to DNS names would sign any URI."""
    domain = settings.GOV.trust_domain
    for field, uris in (("uris", spec.uris), ("consumers", spec.consumers)):
        for uri in uris:
            found = workload_of(uri, domain)
            if found is None:
                raise Invalid(f"{uri!r} is not spiffe://{domain}/ns/<namespace>/sa/<name>", field=field)
            # Whom a tenant lets answer for its names, such as a shared gateway, is for the tenant to say.
            if field == "uris" and found[0] != namespace:
                raise Invalid(f"{uri!r} is of the namespace {found[0]}, not of {namespace}", field=field)
    for name in spec.dns_names:
        if name.endswith(SERVICES) and not name.endswith(f".{namespace}{SERVICES}"):
            raise Invalid(f"{name!r} is not of the form <service>.{namespace}{SERVICES}", field="dns_names")


def check_free(namespace: str, spec: CertificateSpec) -> None:
    """Refuse names and addresses that a certificate of another namespace has, whole or by a wildcard.

    The control plane's own are among them: `localhost`, where it listens, and the names of the dashboard.
    """
    wildcards = {f"*.{_below(name)}" for name in spec.dns_names}
    covered = {_below(name) for name in spec.dns_names if name.startswith("*.")}
    same = Q(name__in={*spec.dns_names, *spec.ip_addresses, *wildcards})
    if covered:
        same |= Q(below__in=covered)
    others = models.NameClaim.objects.exclude(namespace=namespace).filter(Q(until=None) | Q(until__gt=now()))
    taken = list(others.filter(same).values_list("name", "below"))
    names, below = {name for name, _ in taken}, {below for _, below in taken}
    for name in spec.dns_names:
        if {name, f"*.{_below(name)}"} & names or (name.startswith("*.") and _below(name) in below):
            raise Conflict(f"{name!r} is a name of another namespace's certificate", field="dns_names")
    for address in spec.ip_addresses:
        if address in names:
            raise Conflict(f"{address} is an address of another namespace's certificate", field="ip_addresses")


def claim_names(holder: str, namespace: str, spec: CertificateSpec, *, until: datetime | None = None) -> None:
    """Let `holder` have the names of `spec`, and those alone, up to `until` where it is given."""
    free_names(holder)
    claims = [
        models.NameClaim(name=name, below=_below(name), namespace=namespace, holder=holder, until=until)
        for name in spec.dns_names
    ]
    claims += [
        models.NameClaim(name=address, namespace=namespace, holder=holder, until=until) for address in spec.ip_addresses
    ]
    models.NameClaim.objects.bulk_create(claims)


def free_names(holder: str) -> None:
    """Let `holder` have no name any more."""
    models.NameClaim.objects.filter(holder=holder).delete()


def _below(name: str) -> str:
    """What follows the first label, for which alone a wildcard stands."""
    return name.partition(".")[2]


def check_issuer(row: models.Issuer | IssuerView, namespace: str, spec: CertificateSpec) -> None:
    """Refuse what the issuer may not sign."""
    if row.namespaces and namespace not in row.namespaces:
        # As of one that is not there: who else has an issuer is for nobody to find out.
        raise NotFound(f"there is no issuer {row.name}", field="issuer")
    if spec.duration_s > row.max_duration_s:
        raise Invalid(
            f"is {spec.duration_s} s; {row.name} signs for at most {row.max_duration_s} s", field="duration_s"
        )
    for name in spec.dns_names:
        plain = name.removeprefix("*.")
        if row.dns_names and not any(plain == top or plain.endswith(f".{top}") for top in row.dns_names):
            raise Invalid(
                f"{name!r} is outside of what {row.name} may sign: {', '.join(row.dns_names)}", field="dns_names"
            )
