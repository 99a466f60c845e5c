"""What a certificate's signature covers, by its bytes: its parts, and a copy without some extensions; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.kernel.errors import Invalid
from governance.pki.ct.der import BOOLEAN, OCTET_STRING, OID, SEQUENCE, Element, children, element, whole, wrap

_VERSION, _EXTENSIONS = 0xA0, 0xA3


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension as it stands in the certificate; `raw` is all of it, `value` what its octet string holds."""

    critical: bool
    value: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Tbs:
    """The parts of a TBSCertificate (RFC 5280, section 4.1).

    `before` is all that precedes the issuer and `between` all from there to the extensions; `extensions` are by the
    content octets of their object identifiers, in their order. Written out again unchanged, it is the same bytes.
    """

    before: bytes
    issuer: bytes
    between: bytes
    key: bytes
    extensions: Mapping[bytes, Extension]

    def encode(self, extensions: Mapping[bytes, Extension], *, issuer: bytes = b"") -> bytes:
        """The same with other extensions, and with another issuer's name when one is given."""
        listed = b"".join([extension.raw for extension in extensions.values()])
        tail = wrap(_EXTENSIONS, wrap(SEQUENCE, listed)) if listed else b""
        return wrap(SEQUENCE, self.before + (issuer or self.issuer) + self.between + tail)


def read(data: bytes) -> Tbs:
    """Take a TBSCertificate apart; raises Invalid when it is none, or has an extension twice."""
    outer = whole(data, SEQUENCE)
    fields = list(children(data, outer))
    first = 1 if fields and fields[0].tag == _VERSION else 0
    if len(fields) < first + 6:
        raise Invalid("is no certificate: parts are missing")
    issuer, key = fields[first + 2], fields[first + 5]
    extensions = fields[-1] if fields[-1].tag == _EXTENSIONS else None
    end = extensions.start if extensions else outer.end
    return Tbs(
        before=data[outer.inner : issuer.start],
        issuer=data[issuer.start : issuer.end],
        between=data[issuer.end : end],
        key=data[key.start : key.end],
        extensions=_extensions(data, extensions) if extensions else {},
    )


def _extensions(data: bytes, explicit: Element) -> dict[bytes, Extension]:
    (listed,) = children(data, explicit)
    extensions: dict[bytes, Extension] = {}
    for each in children(data, listed):
        oid = element(data, each.inner, each.end)
        flag = element(data, oid.end, each.end)
        critical = flag.tag == BOOLEAN
        value = element(data, flag.end, each.end) if critical else flag
        if oid.tag != OID or value.tag != OCTET_STRING or value.end != each.end:
            raise Invalid("is no certificate: an extension is not one")
        name = data[oid.inner : oid.end]
        if name in extensions:
            raise Invalid("has an extension twice")
        content = data[value.inner : value.end]
        extensions[name] = Extension(critical and data[flag.inner] != 0, content, data[each.start : each.end])
    return extensions


def extension(oid: bytes, value: bytes) -> Extension:
    """An extension that is not critical, as it would stand in a certificate."""
    return Extension(False, value, wrap(SEQUENCE, wrap(OID, oid) + wrap(OCTET_STRING, value)))
