"""What an entry is about, whether it was logged before the certificate or as the certificate; pure."""

import hashlib

from cryptography import x509

from governance.kernel.errors import Invalid
from governance.pki.ct import tbs
from governance.pki.ct.der import SEQUENCE, children, element, span, whole, wrap
from governance.pki.ct.entry import Entry
from governance.pki.ct.sct import EMBEDDED
from governance.pki.ct.watching import names_in

_VERSION = 0xA0
_NO_SIGNATURE = b"\x03\x01\x00"  # a bit string without bits


def tbs_of(der: bytes) -> bytes:
    """What the signature of a certificate covers; all of it when that cannot be cut out."""
    try:
        outer = whole(der, SEQUENCE)
        inner = element(der, outer.inner, outer.end)
    except Invalid:
        return der
    return der[inner.start : inner.end]


def without_timestamps(body: bytes) -> bytes:
    """A TBS as a log signs about it before there are timestamps in it; unchanged when it cannot be taken apart."""
    try:
        read = tbs.read(body)
    except Invalid:
        return body
    if EMBEDDED not in read.extensions:
        return body
    return read.encode({oid: extension for oid, extension in read.extensions.items() if oid != EMBEDDED})


def body_of(entry: Entry) -> bytes:
    """The TBS of an entry, which for a precertificate and for the certificate that follows it is the same."""
    return entry.body if entry.kind == "precert" else without_timestamps(tbs_of(entry.body))


def content_of(entry: Entry) -> str:
    """What names a certificate in however many logs and forms it is found: SHA-256 of its body, in hex."""
    return digest_of(body_of(entry))


def digest_of(body: bytes) -> str:
    """The same of what `body_of` gave."""
    return hashlib.sha256(body).hexdigest()


def names_of(entry: Entry) -> tuple[str, ...]:
    """Every name in an entry but those of its issuer, read leniently; all there are when it cannot be taken apart."""
    try:
        read = tbs.read(entry.body if entry.kind == "precert" else tbs_of(entry.body))
    except Invalid:
        return names_in(entry.body)
    return names_in(read.between + b"".join(read.extensions.values()))


def serial_in(body: bytes) -> str:
    """The serial number in a TBS, in hex as it is kept; empty when it cannot be read."""
    try:
        outer = whole(body, SEQUENCE)
        number = element(body, outer.inner, outer.end)
        if number.tag == _VERSION:
            number = element(body, number.end, outer.end)
    except Invalid:
        return ""
    return f"{int.from_bytes(body[number.inner : number.end]):x}"


def subject_of(body: bytes) -> bytes:
    """The name in DER of whom a TBS is about; raises Invalid when it cannot be read."""
    between = tbs.read(body).between
    _, start = span(between, 0, len(between))  # the validity stands before it
    _, end = span(between, start, len(between))
    return between[start:end]


def read_certificate(der: bytes) -> x509.Certificate:
    """A stranger's certificate; Invalid when it cannot be read, whatever the library makes of it.

    It fails in more ways than it tells: an unknown version, say, is no ValueError.
    """
    try:
        return x509.load_der_x509_certificate(der)
    except Exception as error:
        raise Invalid(f"cannot be read: {said_by(error)}") from None


def said_by(error: Exception) -> str:
    """What an error about strangers' bytes says, short and fit to be kept in any table."""
    text = str(error)[:200].encode("utf-8", "replace").decode()
    return text.replace("\0", "?") or type(error).__name__


def read_entry(entry: Entry) -> x509.Certificate:
    """What is in the tree as a certificate, that of a precertificate's entry without a signature.

    Raises Invalid when it cannot be read. The precertificate that a log shows beside its entry is only its word.
    """
    if entry.kind == "x509":
        return read_certificate(entry.body)
    outer = whole(entry.body, SEQUENCE)
    if outer.inner == outer.end:
        raise Invalid("cannot be read: there is nothing in it")
    parts = [entry.body[each.start : each.end] for each in children(entry.body, outer)]
    place = 2 if entry.body[outer.inner] == _VERSION else 1
    if len(parts) <= place:
        raise Invalid("cannot be read: parts are missing")
    return read_certificate(wrap(SEQUENCE, entry.body + parts[place] + _NO_SIGNATURE))
