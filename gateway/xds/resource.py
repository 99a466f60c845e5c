"""A resource as the bytes that every stream is sent: made once, shared by all."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryResponse,
    DiscoveryResponse,
)
from envoy.service.discovery.v3.discovery_pb2 import Resource as DeltaResource
from google.protobuf.any_pb2 import Any as AnyMessage


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One named resource; `sotw` and `delta` are a field of the response, ready to be appended to one.

    A protobuf message is the concatenation of its fields, so a response is put together from bytes. They may hold a
    private key, so they are never shown. `path` is the "namespace/name" of what it is about, where its name does not
    say it; `mark` is what people tell its content by: a serial, a fingerprint.
    """

    name: str
    hash: str
    sotw: bytes = field(repr=False)
    delta: bytes = field(repr=False)
    path: str = ""
    mark: str = ""


def resource(name: str, message: Any, *, path: str = "", mark: str = "") -> Resource:
    """`message` under `name`; its hash is over its content."""
    packed = AnyMessage()
    packed.Pack(message, deterministic=True)
    digest = hashlib.sha256(packed.value).hexdigest()[:16]
    return Resource(
        name=name,
        hash=digest,
        sotw=DiscoveryResponse(resources=[packed]).SerializeToString(),
        delta=DeltaDiscoveryResponse(
            resources=[DeltaResource(name=name, version=digest, resource=packed)]
        ).SerializeToString(),
        path=path,
        mark=mark,
    )
