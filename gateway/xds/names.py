"""The names under which data planes ask for services and secrets, and the resource types in the order they are sent."""

from types import MappingProxyType

DEFAULT_NAMESPACE = "default"
INGRESS = "ingress"
SERVER = "server/"

# Secrets that are another for every identity, and the one that belongs to nobody.
WORKLOAD = "workload"
TRUST = "trust"
NOBODY = "default-certificate"

_PREFIX = "type.googleapis.com/envoy.config."
LISTENER = _PREFIX + "listener.v3.Listener"
ROUTE = _PREFIX + "route.v3.RouteConfiguration"
CLUSTER = _PREFIX + "cluster.v3.Cluster"
ENDPOINT = _PREFIX + "endpoint.v3.ClusterLoadAssignment"
SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105  (a type's name)

# What is referred to comes before what refers to it, so that no route ever names a cluster that is not there, and no
# listener a secret. Clusters name secrets too, but wait for them as they wait for their endpoints.
ORDER = (CLUSTER, ENDPOINT, SECRET, LISTENER, ROUTE)
# What streams of one group have in common; secrets are each identity's own.
SHARED = tuple(kind for kind in ORDER if kind != SECRET)
SHORT = MappingProxyType(
    {LISTENER: "listener", ROUTE: "route", CLUSTER: "cluster", ENDPOINT: "endpoint", SECRET: "secret"}
)
# Types of which a state-of-the-world answer means "all there is": what it leaves out is removed.
WHOLE_SET = frozenset({LISTENER, CLUSTER})


def resource_name(namespace: str, service: str) -> str:
    """The name of a service's listener, route, cluster and endpoints: `checkout`, or `checkout.shop` elsewhere."""
    return service if namespace == DEFAULT_NAMESPACE else f"{service}.{namespace}"


def service_of(name: str) -> tuple[str, str]:
    """(namespace, service) of a resource name."""
    service, _, namespace = name.partition(".")
    return namespace or DEFAULT_NAMESPACE, service


def server_name(address: str) -> str:
    """The listener that an xDS-enabled gRPC server on `address` asks for."""
    return SERVER + address


def server_dns(namespace: str, service: str) -> str:
    """The server name that clients of a service ask for, and that the certificates of its servers carry."""
    return f"{service}.{namespace}.svc"


def tenant_routes(namespace: str) -> str:
    """The routes of an ingress to the services of one namespace."""
    return f"{INGRESS}/{namespace}"


def path_of(name: str, kind: str = "") -> str:
    """The "namespace/service" of a resource name; "*" for a resource that may be about any, "secret:" for secrets."""
    if kind == SECRET:
        return f"secret:{name}"
    return "*" if name == INGRESS or "/" in name else "/".join(service_of(name))


def namespace_of(identity: str) -> str:
    """The namespace in the SPIFFE ID of a workload, `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/NAME`; empty without one."""
    return identity.split("/")[4] if identity else ""


def generation_name(revision: int) -> str:
    """The region of an endpoint's locality as of a revision: `r7`."""
    return f"r{revision}"


def generation_of(region: str) -> int:
    """The revision in a locality's region; 0 where it is none."""
    return int(region[1:]) if region[:1] == "r" and region[1:].isdecimal() and len(region) < 20 else 0
