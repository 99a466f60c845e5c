"""Whom certificates are for, and whom they may be for."""

from cryptography import x509

from tests.pki.cases.case import Case, agreed, below, instead, permitting
from tests.pki.forge import (
    HOST,
    authority,
    leaf,
    network,
    root,
    subtrees,
)


@agreed
def another_host() -> Case:
    return Case(chain=below(), name="cart.example.com", reason="name_mismatch", openssl="ostname mismatch")


@agreed
def a_wildcard_for_two_labels() -> Case:
    return Case(
        chain=below(dns=("*.example.com",)), name="a.b.example.com", reason="name_mismatch", openssl="ostname mismatch"
    )


@agreed
def a_wildcard_for_its_own_domain() -> Case:
    return Case(
        chain=below(dns=("*.example.com",)), name="example.com", reason="name_mismatch", openssl="ostname mismatch"
    )


@agreed
def another_address() -> Case:
    return Case(
        chain=below(dns=(), ips=("10.0.0.7",)), name="10.0.0.8", reason="name_mismatch", openssl="IP address mismatch"
    )


@agreed
def an_address_written_as_a_host() -> Case:
    return Case(chain=below(dns=("10.0.0.7",)), name="10.0.0.7", reason="name_mismatch", openssl="IP address mismatch")


@agreed
def a_name_outside_of_what_is_permitted() -> Case:
    permitted = permitting(x509.DNSName("example.org"))
    by = authority("Bound", by=root(), changes=permitted)
    return Case(chain=below(by), reason="name_constraint", openssl="permitted subtree violation")


@agreed
def a_name_that_only_ends_like_a_permitted_one() -> Case:
    permitted = permitting(x509.DNSName("ample.com"))
    by = authority("Bound", by=root(), changes=permitted)
    return Case(chain=below(by), reason="name_constraint", openssl="permitted subtree violation")


@agreed
def an_excluded_name() -> Case:
    excluded = instead(subtrees(excluded=[x509.DNSName("example.com")]))
    by = authority("Bound", by=root(), changes=excluded)
    return Case(chain=below(by), reason="name_constraint", openssl="excluded subtree violation")


@agreed
def an_address_outside_of_what_is_permitted() -> Case:
    permitted = permitting(network("10.0.0.0/8"))
    by = authority("Bound", by=root(), changes=permitted)
    return Case(
        chain=below(by, dns=(), ips=("192.0.2.7",)),
        name="192.0.2.7",
        reason="name_constraint",
        openssl="permitted subtree violation",
    )


@agreed
def a_constraint_two_authorities_above() -> Case:
    permitted = permitting(x509.DNSName("example.org"))
    upper = authority("Upper bound", by=root(), changes=permitted)
    lower = authority("Lower", by=upper)
    return Case(
        chain=[leaf(lower), lower.certificate, upper.certificate],
        reason="name_constraint",
        openssl="permitted subtree violation",
    )


@agreed
def a_constraint_of_the_root() -> Case:
    permitted = permitting(x509.DNSName("example.org"))
    top = authority("Bound root", changes=permitted)
    return Case(
        chain=[leaf(top)],
        roots=[top.certificate],
        reason="name_constraint",
        openssl="permitted subtree violation",
    )


@agreed
def an_excluded_address() -> Case:
    excluded = instead(subtrees(excluded=[network("10.0.0.0/8")]))
    by = authority("Bound", by=root(), changes=excluded)
    return Case(
        chain=below(by, dns=(), ips=("10.0.0.7",)),
        name="10.0.0.7",
        reason="name_constraint",
        openssl="excluded subtree violation",
    )


@agreed
def an_address_beside_an_excluded_network() -> Case:
    excluded = instead(subtrees(excluded=[network("10.0.0.0/8")]))
    by = authority("Bound", by=root(), changes=excluded)
    return Case(chain=below(by, dns=(), ips=("192.0.2.7",)), name="192.0.2.7")


@agreed
def a_name_in_an_excluded_corner_of_what_is_permitted() -> Case:
    both = instead(subtrees([x509.DNSName("example.com")], [x509.DNSName(HOST)]))
    by = authority("Bound", by=root(), changes=both)
    return Case(chain=below(by), reason="name_constraint", openssl="excluded subtree violation")
