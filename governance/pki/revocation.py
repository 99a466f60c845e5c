"""Whether the certificates of a path are revoked, by the lists of their issuers."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from governance.kernel.clock import stamp
from governance.pki.certificates import is_ca, key_identifier
from governance.pki.faults import Fault, name_of
from governance.pki.path import Path

UNKNOWN = "unknown"
KEPT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the lists say of one certificate: "" for not revoked, the reason for revoked, or "unknown"."""

    revoked: str
    faults: tuple[Fault, ...] = ()


def standings(path: Path, crls: Sequence[x509.CertificateRevocationList], at: datetime) -> list[Standing]:
    """One standing for each certificate of the path.

    Once any list is given, the leaf's must be among them; authorities are looked up where there is a list.
    """
    result = []
    for depth, certificate in enumerate(path.certificates):
        if path.anchored and depth + 1 == len(path.certificates):
            result.append(Standing(revoked=""))  # an anchor is trusted by choice, and taken back in the same way
        elif depth + 1 == len(path.certificates) or not crls:
            result.append(Standing(revoked=UNKNOWN))
        else:
            result.append(_standing(certificate, path.certificates[depth + 1], depth, crls, at))
    return result


def _standing(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    depth: int,
    crls: Sequence[x509.CertificateRevocationList],
    at: datetime,
) -> Standing:
    fitting = [crl for crl in crls if crl.issuer == issuer.subject and _covers(crl, certificate, issuer)]
    lists = [crl for crl in fitting if _read(crl).is_signed_by(issuer)]
    if not lists:
        return Standing(revoked=UNKNOWN, faults=tuple(_missing(certificate, issuer, depth, forged=bool(fitting))))
    for crl in lists:
        entry = _read(crl).entry(certificate.serial_number)
        if entry is not None:
            reason = _reason(entry)
            message = f"{name_of(certificate)} was revoked at {stamp(entry.revocation_date_utc)} ({reason})"
            fault = Fault(depth=depth, reason="revoked", message=message, openssl="certificate revoked")
            return Standing(revoked=reason, faults=(fault,))
    return _fresh(lists, issuer, depth, at)


class _Read:
    """A list with what was found out about it: the signature of 20,000 entries takes 20 ms, a look at them 6 ms."""

    def __init__(self, crl: x509.CertificateRevocationList) -> None:
        self.crl = crl
        self._serials: frozenset[int] | None = None
        self._signers: dict[x509.Certificate, bool] = {}

    def entry(self, serial: int) -> x509.RevokedCertificate | None:
        if self._serials is None:
            self._serials = frozenset(entry.serial_number for entry in self.crl)
        return self.crl.get_revoked_certificate_by_serial_number(serial) if serial in self._serials else None

    def is_signed_by(self, issuer: x509.Certificate) -> bool:
        if issuer not in self._signers:
            self._signers[issuer] = _is_signed_by(self.crl, issuer)
        return self._signers[issuer]


_kept: OrderedDict[int, _Read] = OrderedDict()
_turn = Lock()


def _read(crl: x509.CertificateRevocationList) -> _Read:
    """What is known of the list; for the last few lists it is known already."""
    with _turn:
        read = _kept.get(id(crl))  # no other can have this identity while it is kept
        if read is None:
            read = _kept[id(crl)] = _Read(crl)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        return read


def _missing(certificate: x509.Certificate, issuer: x509.Certificate, depth: int, *, forged: bool) -> Iterator[Fault]:
    if forged:
        message = f"the revocation list of {name_of(issuer)} is not signed by its key"
        yield Fault(depth=depth, reason="bad_signature", message=message, openssl="CRL signature failure")
    elif depth == 0:
        message = f"no revocation list of {name_of(issuer)} says whether {name_of(certificate)} is revoked"
        yield Fault(depth=0, reason="crl_missing", message=message, openssl="unable to get certificate CRL")


def _fresh(
    lists: Sequence[x509.CertificateRevocationList], issuer: x509.Certificate, depth: int, at: datetime
) -> Standing:
    begun = [crl for crl in lists if crl.last_update_utc <= at]
    if not begun:
        message = f"the revocation list of {name_of(issuer)} is not valid yet"
        fault = Fault(depth=depth, reason="crl_missing", message=message, openssl="CRL is not yet valid")
        return Standing(revoked=UNKNOWN, faults=(fault,))
    ends = [crl.next_update_utc for crl in begun if crl.next_update_utc is not None]
    if not ends or max(ends) <= at:
        message = f"the revocation list of {name_of(issuer)} expired" + (f" at {stamp(max(ends))}" if ends else "")
        fault = Fault(depth=depth, reason="crl_expired", message=message, openssl="CRL has expired")
        return Standing(revoked=UNKNOWN, faults=(fault,))
    return Standing(revoked="")


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        return str(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value)
    except x509.ExtensionNotFound:
        return "unspecified"


def _is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # a TypeError for other keys
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the list speaks of that certificate: lists of changes and of some reasons or kinds do not suffice."""
    for extension in crl.extensions:
        value = extension.value
        if isinstance(value, x509.AuthorityKeyIdentifier):
            if value.key_identifier and key_identifier(issuer) not in {b"", value.key_identifier}:
                return False
        elif isinstance(value, x509.IssuingDistributionPoint):
            other = value.only_contains_user_certs if is_ca(certificate) else value.only_contains_ca_certs
            partial = value.only_some_reasons or value.indirect_crl or value.only_contains_attribute_certs
            if other or partial or value.full_name or value.relative_name:
                return False
        elif extension.critical:
            return False
    return True
