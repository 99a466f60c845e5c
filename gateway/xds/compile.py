"""From what is governed to the resources a group of clients is sent; pure, and remembers what it made before."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.xds.clusters import assignment, cluster
from gateway.xds.fleet import Fleet, Governed
from gateway.xds.names import CLUSTER, ENDPOINT, INGRESS, LISTENER, ORDER, ROUTE, resource_name
from gateway.xds.node import Group
from gateway.xds.placement import places
from gateway.xds.resource import Resource, resource
from gateway.xds.routes import envoy_listener, envoy_routes, grpc_listener, grpc_routes

Resources = Mapping[str, Mapping[str, Resource]]  # by type, then by name


@dataclass(frozen=True, slots=True)
class _Made:
    """The resources of one service for one kind of client."""

    fingerprint: tuple[Any, ...]
    by_type: Mapping[str, Resource]


class Compiler:
    """Compiles groups; a service that did not change is not compiled again. Used by threads, never by the event loop.

    A resource whose content stays the same stays the same object, so that streams see at a glance what changed.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, str], _Made] = {}
        self._ingress: dict[Group, Resource] = {}
        self._turn = threading.Lock()

    def compile(self, fleet: Fleet, group: Group) -> Resources:
        """Everything that clients of `group` may ask for."""
        with self._turn:
            made = [self._service(governed, group) for governed in fleet.services.values()]
            types: dict[str, dict[str, Resource]] = {kind: {} for kind in ORDER}
            for by_type in made:
                for kind, item in by_type.items():
                    types[kind][item.name] = item
            if group.plane == "envoy":
                self._add_ingress(types, fleet, group)
            return types

    def forget(self, fleet: Fleet) -> None:
        """Drop what was made of services that are gone."""
        with self._turn:
            there = {governed.service.uid for governed in fleet.services.values()}
            self._made = {key: made for key, made in self._made.items() if key[0] in there}

    def _service(self, governed: Governed, group: Group) -> Mapping[str, Resource]:
        # Only zone_aware looks different from zone to zone.
        zone = group.zone if governed.balancing.policy == "zone_aware" else ""
        key = governed.service.uid, group.plane, zone
        before = self._made.get(key)
        if before is not None and before.fingerprint == governed.fingerprint:
            return before.by_type
        made = compile_service(governed, plane=group.plane, zone=zone)
        if before is not None:
            made = {kind: _kept(before.by_type.get(kind), item) for kind, item in made.items()}
        self._made[key] = _Made(governed.fingerprint, made)
        return made

    def _add_ingress(self, types: dict[str, dict[str, Resource]], fleet: Fleet, group: Group) -> None:
        routes = resource(INGRESS, envoy_routes(fleet.services.values(), origins=group.origins))
        types[ROUTE][INGRESS] = self._ingress[group] = _kept(self._ingress.get(group), routes)
        if group.listen:
            types[LISTENER][INGRESS] = resource(INGRESS, envoy_listener(group.listen))


def compile_service(governed: Governed, *, plane: str, zone: str) -> dict[str, Resource]:
    """The resources of one service by type, for clients of `plane` in `zone`."""
    service, balancing = governed.service, governed.balancing
    name = resource_name(service.namespace, service.name)
    chosen = places(balancing, service.endpoints, zone=zone)
    made = {
        CLUSTER: resource(name, cluster(name, balancing, chosen, plane=plane)),
        ENDPOINT: resource(name, assignment(name, governed, chosen, plane=plane)),
    }
    if plane == "grpc":
        made[LISTENER] = resource(name, grpc_listener(name))
        made[ROUTE] = resource(name, grpc_routes(name, balancing))
    return made


def _kept(before: Resource | None, made: Resource) -> Resource:
    return before if before is not None and before.hash == made.hash else made
