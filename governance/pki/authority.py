"""An authority, and the authorities that it certifies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import NameOID

from governance.kernel.clock import stamp
from governance.kernel.errors import Invalid, Unavailable
from governance.pki import extensions as ext
from governance.pki.certificates import found, is_ca, is_issued_by, is_self_signed, is_twin, key_identifier, serial_of
from governance.pki.constraints import outside
from governance.pki.extensions import Urls
from governance.pki.keys import PrivateKey, PublicKey, allowed, hash_for, same_key
from governance.pki.names import Names, check_common_name
from governance.pki.pem import chain_from_pem, to_pem

__all__ = [
    "Authority",
    "Names",
    "Urls",
    "capped_life",
    "chain_from_pem",
    "check_life",
    "cross_sign",
    "make_intermediate",
    "make_root",
    "to_pem",
]

# A peer whose clock is a little behind must not find a fresh certificate "not yet valid".
BACKDATE = timedelta(minutes=2)
# The longest life of a leaf is a sixth of its issuer's: a successor made at half of the issuer's life then has the
# time to be known everywhere before it signs, and everything old runs out before the issuer does.
LIVES = 6
MAX_LIFE = timedelta(days=36_525)
BOTH_ENDS = frozenset({"server auth", "client auth"})
NOWHERE = Urls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate that may sign others, with its key.

    `chain` is what a server sends after a leaf: this authority's certificate and those above it, without any
    self-signed root. It is empty for a root, but begins with the cross-signed twin of a root that has one.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        if not is_ca(self.certificate):
            raise Invalid("is not the certificate of an authority", field="certificate")
        if not same_key(self.certificate, self.key):
            raise Invalid("does not belong to the certificate", field="key")
        if not self.chain and not is_self_signed(self.certificate):
            raise Invalid("must begin with the authority's own certificate, as it is no root", field="chain")
        if self.chain and not is_twin(self.chain[0], self.certificate):
            raise Invalid("does not begin with the authority's own certificate", field="chain")
        for place, (below, above) in enumerate(pairwise(self.chain), 1):
            if not is_issued_by(below, above):
                raise Invalid(f"certificate {place + 1} did not sign certificate {place}", field="chain")
        if any(is_self_signed(certificate) for certificate in self.chain):
            raise Invalid("holds a self-signed root, which is never sent", field="chain")

    @property
    def serial(self) -> str:
        """The serial number of its certificate in hex."""
        return serial_of(self.certificate)

    @property
    def not_before(self) -> datetime:
        """From when on it is valid."""
        return self.certificate.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """Until when it is valid."""
        return self.certificate.not_valid_after_utc

    @property
    def subject(self) -> str:
        """Its name, as RFC 4514 writes it."""
        return self.certificate.subject.rfc4514_string()

    @property
    def key_id(self) -> str:
        """Its subject key identifier in hex."""
        return key_identifier(self.certificate).hex()

    @property
    def path_length(self) -> int | None:
        """How many authorities may stand between it and a leaf; None for any number."""
        constraints = found(self.certificate, x509.BasicConstraints)
        return constraints.path_length if constraints else None


def capped_life(authority: Authority, life: timedelta, at: datetime) -> timedelta:
    """`life`, or what is left of the authority's own when that is shorter."""
    if not timedelta(seconds=1) <= life <= MAX_LIFE:
        raise Invalid(f"is {life}; a certificate lives 1 s to {MAX_LIFE.days} days", field="life")
    at = _second(at)
    if at < authority.not_before:
        raise Unavailable(f"the authority {authority.subject} is not valid before {stamp(authority.not_before)}")
    if at >= authority.not_after:
        raise Unavailable(f"the authority {authority.subject} expired at {stamp(authority.not_after)}")
    return min(timedelta(seconds=int(life.total_seconds())), authority.not_after - at)


def check_life(authority: Authority, life: timedelta) -> None:
    """Refuse a leaf's life over a sixth of its issuer's."""
    whole = authority.not_after - authority.not_before
    if whole < life * LIVES:
        raise Invalid(
            f"is {life}, but {authority.subject} lives {whole}: an authority lives at least {LIVES} times as long as "
            f"what it issues, so at most {whole / LIVES} here",
            field="life",
        )


def make_root(
    key: PrivateKey, *, common_name: str, life: timedelta, at: datetime, dns_names: Sequence[str] = ()
) -> x509.Certificate:
    """A self-signed root; with `dns_names` it may certify only these DNS names and those below them."""
    subject = named(common_name, field="common_name")
    if not timedelta(seconds=1) <= life <= MAX_LIFE:
        raise Invalid(f"is {life}; a certificate lives 1 s to {MAX_LIFE.days} days", field="life")
    at = _second(at)
    builder = _dated(subject, allowed(key.public_key()), at - BACKDATE, at + life).issuer_name(subject)
    builder = _with_authority(builder, path_length=None, names=ext.subtrees(dns_names))
    return signed(builder, key, x509.SubjectKeyIdentifier.from_public_key(key.public_key()))


