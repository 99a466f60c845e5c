"""What a certificate says, and what two certificates are to each other."""

from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

Extension = TypeVar("Extension", bound=x509.ExtensionType)

USAGE_NAMES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "server auth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "client auth",
    ExtendedKeyUsageOID.OCSP_SIGNING: "ocsp signing",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "any",
}


def serial_of(certificate: x509.Certificate) -> str:
    """The serial number in hex, lower case, without leading zeros."""
    return f"{certificate.serial_number:x}"


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` bears the name that the certificate gives as its issuer's, and signed it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # not only InvalidSignature: strangers' keys and algorithms fail in more ways than are told
        return False
    return True


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether the certificate is signed by its own key."""
    return certificate.subject == certificate.issuer and is_issued_by(certificate, certificate)


def is_twin(one: x509.Certificate, other: x509.Certificate) -> bool:
    """Whether both say the same of the same key under the same name, whoever signed them."""
    return one == other or (one.subject == other.subject and one.public_key() == other.public_key())


def found(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    """The extension of that kind; None when the certificate has none."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_critical(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> bool:
    """Whether the certificate has the extension, and as a critical one."""
    try:
        return certificate.extensions.get_extension_for_class(kind).critical
    except x509.ExtensionNotFound:
        return False


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate says that it is an authority's."""
    constraints = found(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def key_identifier(certificate: x509.Certificate) -> bytes:
    """The subject key identifier as it stands in the certificate; empty when there is none."""
    identifier = found(certificate, x509.SubjectKeyIdentifier)
    return identifier.digest if identifier else b""


def usage_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The extended key usages in words; those without a word as dotted numbers."""
    usages = found(certificate, x509.ExtendedKeyUsage)
    return tuple(USAGE_NAMES.get(oid, oid.dotted_string) for oid in usages) if usages else ()


def names_of(certificate: x509.Certificate, kind: type[x509.DNSName | x509.UniformResourceIdentifier]) -> list[str]:
    """The DNS names, or the URIs, of the subject alternative name."""
    alternative = found(certificate, x509.SubjectAlternativeName)
    return list(alternative.get_values_for_type(kind)) if alternative else []
