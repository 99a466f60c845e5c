"""The names under which data planes ask for services, and the resource types in the order in which they are sent."""

from types import MappingProxyType

DEFAULT_NAMESPACE = "default"
INGRESS = "ingress"

_PREFIX = "type.googleapis.com/envoy.config."
LISTENER = _PREFIX + "listener.v3.Listener"
ROUTE = _PREFIX + "route.v3.RouteConfiguration"
CLUSTER = _PREFIX + "cluster.v3.Cluster"
ENDPOINT = _PREFIX + "endpoint.v3.ClusterLoadAssignment"

# What is referred to comes before what refers to it, so that no route ever names a cluster that is not there.
ORDER = (CLUSTER, ENDPOINT, LISTENER, ROUTE)
SHORT = MappingProxyType({LISTENER: "listener", ROUTE: "route", CLUSTER: "cluster", ENDPOINT: "endpoint"})
# Types of which a state-of-the-world answer means "all there is": what it leaves out is removed.
WHOLE_SET = frozenset({LISTENER, CLUSTER})


def resource_name(namespace: str, service: str) -> str:
    """The name of a service's listener, route, cluster and endpoints: `checkout`, or `checkout.shop` elsewhere."""
    return service if namespace == DEFAULT_NAMESPACE else f"{service}.{namespace}"


def service_of(name: str) -> tuple[str, str]:
    """(namespace, service) of a resource name."""
    service, _, namespace = name.partition(".")
    return namespace or DEFAULT_NAMESPACE, service


def path_of(name: str) -> str:
    """The "namespace/service" of a resource name; "*" for a resource that is about all services."""
    return "*" if name == INGRESS else "/".join(service_of(name))


def generation_name(revision: int) -> str:
    """The region of an endpoint's locality as of a revision: `r7`."""
    return f"r{revision}"


def generation_of(region: str) -> int:
    """The revision in a locality's region; 0 where it is none."""
    return int(region[1:]) if region[:1] == "r" and region[1:].isdecimal() and len(region) < 20 else 0
