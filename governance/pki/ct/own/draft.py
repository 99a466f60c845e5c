"""What is handed to the log."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography import x509

from governance.kernel.errors import Invalid
from governance.pki.ct.entry import Entry, entry_of_certificate, entry_of_precertificate, is_precertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be logged: what the log signs about, the certificate as it was handed in, and those above it in DER.

    `serial` is the certificate's in hex, and `holder` who has it; nobody is known to have what was merely handed in.
    """

    entry: Entry
    certificate_der: bytes
    chain: tuple[bytes, ...]
    serial: str
    holder: str = ""
    source: Literal["issued", "submitted"] = "issued"

    def __post_init__(self) -> None:
        if entry_of(self.certificate_der, self.chain) != self.entry:
            raise Invalid("is not the entry of that certificate", field="entry")

    @property
    def identity(self) -> str:
        """What makes two entries the same, whenever they come."""
        return identity_of(self.entry)

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """The certificates above it by their SHA-256."""
        return tuple(hashlib.sha256(each).digest() for each in self.chain)


def identity_of(entry: Entry) -> str:
    """What is the same for all entries about one thing: SHA-256 of what is signed about, in hex."""
    return hashlib.sha256(f"{entry.kind}\n".encode() + entry.issuer_key_hash + entry.body).hexdigest()


def entry_of(certificate_der: bytes, chain: Sequence[bytes]) -> Entry:
    """The entry of a certificate or precertificate under those that are above it; Invalid when it can have none."""
    try:
        certificate = x509.load_der_x509_certificate(certificate_der)
        above = [x509.load_der_x509_certificate(each) for each in chain[:2]]
    except Exception:  # not only ValueError: an unknown version, say, is an error of its own
        raise Invalid("holds a certificate that cannot be read", field="chain") from None
    if is_precertificate(certificate):
        return entry_of_precertificate(certificate, above)
    return entry_of_certificate(certificate)
