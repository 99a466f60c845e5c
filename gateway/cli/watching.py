"""What was found out about certificates and logs, and what is watched."""

from typing import Annotated

import typer

from gateway.cli import show
from gateway.cli.changes import DryRun, Reason, Wish, Yes, make, mutation
from gateway.cli.failures import USAGE, Failure
from gateway.cli.listing import first_page
from gateway.cli.server import Server
from gateway.proto import transparency_pb2 as pb
from gateway.proto.transparency_pb2_grpc import TransparencyServiceStub

gate = typer.Typer(no_args_is_help=True, help="What certificates need before they are put in force.")
listeners = typer.Typer(no_args_is_help=True, help="TLS ports that are looked at besides the endpoints of services.")

Namespace = Annotated[str, typer.Option(help="Only this namespace; all that you may see otherwise.")]


def findings(
    context: typer.Context,
    namespace: Namespace = "",
    kind: Annotated[str, typer.Option(help="Only of this kind, such as not_logged.")] = "",
    state: Annotated[
        str,
        typer.Option(help="open (what is so), alarming (of that what nobody acknowledged), acknowledged, closed, all."),
    ] = "open",
) -> None:
    """List what was found that somebody has to look at, newest first."""
    server: Server = context.obj
    stub = TransparencyServiceStub(server.channel)
    asked = pb.ListFindingsRequest(namespace=namespace, kind=kind, state=state, page=first_page())
    found = server.pages(stub.ListFindings, asked, "findings")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            one.kind.replace("_", " "),
            one.namespace,
            one.subject,
            show.time_of(one.opened_at),
            _state(one),
            one.message,
            one.id,
        )
        for one in found
    ]
    columns = ["FOUND", "NAMESPACE", "ABOUT", "SINCE", "STATE", "SAID", "ID"]
    show.console().print(show.table(columns, rows))


def _state(one: pb.Finding) -> str:
    if one.HasField("closed_at"):
        return "closed"
    return "alarming" if one.alarming else "acknowledged"


def ack(
    context: typer.Context,
    finding: Annotated[str, typer.Argument(metavar="ID", help="As `findings` shows it.")],
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Say that a finding may be so, and why: it alarms no longer, for good."""
    server: Server = context.obj
    asked = pb.AcknowledgeFindingRequest(id=finding, mutation=mutation())
    stub = TransparencyServiceStub(server.channel)
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, stub.AcknowledgeFinding, asked, wish, done="acknowledged at revision {revision}")


@gate.command("show")
def show_gates(context: typer.Context) -> None:
    """Show the gate of each issuer."""
    server: Server = context.obj
    found = server.call(TransparencyServiceStub(server.channel).ListGates, pb.ListGatesRequest()).gates
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [(one.issuer, one.mode, one.revision or "default") for one in found]
    show.console().print(show.table(["ISSUER", "MODE", "REVISION>"], rows))


@gate.command("set")
def set_gate(
    context: typer.Context,
    mode: Annotated[
        str,
        typer.Argument(help="gate (in force only when proven), alarm (in force, and reported), off (nobody is told)."),
    ],
    issuer: Annotated[str, typer.Option(help="Whose certificates.")] = "internal",
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Let an issuer's certificates be put in force only when they are proven to be logged, or also otherwise."""
    server: Server = context.obj
    asked = pb.SetGateRequest(issuer=issuer, mode=mode, mutation=mutation())
    stub = TransparencyServiceStub(server.channel)
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, stub.SetGate, asked, wish, done="set at revision {revision}")


def watch(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="All names to search for; without any they are shown.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Search for no names but those of our certificates.")] = False,
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Show, or replace, the names for which logs are searched besides those of our own certificates."""
    server: Server = context.obj
    stub = TransparencyServiceStub(server.channel)
    if names and none:
        raise Failure("give names, or --none", USAGE)
    found = server.call(stub.GetWatched, pb.GetWatchedRequest())
    if not names and not none:
        if server.output == "json":
            show.as_json(show.plain(found))
        else:
            typer.echo("".join(f"{name}\n" for name in found.names), nl=False)
        return
    asked = pb.WatchNamesRequest(names=names or (), mutation=mutation(if_revision=found.revision))
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, stub.WatchNames, asked, wish, done="set at revision {revision}")


@listeners.command("list")
def list_listeners(context: typer.Context, namespace: Namespace = "") -> None:
    """List the ports and what each showed last."""
    server: Server = context.obj
    stub = TransparencyServiceStub(server.channel)
    asked = pb.ListListenersRequest(namespace=namespace, page=first_page())
    found = server.pages(stub.ListListeners, asked, "listeners")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            one.namespace,
            one.address,
            one.server_name or show.UNKNOWN,
            one.serial or show.UNKNOWN,
            show.time_of(one.seen_at) or show.UNKNOWN,
            one.error or show.UNKNOWN,
            one.id,
        )
        for one in found
    ]
    columns = ["NAMESPACE", "ADDRESS", "ASKED FOR", "SERIAL", "SEEN", "ERROR", "ID"]
    show.console().print(show.table(columns, rows))


@listeners.command("add")
def add_listener(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="host:port of a TLS port.")],
    namespace: Annotated[str, typer.Option(help="Whose it is.")] = "default",
    server_name: Annotated[str, typer.Option(help="What to ask for there (SNI).")] = "",
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Look at what a TLS port shows, every half a minute."""
    server: Server = context.obj
    asked = pb.AddListenerRequest(namespace=namespace, address=address, server_name=server_name, mutation=mutation())
    stub = TransparencyServiceStub(server.channel)
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, stub.AddListener, asked, wish, done="looked at from revision {revision} on")


@listeners.command("remove")
def remove_listener(
    context: typer.Context,
    listener: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    namespace: Annotated[str, typer.Option(help="Whose it is.")] = "default",
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Look at a port no longer."""
    server: Server = context.obj
    asked = pb.RemoveListenerRequest(namespace=namespace, id=listener, mutation=mutation())
    stub = TransparencyServiceStub(server.channel)
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, stub.RemoveListener, asked, wish, done="removed at revision {revision}")
