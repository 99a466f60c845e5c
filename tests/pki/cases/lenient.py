"""What OpenSSL lets pass, and we do not."""

from cryptography import x509

from tests.pki.cases.case import Case, below, instead, permitting, stricter
from tests.pki.forge import (
    BOTH,
    HOST,
    SPIFFE,
    Changes,
    alternative,
    authority,
    forge,
    key_usage,
    root,
    subtrees,
)


@stricter
def a_leaf_with_an_ed25519_key() -> Case:
    """gRPC's TLS refuses such a leaf."""
    return Case(chain=below(key_kind="Ed25519"), reason="bad_shape")


@stricter
def an_authority_with_an_ed25519_key() -> Case:
    """The library's verification refuses such a chain."""
    return Case(chain=below(authority("Edwards", by=root(), key_kind="Ed25519")), reason="bad_shape")


@stricter
def a_leaf_on_p521() -> Case:
    """Browsers do not speak it."""
    return Case(chain=below(key_kind="P-521"), reason="bad_shape")


@stricter
def a_host_that_stands_only_in_the_common_name() -> Case:
    """RFC 9525, section 2: the common name does not identify a server; gRPC and Go do not look at it."""
    return Case(chain=below(name=HOST, dns=()), reason="bad_shape")


@stricter
def a_host_in_the_common_name_beside_a_spiffe_id() -> Case:
    """As above."""
    return Case(chain=below(name=HOST, dns=(), uris=(SPIFFE,)), reason="name_mismatch")


@stricter
def a_trusted_leaf_that_signed_itself() -> Case:
    """No authority vouches for it, so nobody can take it back."""
    usual: Changes = {
        x509.SubjectAlternativeName: (alternative([HOST]), False),
        x509.KeyUsage: (key_usage("digital_signature"), True),
        x509.ExtendedKeyUsage: (x509.ExtendedKeyUsage(BOTH), False),
    }
    own = forge("Alone", by=None, changes=usual)
    return Case(chain=[own.certificate], roots=[own.certificate], reason="bad_shape")


@stricter
def a_uri_within_what_is_permitted() -> Case:
    """The library does not evaluate constraints of URIs and refuses what it does not know."""
    permitted = permitting(x509.UniformResourceIdentifier("mesh.example"))
    by = authority("Bound", by=root(), changes=permitted)
    return Case(chain=below(by, uris=(SPIFFE,)), reason="name_constraint")


@stricter
def a_server_whose_certificate_is_an_authority_too() -> Case:
    """Whoever breaks into that server can issue certificates."""
    usage = {
        **instead(key_usage("digital_signature", "key_cert_sign", "crl_sign")),
        **instead(alternative([HOST]), critical=False),
    }
    return Case(chain=[authority("Both", by=root(), changes=usage).certificate], reason="bad_shape")


@stricter
def a_star_inside_of_a_label() -> Case:
    """RFC 9525, section 6.3: a wildcard is a whole label."""
    return Case(chain=below(dns=("sh*.example.com",)), reason="name_mismatch")


@stricter
def a_wildcard_that_stands_for_an_excluded_name() -> Case:
    """It would serve the very host that its authority is kept from."""
    excluded = instead(subtrees(excluded=[x509.DNSName(HOST)]))
    return Case(
        chain=below(authority("Bound", by=root(), changes=excluded), dns=("*.example.com",)),
        name="",
        reason="name_constraint",
    )


@stricter
def a_critical_policy() -> Case:
    """The library does not evaluate policies, and refuses what it does not know."""
    policy = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.3.6.1.4.1.99999.2"), None)])
    return Case(chain=below(changes=instead(policy)), reason="bad_shape")
