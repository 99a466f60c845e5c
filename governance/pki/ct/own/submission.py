"""What strangers hand to the log: taken when it leads to a root of ours, whoever brings it."""

from collections.abc import Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.errors import Invalid
from governance.pki.certificates import is_ca, is_issued_by, serial_of
from governance.pki.ct.entry import is_precertificate
from governance.pki.ct.own.draft import Draft, entry_of
from governance.pki.ct.own.sequencer import Appended, append
from governance.pki.pem import check_readable
from governance.pki.queries.accepted import accepted_roots

MAX_CHAIN = 10


def take(chain: Sequence[bytes], *, pre: bool) -> Appended:
    """Log a certificate, or with `pre` a precertificate; `chain` is in DER, each certified by the one after it.

    Its root may be left out (RFC 6962, section 4.1). Only signatures count, and not whether it is valid now or for
    what: what a root of ours should never have led to is the very thing that is to be seen. Raises Invalid.
    """
    whole = _up_to_root(_read(chain))
    if is_precertificate(whole[0]) != pre:
        said = "is a certificate: hand it in by add-chain" if pre else "is a precertificate: use add-pre-chain"
        raise Invalid(f"the first one {said}", field="chain")
    first, *above = (each.public_bytes(Encoding.DER) for each in whole)
    draft = Draft(
        entry=entry_of(first, above),
        certificate_der=first,
        chain=tuple(above),
        serial=serial_of(whole[0]),
        source="submitted",
    )
    return append([draft])[0]


def _read(chain: Sequence[bytes]) -> list[x509.Certificate]:
    if not 1 <= len(chain) <= MAX_CHAIN:
        raise Invalid(f"has {len(chain)} certificates; 1 to {MAX_CHAIN} are taken", field="chain")
    read = []
    for place, der in enumerate(chain, 1):
        try:
            certificate = x509.load_der_x509_certificate(der)
        except Exception:  # not only ValueError: an unknown version, say, is an error of its own
            raise Invalid(f"certificate {place} is none in DER", field="chain") from None
        check_readable(certificate, place=place, field="chain")
        read.append(certificate)
    return read


def _up_to_root(chain: list[x509.Certificate]) -> list[x509.Certificate]:
    """The chain with the root at its end; Invalid when it does not lead there."""
    for place, (below, above) in enumerate(pairwise(chain), 1):
        _check_step(below, above, f"certificate {place + 1}", place)
    roots = accepted_roots()
    if chain[-1] in roots:
        return chain
    root = next((each for each in roots if is_issued_by(chain[-1], each)), None)
    if root is None:
        raise Invalid("does not lead to a root that this log takes; get-roots lists them", field="chain")
    _check_step(chain[-1], root, "the root", len(chain))
    return [*chain, root]


def _check_step(below: x509.Certificate, above: x509.Certificate, name: str, place: int) -> None:
    if not is_ca(above):
        raise Invalid(f"{name} is not an authority's", field="chain")
    if not is_issued_by(below, above):
        raise Invalid(f"{name} did not sign certificate {place}", field="chain")
