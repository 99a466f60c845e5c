"""What may stand as a name in a certificate: DNS names, IP addresses and SPIFFE IDs."""

import ipaddress
import re
from dataclasses import dataclass

from governance.kernel.errors import Invalid
from governance.kernel.ids import check_label

MAX_NAMES = 100
MAX_COMMON_NAME = 64  # ub-common-name of RFC 5280, appendix A.1
MAX_SPIFFE_ID_BYTES = 2048
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_SEGMENT = re.compile(r"[a-zA-Z0-9._-]+")
_WORKLOAD = re.compile(r"/ns/([^/]+)/sa/([^/]+)")
_COMMON_NAME = re.compile(r"[\x20-\x7e]+")


def check_dns_name(name: str, *, field: str, wildcard: bool) -> None:
    """Refuse all but a lower-case host name; with `wildcard`, "*" may stand as its whole first label."""
    if len(name) > 253:
        raise Invalid(f"{name[:40]!r}... has {len(name)} characters; a DNS name has at most 253", field=field)
    if name.endswith("."):
        raise Invalid(f"{name!r} ends with a dot; leave it away", field=field)
    labels = name.split(".")
    if labels[0] == "*":
        if not wildcard:
            raise Invalid(f"{name!r} is a wildcard, which is not allowed here", field=field)
        labels = labels[1:]
        if len(labels) < 2:
            raise Invalid(f"{name!r} is too wide: a wildcard needs at least two labels after it", field=field)
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise Invalid(f"{name!r} is not a DNS name of lower-case letters, digits, '-' and '.'", field=field)
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        raise Invalid(f"{name!r} reads as an IP address; give it as one", field=field)


def check_ip(text: str, *, field: str) -> None:
    """Refuse what is no IP address in its usual form, such as 10.0.0.7 or 2001:db8::7."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Invalid(f"{text[:80]!r} is not an IP address", field=field) from None
    if "%" in text:
        raise Invalid(f"{text!r} has a zone, which means something on one machine only", field=field)
    if str(address) != text:
        raise Invalid(f"{text!r} is written {address}", field=field)
    if address.is_unspecified or address.is_multicast:
        raise Invalid(f"{text} is an unspecified or multicast address", field=field)


def check_trust_domain(text: str, *, field: str) -> None:
    """Refuse what is no SPIFFE trust domain name (SPIFFE-ID, section 2.1): 1 to 255 of a-z, 0-9, '.', '-' and '_'."""
    if not _TRUST_DOMAIN.fullmatch(text):
        raise Invalid(f"{text[:80]!r} is not a trust domain: use 1 to 255 of a-z, 0-9, '.', '-' and '_'", field=field)


def check_spiffe(uri: str, *, trust_domain: str, field: str) -> None:
    """Refuse all but a SPIFFE ID with a path, in `trust_domain`; an empty `trust_domain` allows any (SPIFFE-ID, 2)."""
    if len(uri.encode("utf-8", "replace")) > MAX_SPIFFE_ID_BYTES:
        raise Invalid(f"is longer than {MAX_SPIFFE_ID_BYTES} bytes", field=field)
    if not uri.startswith("spiffe://"):
        raise Invalid(f"{uri[:120]!r} is not a SPIFFE ID: it begins with spiffe://", field=field)
    domain, slash, path = uri.removeprefix("spiffe://").partition("/")
    check_trust_domain(domain, field=field)
    if trust_domain and domain != trust_domain:
        raise Invalid(f"{uri[:120]!r} is in the trust domain {domain}, not in {trust_domain}", field=field)
    if not slash:
        raise Invalid(f"{uri[:120]!r} has no path, so it names no workload", field=field)
    for segment in path.split("/"):
        if not _SEGMENT.fullmatch(segment) or segment in {".", ".."}:
            raise Invalid(
                f"{uri[:120]!r} has the path segment {segment[:40]!r}; a segment is of letters, digits, '.', '_' "
                "and '-', and neither empty nor '.' nor '..'",
                field=field,
            )


def workload_uri(trust_domain: str, namespace: str, name: str) -> str:
    """The SPIFFE ID of the workload `name` of `namespace`."""
    check_trust_domain(trust_domain, field="trust_domain")
    check_label(namespace, field="namespace")
    check_label(name, field="name")
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{name}"


def workload_of(uri: str, trust_domain: str) -> tuple[str, str] | None:
    """Namespace and name of the workload whose SPIFFE ID `uri` is; None when it is none of `trust_domain`."""
    prefix = f"spiffe://{trust_domain}"
    found = _WORKLOAD.fullmatch(uri.removeprefix(prefix)) if uri.startswith(prefix) else None
    if found is None:
        return None
    namespace, name = found.groups()
    try:
        return (namespace, name) if workload_uri(trust_domain, namespace, name) == uri else None
    except Invalid:
        return None


def check_common_name(text: str, *, field: str) -> None:
    """Refuse what is not 1 to 64 printable ASCII characters, or has space around it."""
    if len(text) > MAX_COMMON_NAME:
        raise Invalid(f"has {len(text)} characters; a common name has at most {MAX_COMMON_NAME}", field=field)
    if not _COMMON_NAME.fullmatch(text) or text != text.strip():
        raise Invalid(f"{text!r} is not printable ASCII without space around it", field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Whom a certificate is for: at least one name."""

    dns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    common_name: str = ""

    def __post_init__(self) -> None:
        if not (self.dns or self.uris or self.ips or self.common_name):
            raise Invalid("names nobody: give a DNS name, a URI, an IP address or a common name", field="names")
        if len(self.dns) + len(self.uris) + len(self.ips) > MAX_NAMES:
            raise Invalid(f"has more than {MAX_NAMES} names", field="names")
        for name in self.dns:
            check_dns_name(name, field="dns_names", wildcard=True)
        if len(self.uris) > 1:
            raise Invalid("has more than one; a workload has one SPIFFE ID", field="uris")
        for uri in self.uris:
            check_spiffe(uri, trust_domain="", field="uris")
        for ip in self.ips:
            check_ip(ip, field="ips")
        if self.common_name:
            check_common_name(self.common_name, field="common_name")
        for field, listed in (("dns_names", self.dns), ("ips", self.ips)):
            if len(set(listed)) != len(listed):
                raise Invalid("has a name twice", field=field)
