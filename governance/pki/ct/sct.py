"""Signed certificate timestamps: what they say, and the places in which they come (RFC 6962, section 3); pure."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509 import ocsp

from governance.kernel.errors import Invalid
from governance.pki.ct import tbs
from governance.pki.ct.der import OCTET_STRING, SEQUENCE, Element, children, element, whole, wrap
from governance.pki.ct.wire import Reader, opaque, uint, uint8, uint64

EMBEDDED_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
EMBEDDED = bytes.fromhex("2b06010401d679020402")  # its content octets
STAPLED = bytes.fromhex("2b06010401d679020405")  # those of 1.3.6.1.4.1.11129.2.4.5, in OCSP responses

_V1 = 0
_HEAD = struct.Struct(">B32sQH")  # version, log, timestamp, and the length of the extensions that follow
_SIGNED = struct.Struct(">BBH")  # the two algorithms, and the length of the signature, with which the SCT ends
_LEAF_INDEX = 0  # the type of the extension that static-ct-api requires
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999, where datetime ends


@dataclass(frozen=True, slots=True)
class Sct:
    """A log's promise to take an entry: which log, when, and its signature over both and the entry."""

    log_id: bytes
    timestamp_ms: int
    extensions: bytes
    hash_algorithm: int
    signature_algorithm: int
    signature: bytes
    version: int = _V1

    def __post_init__(self) -> None:
        if len(self.log_id) != 32:
            raise Invalid(f"has {len(self.log_id)} bytes; a log's name has 32", field="log_id")

    @property
    def at(self) -> datetime:
        """When the log made the promise; a time beyond the year 9999 is the last one there is."""
        return _EPOCH + timedelta(milliseconds=min(self.timestamp_ms, _LATEST_MS))

    @property
    def leaf_index(self) -> int | None:
        """Where in the log the entry stands, when the log says so (static-ct-api); None when it does not."""
        reader, indices = Reader(self.extensions), []
        try:
            while reader.left_bytes:
                kind, data = reader.uint8(), reader.opaque(2)
                if kind == _LEAF_INDEX:
                    indices.append(data)
        except Invalid:
            return None
        return int.from_bytes(indices[0]) if len(indices) == 1 and len(indices[0]) == 5 else None

    def encode(self) -> bytes:
        """The SignedCertificateTimestamp of TLS."""
        head = uint8(self.version) + self.log_id + uint64(self.timestamp_ms) + opaque(self.extensions, 2)
        return head + uint8(self.hash_algorithm) + uint8(self.signature_algorithm) + opaque(self.signature, 2)


def parse(data: bytes) -> Sct:
    """Read one SCT of version 1; raises Invalid when it is none, or is followed by anything."""
    try:
        version, log_id, timestamp_ms, length = _HEAD.unpack_from(data)
        if version != _V1:
            raise Invalid(f"the SCT is of version {version + 1}; only version 1 is known")
        after = _HEAD.size + length
        hash_algorithm, signature_algorithm, due = _SIGNED.unpack_from(data, after)
    except struct.error:
        raise Invalid(f"the SCT is cut short: it has {len(data)} bytes") from None
    extensions, signature = data[_HEAD.size : after], data[after + _SIGNED.size :]
    if len(signature) != due:
        raise Invalid(f"the SCT has a signature of {due} bytes, for which {len(signature)} are there")
    return Sct(log_id, timestamp_ms, extensions, hash_algorithm, signature_algorithm, signature)


def parse_list(data: bytes) -> tuple[Sct, ...]:
    """Read a SignedCertificateTimestampList (RFC 6962, section 3.3); raises Invalid when any of it is wrong."""
    end = len(data)
    if int.from_bytes(data[:2]) != end - 2 or end <= 2:
        raise Invalid(f"the list of SCTs has {end} bytes, which is not what its length says, or none at all")
    scts: list[Sct] = []
    at = 2
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        if at > end:
            raise Invalid(f"SCT {len(scts) + 1} is longer than the list that it is in")
        scts.append(parse(data[start:at]))
    return tuple(scts)


def encode_list(scts: Sequence[Sct]) -> bytes:
    """The inverse of `parse_list`."""
    if not scts:
        raise Invalid("the list of SCTs is empty; it holds at least one")
    return opaque(b"".join(opaque(sct.encode(), 2) for sct in scts), 2)


def embedded(certificate: x509.Certificate) -> tuple[Sct, ...]:
    """The SCTs inside of the certificate, none when it has none; raises Invalid when they cannot be read."""
    return embedded_in(tbs.read(certificate.tbs_certificate_bytes))


def embedded_in(body: tbs.Tbs) -> tuple[Sct, ...]:
    """The same of a certificate that is already taken apart."""
    extension = body.find(EMBEDDED)
    return _wrapped(extension.value) if extension else ()


def stapled(ocsp_response_der: bytes) -> tuple[Sct, ...]:
    """The SCTs inside of an OCSP response with one answer, none when it has none; nothing else of it is checked."""
    try:
        response = ocsp.load_der_ocsp_response(ocsp_response_der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return ()
        answers = response.tbs_response_bytes
    except Exception:  # strangers' bytes, which fail in more ways than the library tells
        raise Invalid("is no OCSP response that can be read") from None
    return _stapled(answers)


def _stapled(data: bytes) -> tuple[Sct, ...]:
    """ResponseData (RFC 6960, 4.2.1): its answers are the one SEQUENCE in it, each with extensions of its own."""
    answers = next(part for part in children(data, whole(data, SEQUENCE)) if part.tag == SEQUENCE)
    found = [value for answer in children(data, answers) if (value := _single_extension(data, answer)) is not None]
    if len(found) > 1:
        raise Invalid("has SCTs in several answers")
    return _wrapped(found[0]) if found else ()


def _single_extension(data: bytes, answer: Element) -> bytes | None:
    last = list(children(data, answer))[-1]
    if last.tag != 0xA1:
        return None
    for extension in children(data, element(data, last.inner, last.end)):
        parts = list(children(data, extension))
        if data[parts[0].inner : parts[0].end] == STAPLED:
            return data[parts[-1].inner : parts[-1].end]
    return None


def from_tls_extension(data: bytes) -> tuple[Sct, ...]:
    """The SCTs in the `signed_certificate_timestamp` extension of TLS (type 18), given what the extension holds."""
    return parse_list(data)


def leaf_index_extension(index: int) -> bytes:
    """The extension by which a log says where it puts the entry: 8 bytes, which it signs (static-ct-api)."""
    return uint8(_LEAF_INDEX) + opaque(uint(index, 5), 2)


def sct_extension(scts: Sequence[Sct]) -> x509.UnrecognizedExtension:
    """The SCTs as an extension of a certificate."""
    return x509.UnrecognizedExtension(EMBEDDED_OID, wrap(OCTET_STRING, encode_list(scts)))


def _wrapped(value: bytes) -> tuple[Sct, ...]:
    """In certificates and OCSP responses the list stands in an octet string of its own (RFC 6962, section 3.3)."""
    return parse_list(value[whole(value, OCTET_STRING).inner :])
