"""Whether the names of a chain's leaf are those asked for, and ones that its authorities may certify."""

import ipaddress
import re
from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import NameOID

from governance.kernel.errors import Invalid
from governance.pki.certificates import found, names_of
from governance.pki.constraints import outside
from governance.pki.faults import Fault, Purpose, name_of
from governance.pki.names import check_dns_name, check_spiffe
from governance.pki.path import Path

_EVALUATED = (x509.DNSName, x509.IPAddress)


def name_faults(leaf: x509.Certificate, *, name: str, purpose: Purpose, trust_domain: str) -> Iterator[Fault]:
    """`name` is a DNS name, an IP address or a SPIFFE ID; only the subject alternative name counts."""
    if found(leaf, x509.SubjectAlternativeName) is None:
        message = f"{name_of(leaf)} has no subject alternative name; its common name is never looked at"
        yield Fault(depth=0, reason="bad_shape", message=message)
    if name and not is_for(leaf, name):
        openssl = "" if _openssl_takes(leaf, name) else f"{'IP address' if is_ip(name) else 'hostname'} mismatch"
        listed = ", ".join(_all_names(leaf)[:5]) or "nobody"
        message = f"{name_of(leaf)} is not for {name}, but for {listed}"
        yield Fault(depth=0, reason="name_mismatch", message=message, openssl=openssl)
    if trust_domain:
        yield from _trust_domain_faults(leaf, purpose, trust_domain)


def _trust_domain_faults(leaf: x509.Certificate, purpose: Purpose, trust_domain: str) -> Iterator[Fault]:
    """No name constraint that is evaluated anywhere keeps an authority to its trust domain."""
    uris = names_of(leaf, x509.UniformResourceIdentifier)
    if len(uris) > 1 or (not uris and purpose == "client"):
        message = f"{name_of(leaf)} has {len(uris)} URIs; a workload has one SPIFFE ID"
        yield Fault(depth=0, reason="name_mismatch", message=message)
    for uri in uris:
        try:
            check_spiffe(uri, trust_domain=trust_domain, field="uri")
        except Invalid as refusal:
            yield Fault(depth=0, reason="name_mismatch", message=f"{name_of(leaf)}: {refusal.message}")


def constraint_faults(path: Path) -> Iterator[Fault]:
    """Names of the leaf that an authority above it may not certify."""
    dns, ips = [name.lower() for name in names_of(path.leaf, x509.DNSName)], _ips(path.leaf)
    for authority in path.authorities:
        constraints = found(authority, x509.NameConstraints)
        if constraints is None:
            continue
        trees = [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
        if other := next((tree for tree in trees if not isinstance(tree, _EVALUATED)), None):
            kind = type(other).__name__
            message = f"{name_of(authority)} constrains names of the kind {kind}, which is not evaluated here"
            yield Fault(depth=0, reason="name_constraint", message=message)
        if beyond := outside(authority, dns=dns, ips=ips):
            message = f"{beyond.name} is outside of what {name_of(authority)} may certify"
            openssl = "" if beyond.why == "wildcard" else f"{beyond.why} subtree violation"
            yield Fault(depth=0, reason="name_constraint", message=message, openssl=openssl)


def is_for(leaf: x509.Certificate, name: str) -> bool:
    """Whether the leaf is for this DNS name, IP address or SPIFFE ID (RFC 9525, section 6)."""
    if name.startswith("spiffe:"):
        return name in names_of(leaf, x509.UniformResourceIdentifier)
    if is_ip(name):
        return str(ipaddress.ip_address(name)) in _ips(leaf)
    host = host_of(name)
    return any(
        host == pattern or _stands_for(pattern, host) for pattern in map(str.lower, names_of(leaf, x509.DNSName))
    )


def host_of(name: str) -> str:
    """The DNS name in lower case and without its final dot; empty when it is none."""
    host = name.lower().removesuffix(".")
    try:
        check_dns_name(host, field="name", wildcard=False)
    except Invalid:
        return ""
    return host


def _openssl_takes(leaf: x509.Certificate, name: str) -> bool:
    """Whether OpenSSL lets the name pass, or cannot be asked about it, although it is not for the leaf.

    It looks at the common name when there is no DNS name, and takes a star beside other characters of a label.
    """
    patterns = [pattern.lower() for pattern in names_of(leaf, x509.DNSName)] or [
        str(attribute.value).lower() for attribute in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    loose = (re.escape(pattern).replace(r"\*", "[a-z0-9-]*", 1) for pattern in patterns)
    return name.startswith("spiffe:") or (not is_ip(name) and any(re.fullmatch(one, name.lower()) for one in loose))


def _stands_for(pattern: str, host: str) -> bool:
    """Whether a wildcard stands for the host: as the whole first label, for exactly one label."""
    first, _, rest = host.partition(".")
    return pattern.startswith("*.") and bool(first) and "." in rest and pattern[2:] == rest


def is_ip(name: str) -> bool:
    """Whether the name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _ips(leaf: x509.Certificate) -> list[str]:
    alternative = found(leaf, x509.SubjectAlternativeName)
    return [str(ip) for ip in alternative.get_values_for_type(x509.IPAddress)] if alternative else []


def _all_names(leaf: x509.Certificate) -> list[str]:
    return [*names_of(leaf, x509.DNSName), *names_of(leaf, x509.UniformResourceIdentifier), *_ips(leaf)]
