"""What is true of a chain of certificates, and what OpenSSL would say of it."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from governance.kernel.errors import Invalid
from governance.pki.certificates import found, is_ca, serial_of, usage_names
from governance.pki.faults import (
    Fault,
    Purpose,
    Reason,
    anchor_faults,
    authority_strength_faults,
    certificate_faults,
    signature_and_time_faults,
    strength_faults,
)
from governance.pki.matching import constraint_faults, host_of, is_ip, name_faults
from governance.pki.path import MAX_PATH, Path, build_path
from governance.pki.pem import MAX_CERTIFICATES, check_readable
from governance.pki.revocation import Standing, standings

_PURPOSES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
_KEY_USAGES = {
    "digital_signature": "digital signature",
    "key_encipherment": "key encipherment",
    "key_agreement": "key agreement",
    "key_cert_sign": "cert sign",
    "crl_sign": "crl sign",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One certificate of a chain: what it says, and what is wrong with it.

    `revoked` is empty when its issuer's list does not name it, the reason when it does, and "unknown" without a list.
    """

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key: str
    usages: tuple[str, ...]
    is_ca: bool
    revoked: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a chain holds; if not, the first thing that OpenSSL would name, in a word and in a sentence.

    `openssl` is what `openssl verify -x509_strict` prints, and empty where it lets pass what is refused here.
    `steps` go from the leaf to the root, as far as the chain leads.
    """

    ok: bool
    reason: Reason
    message: str
    openssl: str
    steps: tuple[Step, ...]


def verify(
    certificates: Sequence[x509.Certificate],
    *,
    roots: Sequence[x509.Certificate],
    at: datetime,
    purpose: Purpose,
    name: str = "",
    crls: Sequence[x509.CertificateRevocationList] = (),
    trust_domain: str = "",
) -> Verdict:
    """Judge the chain of `certificates`, the leaf first and the others in any order, as it stands at `at`.

    `name` is the DNS name, IP address or SPIFFE ID that the leaf must be for. Revocation is judged as soon as `crls`
    holds any list, and then the leaf's must be among them. With `trust_domain`, a SPIFFE ID must be of that domain,
    and a client must have one.
    """
    if not 1 <= len(certificates) <= MAX_CERTIFICATES:
        raise Invalid(f"has {len(certificates)}; a chain is 1 to {MAX_CERTIFICATES}", field="certificates")
    try:
        for place, certificate in enumerate(certificates, 1):
            check_readable(certificate, place=place, field="certificates")
    except Invalid as refusal:
        return Verdict(ok=False, reason="bad_shape", message=refusal.message, openssl="", steps=())
    leaf, *presented = certificates
    path = build_path(leaf, presented, roots=roots, at=at)
    standing = standings(path, crls, at)
    faults = [
        *strength_faults(leaf, depth=0, top=not path.authorities),
        *anchor_faults(path),
        *certificate_faults(path, purpose),
        *authority_strength_faults(path),
        *name_faults(leaf, name=name, purpose=purpose, trust_domain=trust_domain),
        *(fault for one in standing for fault in one.faults),
        *signature_and_time_faults(path, at),
        *constraint_faults(path),
    ]
    faults = faults or _second_opinion(path, at=at, purpose=purpose, name=name)
    steps = tuple(_step(path, depth, standing[depth], faults) for depth in range(len(path.certificates)))
    if not faults:
        return Verdict(ok=True, reason="ok", message="the chain holds", openssl="OK", steps=steps)
    first = faults[0]
    return Verdict(ok=False, reason=first.reason, message=first.message, openssl=first.openssl, steps=steps)


def _second_opinion(path: Path, *, at: datetime, purpose: Purpose, name: str) -> list[Fault]:
    """The verification of the library, which alone decides that a path is good.

    Replacing a part of an extension policy drops the checks it stood for, hence the usage is checked again here.
    """

    def usage(_: verification.Policy, __: x509.Certificate, value: x509.ExtendedKeyUsage | None) -> None:
        if value is not None and _PURPOSES[purpose] not in value:
            raise ValueError(f"not for {purpose} auth")

    leaf_policy = verification.ExtensionPolicy.webpki_defaults_ee().may_be_present(
        x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, usage
    )
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store([path.certificates[-1]]))
        .time(at)
        .max_chain_depth(MAX_PATH)
        .extension_policies(ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=leaf_policy)
    )
    intermediates = list(path.certificates[1:-1])
    try:
        if purpose == "server" and name and not name.startswith("spiffe:"):
            builder.build_server_verifier(_subject(name)).verify(path.leaf, intermediates)
        else:
            builder.build_client_verifier().verify(path.leaf, intermediates)
    except verification.VerificationError as refusal:
        return [Fault(depth=0, reason="bad_shape", message=f"the chain does not hold: {refusal}")]
    return []


def _subject(name: str) -> verification.Subject:
    return x509.IPAddress(ipaddress.ip_address(name)) if is_ip(name) else x509.DNSName(host_of(name))


def _step(path: Path, depth: int, standing: Standing, faults: Sequence[Fault]) -> Step:
    certificate = path.certificates[depth]
    return Step(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=serial_of(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=_key(certificate),
        usages=_usages(certificate),
        is_ca=is_ca(certificate),
        revoked=standing.revoked,
        problems=tuple(dict.fromkeys(fault.message for fault in faults if fault.depth == depth)),
    )


def _key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}.get(key.curve.name, key.curve.name)
        return f"ECDSA {curve}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey")


def _usages(certificate: x509.Certificate) -> tuple[str, ...]:
    usage = found(certificate, x509.KeyUsage)
    allowed = [words for name, words in _KEY_USAGES.items() if usage and getattr(usage, name)]
    return (*allowed, *usage_names(certificate))
