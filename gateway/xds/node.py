"""What a data plane says about itself in the first message of a stream; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict

from governance.dataplane.values import Kind
from governance.environment import BadEnvironment, split_address

_PYTHON = re.compile(r"Python (\S+)")  # as in "C-core 58.0.0 Python 1.85.1"
_LB_CATEGORY = "envoy.load_balancing_policies"
_LANGUAGES: Mapping[str, Kind] = {"python": "grpc-python", "cpp": "grpc-cpp", "go": "grpc-go", "java": "grpc-java"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Streams that are sent the same resources.

    `listen` and `origins` are of the ingress an Envoy asks for: host:port, and the browser origins it lets in.
    """

    plane: str  # envoy or grpc
    zone: str = ""
    listen: str = ""
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A data plane."""

    id: str
    kind: Kind
    version: str
    lb_extensions: tuple[str, ...]
    group: Group


def node_of(message: Any) -> Node:
    """Read a core.v3.Node; what it leaves out or says wrongly counts as not said."""
    metadata = MessageToDict(message.metadata).get("governor", {})
    own = metadata if isinstance(metadata, dict) else {}
    kind = _kind(message, str(own.get("language", "")))
    envoy = kind == "envoy"
    return Node(
        id=message.id[:255],
        kind=kind,
        version=_version(message),
        lb_extensions=tuple(sorted(item.name for item in message.extensions if item.category == _LB_CATEGORY)),
        group=Group(
            plane="envoy" if envoy else "grpc",
            zone=message.locality.zone,
            listen=_address(own.get("listen")) if envoy else "",
            origins=_origins(own.get("origins")) if envoy else (),
        ),
    )


def _kind(message: Any, language: str) -> Kind:
    """C-core is in many languages: some say which in their version, of others our bootstrap tells it."""
    agent = message.user_agent_name
    if agent == "envoy":
        return "envoy"
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
