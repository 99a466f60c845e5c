"""Who uses certificates: workloads, the tokens by which they join, and how services are called."""

from typing import Annotated

import typer

from gateway.cli import show
from gateway.cli.changes import DryRun, Reason, Wish, Yes, agree, make, mutation
from gateway.cli.listing import ServiceName, first_page
from gateway.cli.server import Server, split_service
from gateway.cli.wanted import DURATION_HELP, seconds
from gateway.proto import certificate_pb2 as pb
from gateway.proto.certificate_pb2_grpc import CertificateServiceStub

token = typer.Typer(no_args_is_help=True, help="Join tokens: each gives one workload its first certificate.")

Namespace = Annotated[str, typer.Option(help="Only this namespace; all that you may see otherwise.")]
WorkloadName = Annotated[str, typer.Argument(metavar="WORKLOAD", help="Name of the workload, or namespace/name.")]


def workloads(context: typer.Context, namespace: Namespace = "") -> None:
    """List the workloads that joined."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    asked = pb.ListWorkloadsRequest(namespace=namespace, page=first_page())
    found = server.pages(stub.ListWorkloads, asked, "workloads")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            f"{one.namespace}/{one.name}",
            one.uri,
            "enabled" if one.enabled else "disabled",
            show.time_of(one.not_after) or show.UNKNOWN,
            one.revoked_reason or show.UNKNOWN,
            one.serial,
        )
        for one in found
    ]
    show.console().print(show.table(["WORKLOAD", "IDENTITY", "STATE", "EXPIRES", "REVOKED", "SERIAL"], rows))


def set_workload(
    context: typer.Context,
    name: WorkloadName,
    enabled: Annotated[bool, typer.Option("--enable/--disable", help="Whether it may do anything.")],
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Enable a workload, or disable it: a disabled one may do nothing, whatever certificate it shows."""
    server: Server = context.obj
    namespace, plain = split_service(name)
    asked = pb.SetWorkloadRequest(namespace=namespace, name=plain, enabled=enabled, mutation=mutation())
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, CertificateServiceStub(server.channel).SetWorkload, asked, wish, done="set at revision {revision}")


@token.command()
def create(
    context: typer.Context,
    name: WorkloadName,
    lifetime: Annotated[str, typer.Option(help=f"How long it opens the door, once. {DURATION_HELP}")] = "1h",
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Make a join token, and print its secret: this once, and nothing else on standard output."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    namespace, plain = split_service(name)
    asked = pb.CreateJoinTokenRequest(
        namespace=namespace, workload=plain, lifetime_s=seconds(lifetime, "--lifetime"), mutation=mutation()
    )
    asked.mutation.validate_only = True
    preview = server.call(stub.CreateJoinToken, asked).receipt
    asked.mutation.validate_only = False
    typer.echo(f"one certificate for the workload {plain} of {namespace}, within {lifetime}", err=True)
    if dry_run:
        typer.echo("would change" if preview.changed else "it stands so already", err=True)
        return
    agree(asked, Wish(reason=reason, yes=yes, dry_run=dry_run), question="Make the token?")
    answer = server.call(stub.CreateJoinToken, asked)
    if server.output == "json":
        show.as_json(show.plain(answer))
    else:
        typer.echo(answer.secret)


@token.command("list")
def list_tokens(context: typer.Context, namespace: Namespace = "") -> None:
    """List join tokens, newest first, those that ended included."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    asked = pb.ListJoinTokensRequest(namespace=namespace, page=first_page())
    found = server.pages(stub.ListJoinTokens, asked, "tokens")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            f"{one.namespace}/{one.workload}",
            show.word(pb.JoinTokenState.DESCRIPTOR, one.state),
            show.time_of(one.created_at),
            show.time_of(one.expires_at),
            show.time_of(one.used_at) or show.UNKNOWN,
            one.id,
        )
        for one in found
    ]
    show.console().print(show.table(["WORKLOAD", "STATE", "MADE", "EXPIRES", "USED", "ID"], rows))


@token.command()
def withdraw(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    namespace: Annotated[str, typer.Option(help="Namespace of its workload.")] = "default",
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Let a join token open nothing any more."""
    server: Server = context.obj
    asked = pb.WithdrawJoinTokenRequest(namespace=namespace, id=token_id, mutation=mutation())
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    stub = CertificateServiceStub(server.channel)
    make(server, stub.WithdrawJoinToken, asked, wish, done="withdrawn at revision {revision}")


def transports(context: typer.Context, namespace: Namespace = "") -> None:
    """List how services are called, of those for which it was set; all others are called in plain text."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    asked = pb.ListTransportsRequest(namespace=namespace, page=first_page())
    found = server.pages(stub.ListTransports, asked, "transports")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (f"{one.namespace}/{one.service}", one.mode, ", ".join(one.server_uris) or show.UNKNOWN, one.revision)
        for one in found
    ]
    show.console().print(show.table(["SERVICE", "TRANSPORT", "SERVERS PROVE", "REVISION>"], rows))


def set_transport(
    context: typer.Context,
    service: ServiceName,
    mode: Annotated[str, typer.Argument(help="mutual (TLS with certificates at both ends) or plaintext.")],
    server_uri: Annotated[
        list[str] | None, typer.Option(help="SPIFFE ID of which a server must prove one; repeat.")
    ] = None,
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Let calls to a service go over mutual TLS, or in plain text."""
    server: Server = context.obj
    namespace, plain = split_service(service)
    asked = pb.SetTransportRequest(
        namespace=namespace, service=plain, mode=mode, server_uris=server_uri or (), mutation=mutation()
    )
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, CertificateServiceStub(server.channel).SetTransport, asked, wish, done="set at revision {revision}")
