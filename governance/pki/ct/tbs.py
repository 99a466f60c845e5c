"""What a certificate's signature covers, by its bytes: its parts, and a copy without some extensions; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from governance.kernel.errors import Invalid
from governance.pki.ct.der import BOOLEAN, OCTET_STRING, OID, SEQUENCE, span, whole, wrap

_VERSION, _EXTENSIONS = b"\xa0", 0xA3
_LEAST = 6  # serial number, signature algorithm, issuer, validity, subject and key


class Extension(NamedTuple):
    """What an extension says: whether it is critical, and what its octet string holds."""

    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Tbs:
    """The parts of a TBSCertificate (RFC 5280, section 4.1).

    `before` is all that precedes the issuer and `between` all from there to the extensions; `extensions` are by the
    content octets of their object identifiers, in their order, each whole. Written out again unchanged, it is the same
    bytes.
    """

    before: bytes
    issuer: bytes
    between: bytes
    key: bytes
    extensions: Mapping[bytes, bytes]

    def find(self, oid: bytes) -> Extension | None:
        """The extension of that name, None when there is none; raises Invalid when it cannot be read."""
        raw = self.extensions.get(oid)
        if raw is None:
            return None
        at, end = span(raw, 0, len(raw))
        _, at = span(raw, at, end)
        start, after = span(raw, at, end)
        critical = raw[at] == BOOLEAN
        if critical:
            critical, at = raw[start:after] != b"\x00", after
            start, after = span(raw, at, end)
        if raw[at] != OCTET_STRING or after != end:
            raise Invalid("is no certificate: an extension is not one")
        return Extension(critical, raw[start:after])

    def encode(self, extensions: Mapping[bytes, bytes], *, issuer: bytes = b"") -> bytes:
        """The same with other extensions, and with another issuer's name when one is given."""
        listed = b"".join(extensions.values())
        tail = wrap(_EXTENSIONS, wrap(SEQUENCE, listed)) if listed else b""
        return wrap(SEQUENCE, self.before + (issuer or self.issuer) + self.between + tail)


@lru_cache(maxsize=64)
def read(data: bytes) -> Tbs:
    """Take a TBSCertificate apart; raises Invalid when it is none, or has an extension twice.

    The last few are kept, because whoever reads the SCTs in a certificate asks next what they are about.
    """
    outer = whole(data, SEQUENCE)
    fields, at = [], outer.inner
    while at < outer.end:
        fields.append(at)
        at = span(data, at, outer.end)[1]
    fields.append(outer.end)
    first = 1 if data[outer.inner : outer.inner + 1] == _VERSION else 0
    if len(fields) < first + _LEAST + 1:
        raise Invalid("is no certificate: parts are missing")
    issuer, validity, key, after_key = (fields[first + place] for place in (2, 3, 5, 6))
    extensions = fields[-2] if data[fields[-2]] == _EXTENSIONS else outer.end
    return Tbs(
        before=data[outer.inner : issuer],
        issuer=data[issuer:validity],
        between=data[validity:extensions],
        key=data[key:after_key],
        extensions=_extensions(data, extensions) if extensions < outer.end else {},
    )


def _extensions(data: bytes, explicit: int) -> dict[bytes, bytes]:
    """They are only cut apart: most of them nobody asks for, and reading them takes as long as all the rest."""
    start, end_of_all = span(data, explicit, len(data))
    at, last = span(data, start, end_of_all)
    if data[start] != SEQUENCE or last != end_of_all:
        raise Invalid("is no certificate: its extensions are not a sequence")
    extensions: dict[bytes, bytes] = {}
    while at < last:
        inner, end = span(data, at, last)
        name, after = span(data, inner, end)
        oid = data[name:after]
        if data[at] != SEQUENCE or data[inner] != OID:
            raise Invalid("is no certificate: an extension is not one")
        if oid in extensions:
            raise Invalid("has an extension twice")
        extensions[oid] = data[at:end]
        at = end
    return extensions


def extension(oid: bytes, value: bytes) -> bytes:
    """An extension that is not critical, as it stands in a certificate."""
    return wrap(SEQUENCE, wrap(OID, oid) + wrap(OCTET_STRING, value))
