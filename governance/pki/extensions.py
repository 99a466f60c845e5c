"""The extensions that our certificates carry."""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from governance.kernel.errors import Invalid
from governance.pki.certificates import key_identifier
from governance.pki.keys import PublicKey
from governance.pki.names import Names, check_dns_name

END_USAGES = {"server auth": ExtendedKeyUsageOID.SERVER_AUTH, "client auth": ExtendedKeyUsageOID.CLIENT_AUTH}
KEY_USAGES = ("digital signature", "key encipherment")
MAX_URL = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """Where an issuer's revocations are found: its CRL and its OCSP responder; empty for none.

    They stand in every certificate and cannot be added to one later. Plain HTTP, as fetching them must not need the
    very check that they serve (RFC 5280, section 8).
    """

    crl: str = ""
    ocsp: str = ""

    def __post_init__(self) -> None:
        for field, url in (("crl", self.crl), ("ocsp", self.ocsp)):
            if url and (not url.startswith("http://") or len(url) > MAX_URL or not _plain(url)):
                raise Invalid(f"{url[:120]!r} is not an http:// URL of at most {MAX_URL} characters", field=field)


def _plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url and len(url) > len("http://")


def ca_key_usage() -> x509.KeyUsage:
    """What the key of an authority may do: sign certificates and lists of revoked ones."""
    return _key_usage(key_cert_sign=True, crl_sign=True)


def leaf_key_usage(public_key: PublicKey) -> x509.KeyUsage:
    """What the key of a leaf may do; only RSA keys can encipher others (RFC 8813, section 3)."""
    return _key_usage(digital_signature=True, key_encipherment=isinstance(public_key, rsa.RSAPublicKey))


def _key_usage(**allowed: bool) -> x509.KeyUsage:
    usages = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    ) | dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**{**usages, **allowed})


def end_usages(usages: Collection[str]) -> x509.ExtendedKeyUsage:
    """The extended key usages among `usages`; refuses words that are not known, and none at all."""
    for usage in sorted(usages):
        if usage not in END_USAGES and usage not in KEY_USAGES:
            allowed = ", ".join((*KEY_USAGES, *END_USAGES))
            raise Invalid(f"{usage[:40]!r} is not a usage; the usages are {allowed}", field="usages")
    wanted = [oid for name, oid in END_USAGES.items() if name in usages]
    if not wanted:
        raise Invalid(f"lacks a purpose: give {' or '.join(END_USAGES)}", field="usages")
    return x509.ExtendedKeyUsage(wanted)


def revocation_points(urls: Urls) -> list[x509.ExtensionType]:
    """The extensions that say where revocations are found."""
    points: list[x509.ExtensionType] = []
    if urls.crl:
        name = [x509.UniformResourceIdentifier(urls.crl)]
        points.append(
            x509.CRLDistributionPoints(
                [x509.DistributionPoint(name, relative_name=None, reasons=None, crl_issuer=None)]
            )
        )
    if urls.ocsp:
        location = x509.UniformResourceIdentifier(urls.ocsp)
        points.append(
            x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)])
        )
    return points


def alternative_names(names: Names) -> x509.SubjectAlternativeName | None:
    """The names as a subject alternative name; None when there is only a common name."""
    listed: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    listed += [x509.UniformResourceIdentifier(uri) for uri in names.uris]
    listed += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in names.ips]
    return x509.SubjectAlternativeName(listed) if listed else None


def subtrees(dns_names: Sequence[str], *, within: x509.NameConstraints | None = None) -> x509.NameConstraints | None:
    """Name constraints that permit these DNS names and all below them; those of `within` are handed down.

    Without names, `within` stays as it is; with them, its permitted DNS names give way to these.
    """
    if not dns_names:
        return within
    for name in dns_names:
        check_dns_name(name, field="dns_names", wildcard=False)
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
    if within is not None:
        permitted += [tree for tree in within.permitted_subtrees or () if not isinstance(tree, x509.DNSName)]
    return x509.NameConstraints(permitted, within.excluded_subtrees if within else None)


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """What certificates and CRLs of `issuer` say of its key.

    Only the key's identifier: with the issuer's name and serial, a cross-signed issuer would no longer fit.
    """
    return x509.AuthorityKeyIdentifier(
        key_identifier(issuer), authority_cert_issuer=None, authority_cert_serial_number=None
    )
