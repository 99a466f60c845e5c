"""What can be wrong with a chain, each thing under one word, in the order in which OpenSSL looks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from governance.kernel.clock import stamp
from governance.kernel.errors import Invalid
from governance.pki.certificates import found, is_ca, is_critical, is_issued_by, key_identifier, usage_names
from governance.pki.keys import allowed
from governance.pki.path import MAX_PATH, Path, names_itself

Purpose = Literal["server", "client"]
Reason = Literal[
    "ok",
    "expired",
    "not_yet_valid",
    "revoked",
    "crl_expired",
    "crl_missing",
    "unknown_issuer",
    "bad_signature",
    "bad_usage",
    "path_length",
    "name_constraint",
    "name_mismatch",
    "bad_shape",
]

_UNDERSTOOD = (  # as critical ones
    x509.BasicConstraints,
    x509.CRLDistributionPoints,
    x509.ExtendedKeyUsage,
    x509.KeyUsage,
    x509.NameConstraints,
    x509.SubjectAlternativeName,
)
_POLICIES = (x509.CertificatePolicies, x509.PolicyConstraints, x509.InhibitAnyPolicy)  # which OpenSSL evaluates


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with the certificate at `depth` (0 is the leaf).

    `openssl` is what `openssl verify -x509_strict` prints of it; empty when it lets that pass.
    """

    depth: int
    reason: Reason
    message: str
    openssl: str = ""


def name_of(certificate: x509.Certificate) -> str:
    """Its subject, or how it is called when that is empty."""
    return certificate.subject.rfc4514_string() or f"the certificate {certificate.serial_number:x}"


def anchor_faults(path: Path) -> Iterator[Fault]:
    """The path leads to no trust anchor, or consists of one."""
    top, depth = path.certificates[-1], len(path.certificates) - 1
    if path.anchored:
        if depth == 0:
            message = f"{name_of(top)} is itself a trust anchor, so no authority vouches for it"
            yield Fault(depth=0, reason="bad_shape", message=message)
        return
    issuer = top.issuer.rfc4514_string()
    message = f"the issuer of {name_of(top)}, {issuer}, is neither among the certificates sent nor trusted"
    openssl = f"unable to get {'' if path.stored else 'local '}issuer certificate"
    if names_itself(top):
        message = f"{name_of(top)} is self-signed and not trusted"
        openssl = "self-signed certificate in certificate chain" if depth else "self-signed certificate"
    elif depth + 1 == MAX_PATH:
        message, openssl = f"the chain is longer than {MAX_PATH} certificates", ""
    yield Fault(depth=depth, reason="unknown_issuer", message=message, openssl=openssl)


def certificate_faults(path: Path, purpose: Purpose) -> Iterator[Fault]:
    """What each certificate says of itself: critical extensions, its role, its shape, its purpose, its path length."""
    below = 0
    for depth, certificate in enumerate(path.certificates):
        yield from own_faults(certificate, depth=depth, top=depth + 1 == len(path.certificates))
        yield from _purpose_faults(certificate, depth, purpose)
        constraints = found(certificate, x509.BasicConstraints)
        limit = constraints.path_length if constraints and constraints.ca else None
        if depth > 1 and limit is not None and below > limit:
            message = f"{name_of(certificate)} allows {limit} authorities below it, not {below}"
            yield Fault(depth=depth, reason="path_length", message=message, openssl="path length constraint exceeded")
        below += depth > 0 and certificate.subject != certificate.issuer


def strength_faults(certificate: x509.Certificate, *, depth: int, top: bool) -> Iterator[Fault]:
    """A key that is too weak or too odd, or a signature by a broken hash; that of the one on top proves nothing."""
    name = name_of(certificate)
    try:
        allowed(certificate.public_key())
    except Invalid as refusal:
        openssl = f"{'CA' if depth else 'EE'} certificate key too weak" if _is_short_rsa(certificate) else ""
        yield Fault(depth=depth, reason="bad_shape", message=f"the key of {name} {refusal.message}", openssl=openssl)
    algorithm = certificate.signature_hash_algorithm
    if not top and isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        message, openssl = f"{name} is signed with {algorithm.name}", "CA signature digest algorithm too weak"
        yield Fault(depth=depth, reason="bad_shape", message=message, openssl=openssl)


def authority_strength_faults(path: Path) -> Iterator[Fault]:
    """The keys and signatures of all but the leaf."""
    for depth, certificate in enumerate(path.authorities, 1):
        yield from strength_faults(certificate, depth=depth, top=depth == len(path.authorities))


def _is_short_rsa(certificate: x509.Certificate) -> bool:
    """RSA under 112 bits of security (NIST SP 800-57, part 1, table 2)."""
    key = certificate.public_key()
    return isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048


def own_faults(certificate: x509.Certificate, *, depth: int, top: bool) -> Iterator[Fault]:
    """What is wrong with a certificate at `depth` whatever it is used for; no issuer is expected of the one on top."""
    yield from _critical_faults(certificate, depth)
    yield from _role_faults(certificate, depth)
    yield from _shape_faults(certificate, depth, top=top)


