"""Authorities that were made elsewhere: whether they can be used here, and if not, why precisely."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from cryptography import x509

from governance.kernel.clock import stamp
from governance.kernel.errors import Invalid
from governance.pki.authority import Authority
from governance.pki.certificates import found, is_ca, is_critical, is_issued_by, is_self_signed, usage_names
from governance.pki.faults import name_of, own_faults, strength_faults
from governance.pki.keys import allowed, from_pem, same_key
from governance.pki.path import names_itself
from governance.pki.pem import chain_from_pem

CERTIFICATE, KEY = "certificate", "key"


def check_ca(certificate_pem: bytes, key_pem: bytes, *, at: datetime, passphrase: bytes | None = None) -> Authority:
    """The authority of `certificate_pem`: its own certificate, then those above it in order, with or without the root.

    Refuses what our verification, gRPC's TLS or OpenSSL would refuse later, in every certificate that is issued.
    """
    certificates = chain_from_pem(certificate_pem, field=CERTIFICATE)
    key = from_pem(key_pem, field=KEY, passphrase=passphrase)
    own = certificates[0]
    allowed(own.public_key(), field=CERTIFICATE)
    if not same_key(own, key):
        raise Invalid(f"is not the key of {name_of(own)}, the first certificate", field=KEY)
    for certificate in certificates:
        for said in _complaints(certificate, at):
            raise Invalid(said, field=CERTIFICATE)
    for place, (below, above) in enumerate(pairwise(certificates), 1):
        if not is_issued_by(below, above):
            raise Invalid(
                f"certificate {place + 1}, {name_of(above)}, did not sign certificate {place}, {name_of(below)}: give "
                "the authority's own certificate first, then those above it",
                field=CERTIFICATE,
            )
    return Authority(certificate=own, key=key, chain=tuple(one for one in certificates if not is_self_signed(one)))


def _complaints(certificate: x509.Certificate, at: datetime) -> Iterator[str]:
    """What is wrong with the certificate of an authority, in sentences."""
    name = name_of(certificate)
    if not is_ca(certificate):
        yield f"{name} is a leaf's, not an authority's: its basic constraints do not say CA:TRUE"
    top = names_itself(certificate)
    for faults in (own_faults, strength_faults):
        yield from (fault.message for fault in faults(certificate, depth=1, top=top))
    usage = found(certificate, x509.KeyUsage)
    if usage and not usage.crl_sign:
        yield f"{name} may not sign revocation lists: its key usage lacks cRLSign"
    if at < certificate.not_valid_before_utc:
        yield f"{name} is not valid before {stamp(certificate.not_valid_before_utc)}"
    if at >= certificate.not_valid_after_utc:
        yield f"{name} expired at {stamp(certificate.not_valid_after_utc)}"
    usages = usage_names(certificate)
    if usages and not {"server auth", "client auth"} <= {*usages}:
        yield f"{name} is restricted to {', '.join(usages)}; certificates here need server auth and client auth"
    if top and not is_self_signed(certificate):
        yield f"{name} gives itself as its issuer, but is not signed by its own key"
    yield from _constraint_complaints(certificate)


def _constraint_complaints(certificate: x509.Certificate) -> Iterator[str]:
    constraints = found(certificate, x509.NameConstraints)
    if constraints is None:
        return
    if not is_critical(certificate, x509.NameConstraints):
        yield f"{name_of(certificate)} has name constraints that are not critical"
    for tree in (*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())):
        if not isinstance(tree, x509.DNSName | x509.IPAddress):
            yield (
                f"{name_of(certificate)} constrains names of the kind {type(tree).__name__}; only constraints of DNS "
                "names and IP addresses are evaluated everywhere"
            )
