"""Bootstrap files that point a data plane at the server."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import show
from gateway.cli.failures import USAGE, Failure
from gateway.cli.server import Server

if TYPE_CHECKING:
    from gateway.xds.files import Certificates

app = typer.Typer(no_args_is_help=True, help="Print the bootstrap file of a data plane.")

NodeId = Annotated[str, typer.Option(help="Name under which the data plane is listed.")]
Zone = Annotated[str, typer.Option(help="Zone it runs in.")]
Identity = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Its identity: a directory that `cert join` or `cert watch` made.")
]


@app.command()
def grpc(
    context: typer.Context,
    node_id: NodeId,
    zone: Zone = "",
    language: Annotated[str, typer.Option(help="Shown in lists of clients: python, cpp, go, java.")] = "",
    identity: Identity = None,
) -> None:
    """For a proxyless gRPC client or server: name the file in GRPC_XDS_BOOTSTRAP and dial xds:///<service>."""
    from gateway.xds.bootstrap import grpc_bootstrap

    server: Server = context.obj
    content = grpc_bootstrap(
        server.address, node_id=node_id, zone=zone, language=language, certificates=_certificates(identity)
    )
    show.as_json(content)


@app.command()
def envoy(
    context: typer.Context,
    node_id: NodeId,
    zone: Zone = "",
    listen: Annotated[str, typer.Option(help="host:port at which it takes calls for all services.")] = "",
    origin: Annotated[list[str] | None, typer.Option(help="Browser origin that may call through it; repeat.")] = None,
    admin: Annotated[str, typer.Option(help="host:port of Envoy's own admin pages.")] = "127.0.0.1:0",
    identity: Identity = None,
    tls: Annotated[str, typer.Option(help="What callers must speak: off, require (TLS) or mutual.")] = "off",
    alpn: Annotated[list[str] | None, typer.Option(help="The only protocols to let in, such as h2; repeat.")] = None,
) -> None:
    """For an Envoy: envoy -c <file>. With --identity it writes two more files there, which the Envoy reads."""
    from gateway.xds.bootstrap import Demands, envoy_bootstrap
    from gateway.xds.files import envoy_files
    from governance.environment import BadEnvironment, split_address
    from governance.kernel.errors import GovernanceError

    server: Server = context.obj
    certificates = _certificates(identity)
    try:
        if listen:
            split_address(listen)
        content = envoy_bootstrap(
            server.address,
            node_id=node_id,
            zone=zone,
            listen=listen,
            origins=tuple(origin or ()),
            admin=admin,
            demands=Demands(tls=tls, alpn=tuple(alpn or ())),  # type: ignore[arg-type]  # it checks itself
            certificates=certificates,
        )
        if certificates is not None:
            for name, text in envoy_files(certificates).items():
                (Path(certificates.directory) / name).write_bytes(text)
    except (BadEnvironment, GovernanceError) as error:
        raise Failure(str(error), USAGE) from None
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}", USAGE) from None
    show.as_json(content)


def _certificates(directory: Path | None) -> "Certificates | None":
    """The identity in `directory`, to which the data plane will prove that it belongs."""
    from gateway.agent.identity import load
    from gateway.xds.files import Certificates
    from governance.kernel.errors import GovernanceError

    if directory is None:
        return None
    try:
        found = load(directory)
    except GovernanceError as error:
        raise Failure(str(error), USAGE) from None
    return Certificates(directory=str(directory.absolute()), trust_domain=found.trust_domain)
