"""What each method of the admin API needs, as its .proto declares it."""

from collections.abc import Iterator, Mapping

from google.protobuf.descriptor import MethodDescriptor

from gateway.proto import (
    audit_pb2,
    certificate_pb2,
    dataplane_pb2,
    options_pb2,
    registry_pb2,
    traffic_pb2,
    transparency_pb2,
)

_FILES = (audit_pb2, certificate_pb2, dataplane_pb2, registry_pb2, traffic_pb2, transparency_pb2)


def methods() -> Iterator[MethodDescriptor]:
    """Every method of the admin API."""
    for file in _FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def declared() -> Mapping[str, str]:
    """Permission by full method name, "/governor.admin.v1.TrafficService/SwitchBalancing"; none for undeclared ones."""
    found = {
        f"/{method.containing_service.full_name}/{method.name}": method.GetOptions().Extensions[options_pb2.permission]
        for method in methods()
    }
    return {method: permission for method, permission in found.items() if permission}
