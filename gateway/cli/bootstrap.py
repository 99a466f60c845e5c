"""Bootstrap files that point a data plane at the server."""

from typing import Annotated

import typer

from gateway.cli import show
from gateway.cli.failures import USAGE, Failure
from gateway.cli.server import Server

app = typer.Typer(no_args_is_help=True, help="Print the bootstrap file of a data plane.")

NodeId = Annotated[str, typer.Option(help="Name under which the data plane is listed.")]
Zone = Annotated[str, typer.Option(help="Zone it runs in.")]


@app.command()
def grpc(
    context: typer.Context,
    node_id: NodeId,
    zone: Zone = "",
    language: Annotated[str, typer.Option(help="Shown in lists of clients: python, cpp, go, java.")] = "",
) -> None:
    """For a proxyless gRPC client: name the file in GRPC_XDS_BOOTSTRAP and dial xds:///<service>."""
    from gateway.xds.bootstrap import grpc_bootstrap

    server: Server = context.obj
    show.as_json(grpc_bootstrap(server.address, node_id=node_id, zone=zone, language=language))


@app.command()
def envoy(
    context: typer.Context,
    node_id: NodeId,
    zone: Zone = "",
    listen: Annotated[str, typer.Option(help="host:port at which it takes calls for all services.")] = "",
    origin: Annotated[list[str] | None, typer.Option(help="Browser origin that may call through it; repeat.")] = None,
    admin: Annotated[str, typer.Option(help="host:port of Envoy's own admin pages.")] = "127.0.0.1:0",
) -> None:
    """For an Envoy: envoy -c <file>."""
    from gateway.xds.bootstrap import envoy_bootstrap
    from governance.environment import BadEnvironment, split_address

    server: Server = context.obj
    try:
        if listen:
            split_address(listen)
        content = envoy_bootstrap(
            server.address, node_id=node_id, zone=zone, listen=listen, origins=tuple(origin or ()), admin=admin
        )
    except BadEnvironment as error:
        raise Failure(str(error), USAGE) from None
    show.as_json(content)
