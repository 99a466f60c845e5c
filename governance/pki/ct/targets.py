"""Which TLS ports are looked at, and in which order when they are too many for one round."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from django.conf import settings

from governance.environment import split_address
from governance.pki.ct.probing import Port, Target
from governance.pki.names import workload_uri
from governance.pki.queries import served, watching, workloads
from governance.pki.queries.served import Asked
from governance.pki.setup import CONTROL_PLANE, NAMESPACE
from governance.registry.queries import services

# A round looks at no more ports than this, of which so many may be ones that did not answer last time. Of n ports that
# answer each is looked at in every ceil(n / 1,700)th round at least, of n that do not in every ceil(n / 300)th.
A_ROUND, SILENT_A_ROUND = 2_000, 300
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def targets() -> list[Target]:
    """Every endpoint of services with mutual TLS, every listener, and our own ports, by what each shows per name."""
    found = [*_endpoints(), *_listeners(), *_own_ports()]
    return list(dict.fromkeys(found))


def in_turn(wanted: Iterable[Target], asked: Mapping[Port, Asked]) -> list[Port]:
    """The ports of the next round, in order.

    Those that showed something last time, and new ones, come before those that let everybody wait; among either the
    longest unasked first, and of each namespace the first before of any the second: nobody's ports wait for another's.
    """
    lively: list[tuple[datetime, str, Port]] = []
    silent: list[tuple[datetime, str, Port]] = []
    for port, namespace in {each.port: each.namespace for each in wanted}.items():
        last = asked.get(port)
        rest = silent if last is not None and last.silent else lively
        rest.append((last.at if last else _NEVER, namespace, port))
    spared = min(len(silent), SILENT_A_ROUND)
    return _fairly(lively)[: A_ROUND - spared] + _fairly(silent)[:spared]


def _fairly(ports: Sequence[tuple[datetime, str, Port]]) -> list[Port]:
    counted: dict[str, int] = {}
    ranked = []
    for at, namespace, port in sorted(ports, key=lambda each: (each[0], each[2].address, each[2].server_name)):
        counted[namespace] = counted.get(namespace, -1) + 1
        ranked.append((counted[namespace], at, port))
    return [port for _, _, port in sorted(ranked, key=lambda each: each[:2])]


def _endpoints() -> Iterator[Target]:
    mutual = {(each.namespace, each.service) for each in workloads.transports() if each.mode == "mutual"}
    for service in services(namespaces={namespace for namespace, _ in mutual}) if mutual else ():
        if (service.namespace, service.name) not in mutual:
            continue
        name = f"{service.name}.{service.namespace}.svc"  # what clients of the service ask for
        for endpoint in service.endpoints:
            port = Port(address=endpoint.address.lower(), server_name=name)
            yield Target(namespace=service.namespace, service=service.name, port=port)


def _listeners() -> Iterator[Target]:
    for each in watching.listeners():
        yield Target(namespace=each.namespace, port=Port(address=each.address, server_name=each.server_name))


def _own_ports() -> Iterator[Target]:
    """The gRPC port, and the HTTPS port by each name for which it has a certificate and for none."""
    ours = f"{CONTROL_PLANE}.{NAMESPACE}.svc"
    if settings.GOV.grpc_tls == "mutual" and (address := _reachable(settings.GOV.grpc_addr)):
        yield Target(namespace=NAMESPACE, port=Port(address=address, server_name=ours))
    if not settings.GOV.https_addr or not (address := _reachable(settings.GOV.https_addr)):
        return
    for name in (ours, ""):
        yield Target(namespace=NAMESPACE, port=Port(address=address, server_name=name))
    me = workload_uri(settings.GOV.trust_domain, NAMESPACE, CONTROL_PLANE)
    for namespace, name in served.names_shown_by(me):
        port = Port(address=address, server_name=name.replace("*", "www", 1))
        yield Target(namespace=namespace, port=port)


def _reachable(address: str) -> str:
    """Where this machine reaches a port of its own; empty when nobody can know which it is."""
    host, number = split_address(address)
    if not number:
        return ""
    try:
        place = ipaddress.ip_address(host)
    except ValueError:
        return f"{host.lower()}:{number}"
    if place.is_unspecified:
        place = ipaddress.ip_address("127.0.0.1" if place.version == 4 else "::1")
    return f"{place}:{number}" if place.version == 4 else f"[{place}]:{number}"
