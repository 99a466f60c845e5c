"""A certificate chain with its private key, checked before anything serves with it."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from cryptography import x509

from governance.kernel.clock import now, stamp
from governance.kernel.errors import Invalid
from governance.pki.certificates import is_ca, is_issued_by, names_of, serial_of
from governance.pki.keys import from_pem, same_key
from governance.pki.pem import chain_from_pem


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A chain, leaf first and each certificate signed by the next, with the leaf's private key.

    What can be told of it at any time has been checked; whether it is valid now, `check_valid` says. `serial` (hex),
    times and names are the leaf's.
    """

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    chain: tuple[x509.Certificate, ...] = field(init=False, repr=False, compare=False)
    serial: str = field(init=False, compare=False)
    not_before: datetime = field(init=False, compare=False)
    not_after: datetime = field(init=False, compare=False)
    dns_names: tuple[str, ...] = field(init=False, compare=False)
    uris: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        chain = chain_from_pem(self.chain_pem, field="chain_pem")
        leaf = chain[0]
        if is_ca(leaf):
            raise Invalid(
                f"begins with the certificate of an authority, {_name(leaf)}; the leaf comes first", field="chain_pem"
            )
        if not same_key(leaf, from_pem(self.key_pem, field="key_pem")):
            raise Invalid(f"is not the key of the certificate {_name(leaf)}", field="key_pem")
        _check_order(chain)
        facts = {
            "chain": chain,
            "serial": serial_of(leaf),
            "not_before": leaf.not_valid_before_utc,
            "not_after": leaf.not_valid_after_utc,
            "dns_names": tuple(name.lower() for name in names_of(leaf, x509.DNSName)),
            "uris": tuple(names_of(leaf, x509.UniformResourceIdentifier)),
        }
        for name, fact in facts.items():
            object.__setattr__(self, name, fact)


def check_pair(chain_pem: bytes, key_pem: bytes, *, roots_pem: bytes = b"", at: datetime | None = None) -> Pair:
    """The pair, valid `at` (now, when not given) and, where `roots_pem` is given, below one of these roots."""
    at = at or now()
    pair = Pair(chain_pem=chain_pem, key_pem=key_pem)
    check_valid(pair, at)
    if roots_pem:
        _check_anchored(pair, chain_from_pem(roots_pem, field="roots_pem"), at)
    return pair


def check_valid(pair: Pair, at: datetime) -> None:
    """Refuse a pair of which any certificate has expired, or is not valid yet."""
    for place, certificate in enumerate(pair.chain, 1):
        if at < certificate.not_valid_before_utc:
            said = f"is not valid before {stamp(certificate.not_valid_before_utc)}"
        elif at >= certificate.not_valid_after_utc:
            said = f"expired at {stamp(certificate.not_valid_after_utc)}"
        else:
            continue
        raise Invalid(f"certificate {place}, {_name(certificate)}, {said}", field="chain_pem")


def _check_order(chain: tuple[x509.Certificate, ...]) -> None:
    for place, (below, above) in enumerate(pairwise(chain), 1):
        if is_issued_by(below, above):
            continue
        signers = (other for other, each in enumerate(chain, 1) if other != place and is_issued_by(below, each))
        if signer := next(signers, 0):
            said = f"is out of order: certificate {signer} signed certificate {place} and comes right after it"
        else:
            said = f"is broken: certificate {place + 1}, {_name(above)}, did not sign certificate {place}"
        raise Invalid(said, field="chain_pem")


def _check_anchored(pair: Pair, roots: tuple[x509.Certificate, ...], at: datetime) -> None:
    """Any certificate of the chain may be the one that a root signed.

    A cross-signed root at its end leads to the old root, while the one below it leads to the new root: each is enough.
    """
    valid = [root for root in roots if root.not_valid_before_utc <= at < root.not_valid_after_utc]
    if not any(is_issued_by(certificate, root) for certificate in pair.chain for root in valid):
        known = ", ".join(map(_name, valid)) or "none, as all have expired or are not valid yet"
        raise Invalid(f"leads to {pair.chain[-1].issuer.rfc4514_string()}, but trusted is {known}", field="chain_pem")


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or f"serial {serial_of(certificate)}"
