"""From what is governed to the resources a group of clients is sent; pure, and remembers what it made before."""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.xds.clusters import assignment, cluster
from gateway.xds.fleet import Fleet, Governed
from gateway.xds.ingress import plain_listener, tenants_of, tls_listener
from gateway.xds.names import CLUSTER, ENDPOINT, INGRESS, LISTENER, ROUTE, SHARED, resource_name, server_name
from gateway.xds.node import Group
from gateway.xds.placement import places
from gateway.xds.resource import Resource, resource
from gateway.xds.routes import envoy_routes, grpc_listener, grpc_routes, grpc_server_listener

Resources = Mapping[str, Mapping[str, Resource]]  # by type, then by name


@dataclass(frozen=True, slots=True)
class _Made:
    """The resources of one service for one kind of client."""

    fingerprint: tuple[Any, ...]
    by_type: Mapping[str, Mapping[str, Resource]]


class Compiler:
    """Compiles groups; a service that did not change is not compiled again. Used by threads, never by the event loop.

    A resource whose content stays the same stays the same object, so that streams see at a glance what changed.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, str], _Made] = {}
        self._turn = threading.Lock()

    def compile(self, fleet: Fleet, group: Group) -> Resources:
        """Everything that clients of `group` may ask for."""
        with self._turn:
            shown = list(fleet.of(_namespaces(fleet, group)))
            types: dict[str, dict[str, Resource]] = {kind: {} for kind in SHARED}
            for governed in shown:
                for kind, items in self._service(governed, group).items():
                    types[kind].update(items)
            if group.plane == "envoy":
                _add_ingress(types, fleet, shown, group)
            return types

    def forget(self, fleet: Fleet) -> None:
        """Drop what was made of services that are gone."""
        with self._turn:
            there = {governed.service.uid for governed in fleet.services.values()}
            self._made = {key: made for key, made in self._made.items() if key[0] in there}

    def _service(self, governed: Governed, group: Group) -> Resources:
        # Only zone_aware looks different from zone to zone.
        zone = group.zone if governed.balancing.policy == "zone_aware" else ""
        key = governed.service.uid, group.plane, zone
        before = self._made.get(key)
        if before is not None and before.fingerprint == governed.fingerprint:
            return before.by_type
        made = compile_service(governed, plane=group.plane, zone=zone)
        if before is not None:
            made = {kind: _kept(before.by_type.get(kind, {}), items) for kind, items in made.items()}
        self._made[key] = _Made(governed.fingerprint, made)
        return made


def _namespaces(fleet: Fleet, group: Group) -> Collection[str] | None:
    """Those whose services clients of `group` are shown; all with None."""
    if not group.namespace:
        return None
    return fleet.trust.namespaces(group.identity) if group.identity else {group.namespace}


def compile_service(governed: Governed, *, plane: str, zone: str) -> dict[str, dict[str, Resource]]:
    """The resources of one service by type and name, for clients of `plane` in `zone`."""
    service, balancing = governed.service, governed.balancing
    name = resource_name(service.namespace, service.name)
    chosen = places(balancing, service.endpoints, zone=zone)
    made = {
        CLUSTER: [resource(name, cluster(name, governed, chosen, plane=plane))],
        ENDPOINT: [resource(name, assignment(name, governed, chosen, plane=plane))],
    }
    if plane == "grpc":
        made[LISTENER] = [resource(name, grpc_listener(name)), *_servers(governed)]
        made[ROUTE] = [resource(name, grpc_routes(name, balancing))]
    return {kind: {item.name: item for item in items} for kind, items in made.items()}


def _servers(governed: Governed) -> Iterable[Resource]:
    """The listeners of its own servers, where it was said how they are spoken to."""
    if governed.transport is None:
        return
    path = f"{governed.service.namespace}/{governed.service.name}"
    for endpoint in governed.service.endpoints:
        yield resource(server_name(endpoint.address), grpc_server_listener(endpoint, mutual=governed.mutual), path=path)


def _add_ingress(
    types: dict[str, dict[str, Resource]], fleet: Fleet, shown: Collection[Governed], group: Group
) -> None:
    """Its routes, and its listener where it names an address. Without a certificate to show, TLS has no listener."""
    routes, listeners = types[ROUTE], types[LISTENER]
    if group.tls == "off":
        routes[INGRESS] = resource(INGRESS, envoy_routes(INGRESS, shown, origins=group.origins))
        if group.listen:
            listeners[INGRESS] = resource(INGRESS, plain_listener(group))
    elif tenants := tenants_of(group, fleet.trust):
        spaces = {tenant.routes: tenant.secret.namespace for tenant in tenants}
        for name, space in spaces.items():
            theirs = [each for each in shown if each.service.namespace == space]
            routes[name] = resource(name, envoy_routes(name, theirs, origins=group.origins))
        nobody = fleet.trust.default is not None
        listeners[INGRESS] = resource(INGRESS, tls_listener(group, tenants, nobody=nobody))


def _kept(before: Mapping[str, Resource], made: Mapping[str, Resource]) -> dict[str, Resource]:
    """`made`, with what has not changed as it was before."""
    return {
        name: before[name] if name in before and before[name].hash == item.hash else item for name, item in made.items()
    }
