"""Services and endpoints."""

from gateway.proto import registry_pb2 as pb
from gateway.rpc.convert.common import timestamp
from governance.registry import commands
from governance.registry.values import DEFAULT_TTL_S, Endpoint, EndpointSpec, Service, ServiceSpec
from governance.traffic.queries import InForce

_HEALTH = {"unknown": pb.HEALTH_UNKNOWN, "healthy": pb.HEALTH_HEALTHY, "unhealthy": pb.HEALTH_UNHEALTHY}


def service(value: Service, policy: InForce) -> pb.Service:
    """A service with the policy in force."""
    return pb.Service(
        namespace=value.namespace,
        name=value.name,
        owner=value.owner,
        protocol=value.protocol,
        description=value.description,
        grpc_services=value.grpc_services,
        revision=value.revision,
        endpoints_total=len(value.endpoints),
        endpoints_healthy=sum(endpoint.health == "healthy" for endpoint in value.endpoints),
        zones=value.zones,
        policy=policy.balancing.policy,
        policy_revision=policy.revision,
    )


def endpoint(value: Endpoint) -> pb.Endpoint:
    """An endpoint as it stands."""
    return pb.Endpoint(
        namespace=value.namespace,
        service=value.service,
        name=value.name,
        host=value.host,
        port=value.port,
        zone=value.zone,
        sub_zone=value.sub_zone,
        weight=value.weight,
        metadata=value.metadata,
        version=value.version,
        isolated=value.isolated,
        draining=value.draining,
        health=_HEALTH[value.health],
        health_detail=value.health_detail,
        revision=value.revision,
        ttl_s=value.ttl_s,
        lease_expires_at=timestamp(value.lease_expires_at),
    )


def create_service(request: pb.CreateServiceRequest) -> commands.CreateService:
    """The command asked for."""
    spec = ServiceSpec(
        namespace=request.namespace,
        name=request.name,
        owner=request.owner,
        protocol=request.protocol or "grpc",
        description=request.description,
        grpc_services=tuple(request.grpc_services),
    )
    return commands.CreateService(namespace=request.namespace, spec=spec)


def update_service(request: pb.UpdateServiceRequest) -> commands.UpdateService:
    """The command asked for."""
    return commands.UpdateService(
        namespace=request.namespace,
        service=request.name,
        owner=request.owner if request.HasField("owner") else None,
        description=request.description if request.HasField("description") else None,
        grpc_services=tuple(request.grpc_services) if request.replace_grpc_services else None,
    )


def register_endpoint(request: pb.RegisterEndpointRequest) -> commands.RegisterEndpoint:
    """The command asked for."""
    spec = EndpointSpec(
        name=request.name,
        host=request.host,
        port=request.port,
        zone=request.zone,
        sub_zone=request.sub_zone,
        weight=request.weight or 1,
        metadata=dict(request.metadata),
        version=request.version,
    )
    ttl_s = request.ttl_s if request.HasField("ttl_s") else DEFAULT_TTL_S
    return commands.RegisterEndpoint(namespace=request.namespace, service=request.service, spec=spec, ttl_s=ttl_s)


def update_endpoints(request: pb.UpdateEndpointsRequest) -> commands.UpdateEndpoints:
    """The command asked for."""
    changes = tuple(
        commands.EndpointChange(
            name=change.name,
            weight=change.weight if change.HasField("weight") else None,
            isolated=change.isolated if change.HasField("isolated") else None,
            draining=change.draining if change.HasField("draining") else None,
            metadata=dict(change.metadata),
        )
        for change in request.changes
    )
    return commands.UpdateEndpoints(namespace=request.namespace, service=request.service, changes=changes)
