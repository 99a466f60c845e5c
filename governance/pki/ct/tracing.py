"""Traces a certificate that was not issued here to whoever signed it; pure."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

DEPTH = 8
# What a port sends with its certificate is its choice, and so is what it costs to follow. Chains that anybody believes
# are shorter; a check takes up to half a millisecond.
CONSIDERED, CHECKS = 10, 60
_END = "-----END CERTIFICATE-----"
By = Literal["authority", "our_key", "key_elsewhere", "stranger", "itself", "unreadable", "untraced"]


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
    between; `not_after` when the certificate ends, None when it cannot be read. "untraced" is what nobody followed yet.
    """

    by: By
    name: str = ""
    through: str = ""
    not_after: datetime | None = None


def trace(chain_pem: str, signers: Sequence[Signer]) -> Trace:
    """Follow the signatures of `chain_pem`, the leaf first, up to the first one that an authority of `signers` made.

    Names are not believed: a certificate that was signed with a key of ours may say that it was signed by anybody. Of
    what was sent with it the first CONSIDERED are looked at, and no more than CHECKS signatures are checked.
    """
    first, *rest = chain_pem.split(_END, CONSIDERED + 1)[: CONSIDERED + 1]
    try:
        leaf = _read(first)
        ends, issuer = leaf.not_valid_after_utc, _words(leaf.issuer)
    except Exception:  # parsers of strangers' bytes fail in more ways than they tell
        return Trace(by="unreadable")
    others, checks = list(_readable(rest)), _Checks(CHECKS)
    if known := next((each for each in signers if each.certificate == leaf), None):
        return Trace(by="authority", name=known.common_name, not_after=ends)
    below, through = leaf, ""
    for _ in range(DEPTH):
        found = next((each for each in signers if checks.signed_by(below, each.certificate)), None)
        if found is not None:
            by: By = "our_key" if found.ours else "key_elsewhere"
            return Trace(by=by, name=found.common_name, through=through, not_after=ends)
        above = next((each for each in others if each not in {leaf, below} and checks.signed_by(below, each)), None)
        if above is None:
            break
        below, through = above, _subject(above)
    return Trace(by="itself" if _signed_by(leaf, leaf) else "stranger", name=issuer, not_after=ends)


def _read(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((pem + _END).encode())


def _readable(pems: Iterable[str]) -> Iterator[x509.Certificate]:
    """Those of them that can be read: one that cannot hides none of the others."""
    for pem in pems:
        with suppress(Exception):
            yield _read(pem)


class _Checks:
    """Checks signatures, and says after so many of them that none holds."""

    def __init__(self, left: int) -> None:
        self._left = left

    def signed_by(self, certificate: x509.Certificate, by: x509.Certificate) -> bool:
        """Whether the key of `by` made the signature, as long as checks are left."""
        self._left -= 1
        return self._left >= 0 and _signed_by(certificate, by)


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
    except Exception:  # not only InvalidSignature: strangers' keys and algorithms fail in more ways than are told
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
