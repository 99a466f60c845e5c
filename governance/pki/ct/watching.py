"""Which certificates in a log concern names of ours, read so leniently that no mistake in one hides it; pure."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

# The content octets of the object identifiers; what stands before them may be encoded in ways that nobody expects.
_ALTERNATIVE_NAME, _COMMON_NAME = re.compile(rb"\x55\x1d\x11"), re.compile(rb"\x55\x04\x03")
_BOOLEAN, _OCTET_STRINGS, _SEQUENCE = 0x01, (0x04, 0x24), 0x30
_EMAIL, _DNS, _URI, _IP = 0x81, 0x82, 0x86, 0x87
_TEXTS = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
_FULL_STOPS = str.maketrans("\u3002\uff0e\uff61", "...")  # RFC 3490, section 3.1
_INDEFINITE = 0x80


def names_in(der: bytes) -> tuple[str, ...]:
    """Every name in a certificate or precertificate, each once: DNS names, addresses, e-mail, URIs, common names.

    Nothing is refused: the places are searched by their object identifiers, wherever they stand, and of what is cut
    short the part that is there is read (as CertSpotter does it). A NUL ends a name, and another one begins.
    """
    found = [name for match in _ALTERNATIVE_NAME.finditer(der) for name in _alternative_names(der, match.end())]
    found += [name for match in _COMMON_NAME.finditer(der) for name in _common_name(der, match.end())]
    return tuple(dict.fromkeys(part for name in found for part in _parts(name)))


def matches(watched: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that concern a watched one.

    Watched is `a.example.com` itself, `*.example.com` with any one label before it, and `.example.com` with
    everything below it; `=*.example.com` is that wildcard and no other name. A star in a certificate stands for
    whatever fits. Case, a final dot and the spelling of
    international names do not matter; of an e-mail address or a URI, the host counts.
    """
    watch = _watch(tuple(watched))
    return tuple(name for name in names if any(_concerns(watch, part) for part in _parts(name)))


@dataclass(frozen=True, slots=True)
class _Watch:
    """`exact` and `below` answer for nearly all names at once; `patterns` are all but the `literal`, by their labels.

    `above` are the patterns without their first label, which is what a star in front of a name may stand for.
    """

    literal: frozenset[str]
    exact: frozenset[str]
    below: frozenset[str]
    above: frozenset[str]
    patterns: tuple[tuple[bool, tuple[str, ...]], ...]
    odd: tuple[tuple[bool, tuple[str, ...]], ...]


@lru_cache(maxsize=64)
def _watch(watched: tuple[str, ...]) -> _Watch:
    literal = frozenset(_folded(name[1:]) for name in watched if name.startswith("="))
    folded = [folded for name in watched if not name.startswith("=") and (folded := _folded(name))]
    patterns = tuple((name.startswith("."), tuple(name.lstrip(".").split("."))) for name in folded)
    odd = tuple(pattern for pattern in patterns if any("*" in label for label in _after_star(pattern[1])))
    return _Watch(
        literal=literal,
        exact=frozenset(name for name in folded if not name.startswith(".")),
        below=frozenset(name.lstrip(".") for name in folded if name.startswith(".")),
        above=frozenset(name.lstrip(".").partition(".")[2] for name in folded),
        patterns=patterns,
        odd=odd,
    )


def _after_star(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Without the one star that `*.example.com` begins with."""
    return labels[1:] if labels[0] == "*" else labels


def _concerns(watch: _Watch, name: str) -> bool:
    host = _folded(_host(name))
    if name in watch.exact or host in watch.literal:
        return True
    labels = tuple(host.split("."))
    rest = host.removeprefix("*.")
    if "*" in rest or "?" in rest:  # a question mark stood for a label that the authority kept back
        return any(_overlap(pattern, labels) for pattern in watch.patterns)
    if rest != host and rest in watch.above:
        return True
    above = host.partition(".")[2]
    if host in watch.exact or (above and f"*.{above}" in watch.exact):
        return True
    if any(".".join(labels[start:]) in watch.below for start in range(len(labels))):
        return True
    return any(_overlap(pattern, labels) for pattern in watch.odd)


def _overlap(pattern: tuple[bool, tuple[str, ...]], labels: tuple[str, ...]) -> bool:
    below, wanted = pattern
    if len(labels) < len(wanted) or (len(labels) > len(wanted) and not below):
        return False
    return all(_same(one, other) for one, other in zip(wanted, labels[len(labels) - len(wanted) :], strict=True))


def _same(one: str, other: str) -> bool:
    """Whether some label fits both; two with stars in them are taken to meet."""
    if one == other:
        return True
    stars = [label for label in (one, other) if "*" in label or label == "?"]
    if len(stars) == 1:
        plain = other if stars[0] is one else one
        return stars[0] == "?" or re.fullmatch(re.escape(stars[0]).replace(r"\*", ".*"), plain) is not None
    return bool(stars)


def _host(name: str) -> str:
    """The host of a URI or an e-mail address; any other name as it is."""
    if "://" in name:
        authority = re.split("[/?#]", name.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
        return re.sub(r":\d*$", "", authority)
    return name.rpartition("@")[2]


def _folded(name: str) -> str:
    """The name in the one spelling in which names are compared: lower case, international labels in Unicode."""
    text = unicodedata.normalize("NFKC", name.strip().translate(_FULL_STOPS)).lower().rstrip(".")
    return ".".join(_unicode(label) for label in text.split(".")) if "xn--" in text else text


def _unicode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return unicodedata.normalize("NFKC", label[4:].encode("ascii").decode("punycode")).lower()
    except UnicodeError:
        return label


def _parts(name: str) -> Iterator[str]:
    return (part for part in map(str.strip, name.split("\0")) if part)


def _alternative_names(der: bytes, at: int) -> Iterator[str]:
    """The extension's value: perhaps a flag, then names in a sequence in an octet string."""
    tag, start, end = _lenient(der, at, len(der))
    if tag == _BOOLEAN:
        tag, start, end = _lenient(der, end, len(der))
    if tag in _OCTET_STRINGS:
        tag, start, end = _lenient(der, start, end)
    if tag != _SEQUENCE:
        return
    while start < end:
        tag, inner, start = _lenient(der, start, end)
        content = der[inner:start]
        if tag == _IP:
            yield from _address(content)
        elif tag in (_EMAIL, _DNS, _URI):
            yield _text(content, "utf-8")


def _common_name(der: bytes, at: int) -> Iterator[str]:
    tag, start, end = _lenient(der, at, len(der))
    if tag in _TEXTS or tag in (0x12, 0x13, 0x14, 0x16, 0x1A):  # the other kinds of strings have one byte each
        yield _text(der[start:end], _TEXTS.get(tag, "utf-8"))


def _address(content: bytes) -> Iterator[str]:
    if len(content) in (4, 16):
        yield str(ipaddress.ip_address(content))


def _text(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _lenient(der: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and end of an element; one that claims more than there is, or an unknown length, has what there is.

    Past the end it is an element of tag 0 with nothing in it.
    """
    if at + 2 > end:
        return 0, end, end
    tag, length, start = der[at], der[at + 1], at + 2
    if length == _INDEFINITE:
        return tag, start, end
    if length > _INDEFINITE:
        after = start + (length & 0x7F)
        length, start = int.from_bytes(der[start:after]), min(after, end)
    return tag, start, min(start + length, end)
