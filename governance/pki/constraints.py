"""Name constraints of an authority: which names it may certify (RFC 5280, section 4.2.1.10)."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography import x509

from governance.kernel.errors import Invalid
from governance.pki.certificates import found
from governance.pki.names import Names, check_dns_name


@dataclass(frozen=True, slots=True)
class Beyond:
    """A name that an authority may not certify, and why.

    It is in none of the permitted subtrees, in an excluded one, or a wildcard that stands for names in such a one.
    """

    name: str
    why: Literal["permitted", "excluded", "wildcard"]


def outside(certificate: x509.Certificate, *, dns: Iterable[str] = (), ips: Iterable[str] = ()) -> Beyond | None:
    """The first of these names that the authority of `certificate` may not certify; None when it may all."""
    constraints = found(certificate, x509.NameConstraints)
    if constraints is None:
        return None
    beyond = (*_outside_dns(constraints, dns), *_outside_networks(constraints, ips))
    return beyond[0] if beyond else None


def _outside_dns(constraints: x509.NameConstraints, names: Iterable[str]) -> Iterator[Beyond]:
    permitted, excluded = list(_dns(constraints.permitted_subtrees)), list(_dns(constraints.excluded_subtrees))
    for name in names:
        if permitted and not any(_within(name, tree) for tree in permitted):
            yield Beyond(name, "permitted")
        elif any(_within(name, tree) for tree in excluded):
            yield Beyond(name, "excluded")
        elif any(_covers(name, tree) for tree in excluded):
            yield Beyond(name, "wildcard")


def _outside_networks(constraints: x509.NameConstraints, ips: Iterable[str]) -> Iterator[Beyond]:
    permitted, excluded = _networks(constraints.permitted_subtrees), _networks(constraints.excluded_subtrees)
    for ip in ips:
        address = ipaddress.ip_address(ip)
        if permitted and not any(address in network for network in permitted):
            yield Beyond(ip, "permitted")
        elif any(address in network for network in excluded):
            yield Beyond(ip, "excluded")


def names_checked(names: Names) -> tuple[str, ...]:
    """The DNS names to be checked: those listed, else a common name that is one, as OpenSSL reads it."""
    if names.dns or not names.common_name:
        return names.dns
    try:
        check_dns_name(names.common_name.lower(), field="common_name", wildcard=True)
    except Invalid:
        return ()
    return (names.common_name.lower(),)


def _dns(subtrees: Sequence[x509.GeneralName] | None) -> Iterable[str]:
    return (tree.value.lower() for tree in subtrees or () if isinstance(tree, x509.DNSName))


def _networks(subtrees: Sequence[x509.GeneralName] | None) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    values = (tree.value for tree in subtrees or () if isinstance(tree, x509.IPAddress))
    return [value for value in values if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network)]


def _within(name: str, tree: str) -> bool:
    """Whether `name` is in the subtree; a leading dot leaves out the subtree's own name, as OpenSSL does."""
    return not tree or name == tree or name.endswith(tree if tree.startswith(".") else f".{tree}")


def _covers(name: str, tree: str) -> bool:
    """Whether the wildcard `name` stands for names in the subtree."""
    return name.startswith("*.") and tree.removeprefix(".").endswith(name[1:])
