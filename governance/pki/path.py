"""The path from a leaf to a trust anchor, found as TLS libraries find it: step by step, without going back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from governance.pki.certificates import found, key_identifier

MAX_PATH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The certificates from the leaf upwards; the last one is the trust anchor when `anchored`.

    `stored` says that the last one was found among the roots, be it one or not.
    """

    certificates: tuple[x509.Certificate, ...]
    anchored: bool
    stored: bool

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate that is verified."""
        return self.certificates[0]

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        """All but the leaf."""
        return self.certificates[1:]


def build_path(
    leaf: x509.Certificate,
    presented: Sequence[x509.Certificate],
    *,
    roots: Sequence[x509.Certificate],
    at: datetime,
) -> Path:
    """Go from issuer to issuer, looking among the roots first, and stop at the first root.

    Only self-signed certificates are roots: an intermediate that stands among them leads on, but anchors nothing. Of
    two certificates for one issuer the first that is valid now is taken, and no other is tried when it leads nowhere:
    so do OpenSSL and BoringSSL, and a chain that needs more would fail there.
    """
    path, stored = [leaf], False
    while len(path) < MAX_PATH and not names_itself(path[-1]):
        above = _issuer_of(path[-1], (one for one in roots if one not in path), at)
        stored = above is not None or stored
        if above is None and not stored:
            above = _issuer_of(path[-1], (one for one in presented if one not in path), at)
        if above is None:
            break
        path.append(above)
    anchored = names_itself(path[-1]) and path[-1] in roots
    return Path(certificates=tuple(path), anchored=anchored, stored=stored)


def names_itself(certificate: x509.Certificate) -> bool:
    """Whether it gives itself as its issuer; its signature is not looked at."""
    return _fits(certificate, certificate)


def _issuer_of(
    certificate: x509.Certificate, candidates: Iterable[x509.Certificate], at: datetime
) -> x509.Certificate | None:
    fitting = [candidate for candidate in candidates if _fits(certificate, candidate)]
    valid = (one for one in fitting if one.not_valid_before_utc <= at < one.not_valid_after_utc)
    return next(valid, None) or max(fitting, key=lambda one: one.not_valid_after_utc, default=None)


def _fits(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether name and key identifiers fit; whether the signature does, is another question."""
    if certificate.issuer != issuer.subject:
        return False
    said = found(certificate, x509.AuthorityKeyIdentifier)
    if said is None:
        return True
    if said.key_identifier and key_identifier(issuer) and said.key_identifier != key_identifier(issuer):
        return False
    if said.authority_cert_serial_number not in {None, issuer.serial_number}:
        return False
    names = [name.value for name in said.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
    return not names or issuer.issuer in names
