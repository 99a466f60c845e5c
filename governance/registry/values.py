"""What a service and an endpoint are; pure."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from governance.kernel.addresses import is_here_only
from governance.kernel.errors import Invalid
from governance.kernel.ids import check_label, check_text

Health = Literal["unknown", "healthy", "unhealthy"]

DEFAULT_TTL_S = 30
MIN_TTL_S, MAX_TTL_S = 5, 3600
MAX_WEIGHT = 1000
MAX_METADATA = 32
PROTOCOLS = ("grpc",)
_HOST = re.compile(r"(?!-)[a-zA-Z0-9-]{1,63}(?<!-)(\.(?!-)[a-zA-Z0-9-]{1,63}(?<!-))*")
_GRPC_SERVICE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # and lone surrogates, which have no UTF-8


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """What its owner says about a service."""

    namespace: str
    name: str
    owner: str = ""
    protocol: str = "grpc"
    description: str = ""
    grpc_services: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_label(self.name, field="name")
        check_text(self.owner, field="owner", limit=100)
        check_text(self.description, field="description", limit=1000)
        _check_text(self.owner, field="owner")
        _check_text(self.description.replace("\n", "").replace("\t", ""), field="description")
        if self.protocol not in PROTOCOLS:
            raise Invalid(f"{self.protocol!r} is not one of {', '.join(PROTOCOLS)}", field="protocol")
        if len(self.grpc_services) > 100:
            raise Invalid("has more than 100 names", field="grpc_services")
        for name in self.grpc_services:
            if len(name) > 255 or not _GRPC_SERVICE.fullmatch(name):
                raise Invalid(
                    f"{name!r} is not a full protobuf service name such as shop.v1.Checkout", field="grpc_services"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSpec:
    """What an instance says about itself."""

    name: str
    host: str
    port: int
    zone: str
    sub_zone: str = ""
    weight: int = 1
    metadata: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    def __post_init__(self) -> None:
        check_label(self.name, field="name")
        check_host(self.host)
        if not 1 <= self.port <= 65535:
            raise Invalid(f"is {self.port}; a port is 1 to 65535", field="port")
        check_label(self.zone, field="zone")
        if self.sub_zone:
            check_label(self.sub_zone, field="sub_zone")
        check_weight(self.weight)
        check_metadata(self.metadata)
        if len(self.version) > 63 or (self.version and not _KEY.fullmatch(self.version)):
            raise Invalid("is at most 63 of letters, digits, '.', '_', '/' and '-'", field="version")

    @property
    def address(self) -> str:
        """host:port, with brackets round an IPv6 host."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def check_host(host: str) -> None:
    """Refuse what is neither an IP address nor a DNS name; link-local and unspecified addresses as well."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if len(host) > 253 or not _HOST.fullmatch(host) or host.replace(".", "").isdigit():
            raise Invalid(f"{host!r} is neither an IP address nor a DNS name", field="host") from None
        return
    if is_here_only(address):
        raise Invalid(f"{host} is a link-local, unspecified or multicast address", field="host")


def _check_text(text: str, *, field: str) -> None:
    if _CONTROL.search(text):
        raise Invalid("has a control character", field=field)


def check_weight(weight: int) -> None:
    """Refuse a weight outside 1 to 1,000."""
    if weight == 0:
        raise Invalid("is 0; isolate the endpoint to keep calls away from it", field="weight")
    if not 1 <= weight <= MAX_WEIGHT:
        raise Invalid(f"is {weight}; a weight is 1 to {MAX_WEIGHT}", field="weight")


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Refuse more than 32 entries, keys that are no identifiers and values over 256 characters."""
    if len(metadata) > MAX_METADATA:
        raise Invalid(f"has {len(metadata)} entries; at most {MAX_METADATA} are allowed", field="metadata")
    for key, value in metadata.items():
        if not _KEY.fullmatch(key):
            raise Invalid(f"key {key[:80]!r} is not 1 to 63 of letters, digits, '.', '_', '/', '-'", field="metadata")
        check_text(value, field="metadata", limit=256)
        _check_text(value, field="metadata")


def check_ttl(ttl_s: int) -> None:
    """Refuse a lease length outside 5 to 3,600 s; 0 means no lease."""
    if ttl_s and not MIN_TTL_S <= ttl_s <= MAX_TTL_S:
        raise Invalid(f"is {ttl_s}; a lease lasts {MIN_TTL_S} to {MAX_TTL_S} s, or 0 for none", field="ttl_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint as it stands."""

    namespace: str
    service: str
    name: str
    host: str
    port: int
    zone: str
    sub_zone: str
    weight: int
    metadata: Mapping[str, str]
    version: str
    isolated: bool
    draining: bool
    health: Health
    health_detail: str
    revision: int
    ttl_s: int
    lease_expires_at: datetime | None

    @property
    def address(self) -> str:
        """host:port, with brackets round an IPv6 host."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def serving(self) -> bool:
        """Whether it may be sent new calls: not isolated, not draining, not known to be unhealthy."""
        return not self.isolated and not self.draining and self.health != "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as it stands, with its endpoints ordered by name."""

    uid: str
    namespace: str
    name: str
    owner: str
    protocol: str
    description: str
    grpc_services: tuple[str, ...]
    revision: int
    endpoints: tuple[Endpoint, ...]

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones its endpoints are in."""
        return tuple(sorted({endpoint.zone for endpoint in self.endpoints}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A service with its endpoints counted; `last_revision` is the newest of its own and theirs."""

    uid: str
    namespace: str
    name: str
    owner: str
    zones: tuple[str, ...]
    total: int
    healthy: int
    unhealthy: int
    isolated: int
    last_revision: int
