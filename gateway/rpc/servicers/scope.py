"""What the caller may see: a namespace without the permission is as if it were not there."""

from collections.abc import Collection

from gateway.interceptors.context import current_actor
from governance.kernel.errors import NotFound
from governance.registry import queries as registry
from governance.registry.values import Service


def visible(permission: str, namespace: str = "") -> Collection[str]:
    """The namespaces a list may show: the one asked for, or all that the caller may read."""
    actor = current_actor()
    if not namespace:
        return actor.namespaces(permission)
    # A database cannot even be asked for every text that a message may hold.
    return (namespace,) if actor.may(permission, namespace) and namespace.isprintable() else ()


def service_of(permission: str, namespace: str, name: str) -> Service:
    """The service that the caller may see; NotFound when it is not there or not theirs to see."""
    found = registry.service(namespace, name) if current_actor().may(permission, namespace) else None
    if found is None:
        raise NotFound(f"there is no service {name} in namespace {namespace}", field="service")
    return found
