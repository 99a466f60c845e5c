"""What the caller may see: a namespace without the permission is as if it were not there."""

from collections.abc import Collection

from governance.kernel.actor import Actor
from governance.kernel.errors import NotFound
from governance.registry import queries as registry
from governance.registry.values import Service


def visible(actor: Actor, permission: str, namespace: str = "") -> Collection[str]:
    """The namespaces a list may show: the one asked for, or all that the caller may read."""
    if not namespace:
        return actor.namespaces(permission)
    return (namespace,) if actor.may(permission, namespace) else ()


def service_of(actor: Actor, permission: str, namespace: str, name: str) -> Service:
    """The service that the caller may see; NotFound when it is not there or not theirs to see."""
    found = registry.service(namespace, name) if actor.may(permission, namespace) else None
    if found is None:
        raise NotFound(f"there is no service {name} in namespace {namespace}", field="service")
    return found
