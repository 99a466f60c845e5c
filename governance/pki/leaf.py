"""Leaves: what an authority certifies of somebody's key, first as a draft, which may be logged before it counts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from governance.kernel.errors import Invalid
from governance.pki import extensions as ext
from governance.pki.authority import BOTH_ENDS, NOWHERE, Authority, below, check_life, named
from governance.pki.constraints import names_checked, outside
from governance.pki.extensions import Urls
from governance.pki.keys import PublicKey, allowed, hash_for
from governance.pki.names import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A leaf that `authority` is about to sign: all that it says but the timestamps of the logs that have it.

    Precertificate and certificate are made from the same draft, so that they differ in nothing else.
    """

    authority: Authority
    builder: x509.CertificateBuilder = field(repr=False)

    def plain(self) -> x509.Certificate:
        """The certificate, without any timestamp."""
        return self._signed(self.builder)

    def precertificate(self) -> x509.Certificate:
        """What is shown to logs (RFC 6962, section 3.1): signed like the certificate, and poisoned, so that it is none.

        It binds the authority: whoever finds it in a log must assume that the certificate was issued.
        """
        return self._signed(self.builder.add_extension(x509.PrecertPoison(), critical=True))

    def with_timestamps(self, timestamps: x509.ExtensionType) -> x509.Certificate:
        """The certificate with the timestamps that logs gave for its precertificate."""
        return self._signed(self.builder.add_extension(timestamps, critical=False))

    def _signed(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self.authority.key, hash_for(self.authority.key))


def draft(
    authority: Authority,
    public_key: PublicKey,
    names: Names,
    *,
    life: timedelta,
    at: datetime,
    usages: frozenset[str] = BOTH_ENDS,
    urls: Urls = NOWHERE,
) -> Draft:
    """A leaf for `names`, which ends no later than its issuer does, not yet signed."""
    purposes = ext.end_usages(usages)
    check_life(authority, life)
    for above in (authority.certificate, *authority.chain):
        if beyond := outside(above, dns=names_checked(names), ips=names.ips):
            said = f"{beyond.name!r} is outside of what {above.subject.rfc4514_string()} may certify"
            raise Invalid(said, field="ips" if beyond.name in names.ips else "dns_names")
    subject = named(names.common_name, field="common_name") if names.common_name else x509.Name([])
    builder = below(authority, allowed(public_key), subject=subject, life=life, at=at)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(ext.leaf_key_usage(public_key), critical=True)
    if alternative := ext.alternative_names(names):
        builder = builder.add_extension(alternative, critical=not names.common_name)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    for extension in (purposes, identifier, *ext.revocation_points(urls)):
        builder = builder.add_extension(extension, critical=False)
    return Draft(authority=authority, builder=builder)
