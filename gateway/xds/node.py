"""What a data plane says about itself in the first message of a stream; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from google.protobuf.json_format import MessageToDict

from gateway.xds.names import namespace_of
from governance.dataplane.values import Kind
from governance.environment import BadEnvironment, split_address

Tls = Literal["off", "require", "mutual"]
_PYTHON = re.compile(r"Python (\S+)")  # as in "C-core 58.0.0 Python 1.85.1"
_LB_CATEGORY = "envoy.load_balancing_policies"
_ALPN = ("h2", "http/1.1")
_LANGUAGES: Mapping[str, Kind] = {"python": "grpc-python", "cpp": "grpc-cpp", "go": "grpc-go", "java": "grpc-java"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Streams that are sent the same resources.

    `namespace` is that of the stream's identity; without one it sees all services. The rest is of the ingress an Envoy
    asks for: host:port, the browser origins it lets in, what it demands of callers, the protocols it speaks where not
    all of them, and the identity whose server certificates it shows.
    """

    plane: str  # envoy or grpc
    zone: str = ""
    namespace: str = ""
    listen: str = ""
    origins: tuple[str, ...] = ()
    tls: Tls = "off"
    alpn: tuple[str, ...] = ()
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A data plane."""

    id: str
    kind: Kind
    version: str
    lb_extensions: tuple[str, ...]
    group: Group


def node_of(message: Any, *, identity: str = "") -> Node:
    """Read a core.v3.Node; what it leaves out or says wrongly counts as not said.

    `identity` is what the stream's certificate says: where it is from decides what it sees, never the node.
    """
    metadata = MessageToDict(message.metadata).get("governor", {})
    own = metadata if isinstance(metadata, dict) else {}
    kind = _kind(message, str(own.get("language", "")))
    return Node(
        id=message.id[:255],
        kind=kind,
        version=_version(message),
        lb_extensions=tuple(sorted(item.name for item in message.extensions if item.category == _LB_CATEGORY)),
        group=_group(message.locality.zone, own, identity, envoy=kind == "envoy"),
    )


def _group(zone: str, own: Mapping[str, Any], identity: str, *, envoy: bool) -> Group:
    namespace = namespace_of(identity)
    if not envoy:
        return Group(plane="grpc", zone=zone, namespace=namespace)
    origins, tls = _origins(own.get("origins")), own.get("tls", "off")
    listen = _address(own.get("listen")) if tls in get_args(Tls) else ""  # else it wants something we do not know
    if not listen:
        return Group(plane="envoy", zone=zone, namespace=namespace, origins=origins)
    return Group(
        plane="envoy",
        zone=zone,
        namespace=namespace,
        listen=listen,
        origins=origins,
        tls=tls,
        alpn=_alpn(own.get("alpn")) if tls != "off" else (),
        identity=identity,
    )


def _kind(message: Any, language: str) -> Kind:
    """C-core is in many languages: some say which in their version, of others our bootstrap tells it."""
    agent = message.user_agent_name
    if agent == "envoy":
        return "envoy"
    if agent == "governor-agent":
        return "agent"
    if agent.startswith("gRPC C-core"):
        return "grpc-python" if language == "python" or "Python" in message.user_agent_version else "grpc-cpp"
    if agent.startswith("gRPC Go"):
        return "grpc-go"
    if agent.startswith("gRPC Java"):
        return "grpc-java"
    return _LANGUAGES.get(language, "unknown")


def _version(message: Any) -> str:
    if said := message.user_agent_version:
        own = _PYTHON.search(said)
        return str(own[1] if own else said)[:80]
    number = message.user_agent_build_version.version
    return f"{number.major_number}.{number.minor_number}.{number.patch}" if number.ByteSize() else ""


def _address(value: object) -> str:
    try:
        _, port = split_address(str(value or ""))
    except BadEnvironment:
        return ""
    return str(value) if port else ""


def _origins(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _alpn(value: object) -> tuple[str, ...]:
    return tuple(each for each in _ALPN if each in value) if isinstance(value, list) else ()
