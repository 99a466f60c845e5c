"""Traces a certificate that was not issued here to whoever signed it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

DEPTH = 8
By = Literal["authority", "our_key", "key_elsewhere", "stranger", "itself", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An authority that is or was ours, by its certificate; `ours` says that its key is kept here."""

    common_name: str
    certificate: x509.Certificate
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Who signed a certificate: an authority whose key is kept here, one that is known but signs elsewhere, or others.

    "authority" is the certificate of an authority of ours itself, which no port should show as its own. `name` is that
    of the authority, or what a stranger calls its issuer; `through` the authority that nobody here made and that stands
    between; `not_after` when the certificate ends, None when it cannot be read.
    """

    by: By
    name: str = ""
    through: str = ""
    not_after: datetime | None = None


def trace(chain_pem: str, signers: Sequence[Signer]) -> Trace:
    """Follow the signatures of `chain_pem`, the leaf first, up to the first one that an authority of `signers` made.

    Names are not believed: a certificate that was signed with a key of ours may say that it was signed by anybody.
    """
    try:
        leaf, *others = x509.load_pem_x509_certificates(chain_pem.encode())
        ends, issuer = leaf.not_valid_after_utc, _words(leaf.issuer)
    except Exception:  # parsers of strangers' bytes fail in more ways than they tell
        return Trace(by="unreadable")
    if known := next((each for each in signers if each.certificate == leaf), None):
        return Trace(by="authority", name=known.common_name, not_after=ends)
    below, through = leaf, ""
    for _ in range(DEPTH):
        found = next((each for each in signers if _signed_by(below, each.certificate)), None)
        if found is not None:
            by: By = "our_key" if found.ours else "key_elsewhere"
            return Trace(by=by, name=found.common_name, through=through, not_after=ends)
        above = next((each for each in others if each not in {leaf, below} and _signed_by(below, each)), None)
        if above is None:
            break
        below, through = above, _subject(above)
    return Trace(by="itself" if _signed_by(leaf, leaf) else "stranger", name=issuer, not_after=ends)


def _signed_by(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether the key of `by` made the signature, whatever names are in either."""
    try:
        key: Any = by.public_key()
        algorithm, signature, body = (
            certificate.signature_hash_algorithm,
            certificate.signature,
            certificate.tbs_certificate_bytes,
        )
        if isinstance(key, ec.EllipticCurvePublicKey):
            assert algorithm is not None
            key.verify(signature, body, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            given = certificate.signature_algorithm_parameters
            chosen = given if isinstance(given, padding.PSS | padding.PKCS1v15) else padding.PKCS1v15()
            key.verify(signature, body, chosen, algorithm)  # type: ignore[arg-type]  # None is refused below
        else:
            key.verify(signature, body)
    except (InvalidSignature, UnsupportedAlgorithm, AssertionError, ValueError, TypeError, AttributeError):
        return False
    return True


def _subject(certificate: x509.Certificate) -> str:
    try:
        return _words(certificate.subject)
    except Exception:
        return "an authority without a readable name"


def _words(name: x509.Name) -> str:
    """A stranger's name, short and without what would spoil a line."""
    text = name.rfc4514_string()[:100]
    return "".join(each if each.isprintable() else "?" for each in text) or "nobody by name"
