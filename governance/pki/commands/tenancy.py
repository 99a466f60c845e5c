"""What one namespace may have certified, so that none can pass for another."""

from django.conf import settings
from django.db.models import Q

from governance.kernel.errors import Conflict, Forbidden, Invalid
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
    others = models.Certificate.objects.exclude(namespace=namespace)
    for name in spec.dns_names:
        # The list as JSON has each name in quotes, so that no name is found within another.
        same = Q(spec__dns_names__icontains=f'"{name}"')
        if name.startswith("*."):
            same |= Q(spec__dns_names__icontains=f'{name[1:]}"')
        else:
            same |= Q(spec__dns_names__icontains=f'"*.{name.partition(".")[2]}"')
        if others.filter(same).exists():
            raise Conflict(f"{name!r} is a name of another namespace's certificate", field="dns_names")
    for address in spec.ip_addresses:
        if others.filter(spec__ip_addresses__icontains=f'"{address}"').exists():
            raise Conflict(f"{address} is an address of another namespace's certificate", field="ip_addresses")


def check_issuer(row: models.Issuer | IssuerView, namespace: str, spec: CertificateSpec) -> None:
    """Refuse what the issuer may not sign."""
    if row.namespaces and namespace not in row.namespaces:
        raise Forbidden(f"the issuer {row.name} does not serve the namespace {namespace}", field="issuer")
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
