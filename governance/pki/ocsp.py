"""Answers to the question whether a certificate is revoked (RFC 6960), signed by a delegate of its issuer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from governance.kernel.errors import Invalid
from governance.pki.authority import Authority, below, named, signed
from governance.pki.crl import REASONS
from governance.pki.extensions import leaf_key_usage
from governance.pki.keys import PrivateKey, PublicKey, allowed, hash_for, same_key

MAX_REQUEST_BYTES = 4096
MAX_NONCE_BYTES = 32  # RFC 8954, section 2.1
_HASHES = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is known of a serial number: "unknown" when the authority never issued it."""

    state: Literal["good", "revoked", "unknown"]
    revoked_at: datetime | None = None
    reason: str = "unspecified"

    def __post_init__(self) -> None:
        if (self.state == "revoked") != (self.revoked_at is not None):
            raise Invalid("goes with the state revoked, and with no other", field="revoked_at")
        if self.reason not in REASONS:
            raise Invalid(f"{self.reason[:40]!r} is not one of {', '.join(REASONS)}", field="reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Who signs the answers: a certificate of the authority made for just that, and its key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not same_key(self.certificate, self.key):
            raise Invalid("does not belong to the certificate", field="key")


def make_responder(authority: Authority, public_key: PublicKey, *, life: timedelta, at: datetime) -> x509.Certificate:
    """A certificate that may sign answers for `authority`, and nothing else.

    It says that it is not itself to be looked up (RFC 6960, section 4.2.2.2.1), so it should live a few days only.
    """
    builder = below(authority, allowed(public_key), subject=named("OCSP responder", field="subject"), life=life, at=at)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(leaf_key_usage(public_key), critical=True)
    return signed(
        builder,
        authority.key,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),
        x509.SubjectKeyIdentifier.from_public_key(public_key),
        x509.OCSPNoCheck(),
    )


def answer(
    request_der: bytes,
    *,
    authority_certificate: x509.Certificate,
    responder: Responder,
    look_up: Callable[[int], Status],
    at: datetime,
    life: timedelta,
) -> bytes:
    """The response in DER, whatever the request is: a stranger's bytes raise nothing.

    One certificate is asked for at a time. Who asks about another issuer's is told that we are not authorized; when
    the responder's own certificate is not valid, the answer is to try later.
    """
    read = _read(request_der)
    if read is None:
        return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    request, nonce = read
    if not _is_about(request, authority_certificate):
        return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    at = at.astimezone(UTC).replace(microsecond=0)
    signer = responder.certificate
    if not signer.not_valid_before_utc <= at < signer.not_valid_after_utc:
        return _refusal(ocsp.OCSPResponseStatus.TRY_LATER)
    until = min(at + life, signer.not_valid_after_utc)
    builder = _respond(request, look_up(request.serial_number), at=at, until=until)
    if nonce:
        builder = builder.add_extension(nonce, critical=False)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer])
    return builder.sign(responder.key, hash_for(responder.key)).public_bytes(Encoding.DER)


def _read(request_der: bytes) -> tuple[ocsp.OCSPRequest, x509.OCSPNonce | None] | None:
    """The request and its nonce; None for what is none, or asks about several certificates."""
    if len(request_der) > MAX_REQUEST_BYTES:
        return None
    try:
        request = ocsp.load_der_ocsp_request(request_der)
        _ = request.issuer_key_hash, request.issuer_name_hash, request.hash_algorithm
        nonces = [extension.value for extension in request.extensions if isinstance(extension.value, x509.OCSPNonce)]
    except Exception:  # parsers of strangers' bytes fail in more ways than they tell
        return None
    if request.serial_number <= 0 or any(not 0 < len(nonce.nonce) <= MAX_NONCE_BYTES for nonce in nonces):
        return None
    return request, nonces[0] if nonces else None


def _respond(request: ocsp.OCSPRequest, status: Status, *, at: datetime, until: datetime) -> ocsp.OCSPResponseBuilder:
    revoked = status.state == "revoked" and status.revoked_at is not None
    named_reason = revoked and status.reason != "unspecified"
    return ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=request.issuer_name_hash,
        issuer_key_hash=request.issuer_key_hash,
        serial_number=request.serial_number,
        algorithm=request.hash_algorithm,
        cert_status=ocsp.OCSPCertStatus[status.state.upper()],
        this_update=at,
        next_update=until,
        revocation_time=status.revoked_at.astimezone(UTC).replace(microsecond=0) if status.revoked_at else None,
        revocation_reason=x509.ReasonFlags(status.reason) if named_reason else None,
    )


def _is_about(request: ocsp.OCSPRequest, issuer: x509.Certificate) -> bool:
    if not isinstance(request.hash_algorithm, _HASHES):
        return False
    name, key = issuer.subject.public_bytes(), _key_bits(issuer)
    expected = tuple(_digest(request.hash_algorithm, content) for content in (name, key))
    return expected == (request.issuer_name_hash, request.issuer_key_hash)


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The public key without its algorithm, which is what the question holds a hash of."""
    key = allowed(certificate.public_key())
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _digest(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(content)
    return digest.finalize()


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