def _critical_faults(certificate: x509.Certificate, depth: int) -> Iterator[Fault]:
    for extension in certificate.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            message = (
                f"{name_of(certificate)} has the critical extension {extension.oid.dotted_string}, which is not known"
            )
            openssl = "" if isinstance(extension.value, _POLICIES) else "unhandled critical extension"
            yield Fault(depth=depth, reason="bad_shape", message=message, openssl=openssl)


def _role_faults(certificate: x509.Certificate, depth: int) -> Iterator[Fault]:
    usage = found(certificate, x509.KeyUsage)
    if depth and (not is_ca(certificate) or (usage and not usage.key_cert_sign)):
        message = f"{name_of(certificate)} is no authority, but signed the certificate below it"
        yield Fault(depth=depth, reason="bad_shape", message=message, openssl="invalid CA certificate")


def _shape_faults(certificate: x509.Certificate, depth: int, *, top: bool) -> Iterator[Fault]:
    """RFC 5280, section 4, as far as `-x509_strict` goes."""
    for wrong, said, openssl in _shapes(certificate, top=top):
        if wrong:
            yield Fault(depth=depth, reason="bad_shape", message=f"{name_of(certificate)} {said}", openssl=openssl)


def _shapes(certificate: x509.Certificate, *, top: bool) -> list[tuple[bool, str, str]]:
    ca, nameless = is_ca(certificate), not list(certificate.subject)
    usage, issuer = found(certificate, x509.KeyUsage), found(certificate, x509.AuthorityKeyIdentifier)
    alternative = found(certificate, x509.SubjectAlternativeName)
    return [
        (
            ca and not is_critical(certificate, x509.BasicConstraints),
            "has basic constraints that are not critical",
            "Basic Constraints of CA cert not marked critical",
        ),
        (
            ca and usage is None,
            "is an authority without key usage",
            "CA cert does not include key usage extension",
        ),
        (
            not ca and usage is not None and usage.key_cert_sign,
            "is no authority, but may sign certificates",
            "Key usage keyCertSign invalid for non-CA cert",
        ),
        (nameless and (ca or alternative is None), "has no subject", "Subject name empty"),
        (
            nameless and alternative is not None and not is_critical(certificate, x509.SubjectAlternativeName),
            "has no subject and a subject alternative name that is not critical",
            "Subject empty and Subject Alt Name extension not critical",
        ),
        (not list(certificate.issuer), "has no issuer", "Issuer name empty"),
        (
            not top and (issuer is None or not issuer.key_identifier),
            "lacks the key identifier of its issuer",
            "Missing Authority Key Identifier",
        ),
        (
            ca and not key_identifier(certificate),
            "is an authority without subject key identifier",
            "Missing Subject Key Identifier",
        ),
        (certificate.serial_number <= 0, "has a serial number that is not positive", ""),
        (certificate.version != x509.Version.v3, "is not of version 3", ""),
    ]


def _purpose_faults(certificate: x509.Certificate, depth: int, purpose: Purpose) -> Iterator[Fault]:
    openssl = "unsuitable certificate purpose"
    usages = usage_names(certificate)
    if usages and f"{purpose} auth" not in usages:
        message = f"{name_of(certificate)} is for {', '.join(usages)}, not for {purpose} auth"
        yield Fault(depth=depth, reason="bad_usage", message=message, openssl=openssl)
    usage = found(certificate, x509.KeyUsage)
    if depth == 0 and usage and not (usage.digital_signature or usage.key_encipherment or usage.key_agreement):
        message = f"the key of {name_of(certificate)} may not be used in a TLS handshake"
        yield Fault(depth=0, reason="bad_usage", message=message, openssl=openssl)
    if depth == 0 and is_ca(certificate):
        message = f"{name_of(certificate)} is an authority's, which no server or client may use as its own"
        yield Fault(depth=0, reason="bad_shape", message=message)


def signature_and_time_faults(path: Path, at: datetime) -> Iterator[Fault]:
    """From the top down: who signed, and when it is valid."""
    for depth, certificate in reversed(list(enumerate(path.certificates))):
        if depth + 1 < len(path.certificates):
            issuer = path.certificates[depth + 1]
            if not is_issued_by(certificate, issuer):
                message = f"{name_of(certificate)} is not signed by the key of {name_of(issuer)}"
                yield Fault(
                    depth=depth, reason="bad_signature", message=message, openssl="certificate signature failure"
                )
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if at < not_before:
            message = f"{name_of(certificate)} is not valid before {stamp(not_before)}"
            yield Fault(depth=depth, reason="not_yet_valid", message=message, openssl="certificate is not yet valid")
        if at >= not_after:  # RFC 5280 counts the last second in, OpenSSL does not
            message = f"{name_of(certificate)} expired at {stamp(not_after)}"
            yield Fault(depth=depth, reason="expired", message=message, openssl="certificate has expired")
