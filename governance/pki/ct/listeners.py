"""Which TLS ports are looked at; pure."""

import ipaddress
import re
from dataclasses import dataclass

from governance.kernel.errors import Invalid
from governance.pki.names import check_dns_name

_ADDRESS = re.compile(r"(?P<host>[a-z0-9.-]{1,253}|\[[0-9a-f:]{2,45}\]):(?P<port>[1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerView:
    """A TLS port that somebody asked to be looked at; an empty `id` is that of a service's endpoint."""

    id: str
    namespace: str
    address: str
    server_name: str
    service: str = ""
    revision: int = 0


def check_listener(address: str, server_name: str) -> None:
    """Refuse what is no host and port, or no DNS name to ask for."""
    host, _ = split(address)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not re.fullmatch(r"[a-z0-9-]+", host):
            check_dns_name(host, field="address", wildcard=False)
    if server_name:
        check_dns_name(server_name, field="server_name", wildcard=False)


def split(address: str) -> tuple[str, int]:
    """Host, without brackets, and port."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        raise Invalid(f"{address[:80]!r} is not host:port, in lower case, with a port of 1 to 65535", field="address")
    return match["host"].strip("[]"), int(match["port"])
