"""What is there: services, endpoints, clients."""

from typing import Annotated

import typer

from gateway.cli import show
from gateway.cli.server import PAGE, Server, split_service
from gateway.proto import common_pb2, dataplane_pb2, dataplane_pb2_grpc, registry_pb2, registry_pb2_grpc

ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", help="Name of the service, or namespace/name.")]


def first_page() -> common_pb2.PageRequest:
    """The first page of a list."""
    return common_pb2.PageRequest(page_size=PAGE)


def services(
    context: typer.Context,
    namespace: Annotated[str, typer.Option(help="Only this namespace; all that you may see otherwise.")] = "",
) -> None:
    """List the services with their health and the balancing in force."""
    server: Server = context.obj
    stub = registry_pb2_grpc.RegistryServiceStub(server.channel)
    request = registry_pb2.ListServicesRequest(namespace=namespace, page=first_page())
    found = server.pages(stub.ListServices, request, "services")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            f"{one.namespace}/{one.name}",
            f"{one.endpoints_healthy}/{one.endpoints_total}",
            ", ".join(one.zones),
            one.policy,
            one.policy_revision or "default",
            one.owner,
        )
        for one in found
    ]
    show.console().print(show.table(["SERVICE", "HEALTHY>", "ZONES", "POLICY", "REVISION>", "OWNER"], rows))


def endpoints(context: typer.Context, service: ServiceName) -> None:
    """List the endpoints of a service."""
    server: Server = context.obj
    namespace, name = split_service(service)
    stub = registry_pb2_grpc.RegistryServiceStub(server.channel)
    request = registry_pb2.ListEndpointsRequest(namespace=namespace, service=name, page=first_page())
    found = server.pages(stub.ListEndpoints, request, "endpoints")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            one.name,
            f"{one.host}:{one.port}",
            one.zone,
            one.version or show.UNKNOWN,
            one.weight,
            show.word(registry_pb2.Health.DESCRIPTOR, one.health),
            ", ".join(word for word in ("isolated", "draining") if getattr(one, word)) or show.UNKNOWN,
            one.health_detail,
        )
        for one in found
    ]
    columns = ["ENDPOINT", "ADDRESS", "ZONE", "VERSION", "WEIGHT>", "HEALTH", "SET ASIDE", "DETAIL"]
    show.console().print(show.table(columns, rows))


def clients(
    context: typer.Context,
    service: Annotated[str, typer.Option(help="Only clients that see this service.")] = "",
    out_of_sync: Annotated[bool, typer.Option(help="Only clients that have not acknowledged everything.")] = False,
) -> None:
    """List the connected data planes and what each has acknowledged."""
    server: Server = context.obj
    namespace, name = split_service(service) if service else ("", "")
    stub = dataplane_pb2_grpc.DataPlaneServiceStub(server.channel)
    request = dataplane_pb2.ListClientsRequest(
        page=first_page(), namespace=namespace, service=name, only_out_of_sync=out_of_sync
    )
    found = server.pages(stub.ListClients, request, "clients")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            one.node_id,
            f"{one.kind} {one.version}",
            one.zone or show.UNKNOWN,
            show.word(dataplane_pb2.SyncState.DESCRIPTOR, one.state).replace("_", " "),
            one.revision or show.UNKNOWN,
            len(one.services),
            next((sync.nack_text for sync in one.types if sync.nack_version), ""),
        )
        for one in found
    ]
    columns = ["CLIENT", "KIND", "ZONE", "STATE", "REVISION>", "SERVICES>", "REFUSED BECAUSE"]
    show.console().print(show.table(columns, rows))