def make_intermediate(
    parent: Authority,
    public_key: PublicKey,
    *,
    common_name: str,
    life: timedelta,
    at: datetime,
    urls: Urls = NOWHERE,
    dns_names: Sequence[str] = (),
    path_length: int = 0,
) -> x509.Certificate:
    """The certificate of an authority below `parent`; it lives no longer, and keeps its name constraints."""
    subject = named(common_name, field="common_name")
    if subject == parent.certificate.subject:
        raise Invalid(f"{common_name!r} is the name of the authority above it", field="common_name")
    if not 0 <= path_length < (parent.path_length if parent.path_length is not None else 10):
        raise Invalid(
            f"is {path_length}; below {parent.subject} it is 0 to {(parent.path_length or 0) - 1}"
            if parent.path_length
            else f"is {path_length}; {parent.subject} allows no such authority below it",
            field="path_length",
        )
    if beyond := outside(parent.certificate, dns=dns_names):
        raise Invalid(f"{beyond.name!r} is outside of what {parent.subject} may certify", field="dns_names")
    builder = below(parent, allowed(public_key), subject=subject, life=life, at=at)
    constrained = ext.subtrees(dns_names, within=found(parent.certificate, x509.NameConstraints))
    builder = _with_authority(builder, path_length=path_length, names=constrained)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return signed(builder, parent.key, identifier, *ext.revocation_points(urls))


def cross_sign(
    old: Authority,
    certificate: x509.Certificate,
    *,
    at: datetime,
    urls: Urls = NOWHERE,
) -> x509.Certificate:
    """The same authority, name and key, certified by `old`: who trusts only `old` then trusts what it issues.

    It lives as long as the shorter lived of both.
    """
    if not is_ca(certificate) or not is_self_signed(certificate):
        raise Invalid("is not a root; only roots are cross-signed", field="certificate")
    if is_twin(certificate, old.certificate):
        raise Invalid("is the very authority that would sign it", field="certificate")
    constraints = found(certificate, x509.BasicConstraints)
    limits = [] if constraints is None or constraints.path_length is None else [constraints.path_length]
    if old.path_length is not None:
        if old.path_length == 0:
            raise Invalid(f"{old.subject} allows no authority below it", field="certificate")
        limits.append(old.path_length - 1)
    left = certificate.not_valid_after_utc - _second(at)
    if left <= timedelta():
        raise Invalid(f"expired at {stamp(certificate.not_valid_after_utc)}", field="certificate")
    public_key = allowed(certificate.public_key())
    builder = below(old, public_key, subject=certificate.subject, life=left, at=at)
    builder = _with_authority(
        builder, path_length=min(limits, default=None), names=found(certificate, x509.NameConstraints)
    )
    identifier = x509.SubjectKeyIdentifier(key_identifier(certificate))
    return signed(builder, old.key, identifier, *ext.revocation_points(urls))


def named(common_name: str, *, field: str) -> x509.Name:
    """A subject that is only a common name."""
    check_common_name(common_name, field=field)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _second(at: datetime) -> datetime:
    """`at` without what certificates cannot hold: fractions of a second."""
    return at.astimezone(UTC).replace(microsecond=0)


def _dated(
    subject: x509.Name, public_key: PublicKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    """Who, until when, and a serial number of 159 random bits (RFC 5280, section 4.1.2.2: positive, unguessable)."""
    return x509.CertificateBuilder(
        subject_name=subject,
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=not_before,
        not_valid_after=not_after,
    )


def below(
    parent: Authority, public_key: PublicKey, *, subject: x509.Name, life: timedelta, at: datetime
) -> x509.CertificateBuilder:
    """The beginning of a certificate that `parent` signs and outlives."""
    at = _second(at)
    not_after = at + capped_life(parent, life, at)
    not_before = max(at - BACKDATE, parent.not_before)
    builder = _dated(subject, public_key, not_before, not_after).issuer_name(parent.certificate.subject)
    return builder.add_extension(ext.authority_key_identifier(parent.certificate), critical=False)


def _with_authority(
    builder: x509.CertificateBuilder, *, path_length: int | None, names: x509.NameConstraints | None
) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(ext.ca_key_usage(), critical=True)
    return builder.add_extension(names, critical=True) if names else builder


def signed(builder: x509.CertificateBuilder, key: PrivateKey, *extensions: x509.ExtensionType) -> x509.Certificate:
    """The certificate, with these further extensions, none of them critical."""
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hash_for(key))
