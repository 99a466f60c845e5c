"""How the calls of a service are balanced: see, switch, look back, restore."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.live import Live

from gateway.cli import changes, show
from gateway.cli.balancing import SETTINGS_HELP, balancing_of, progress, shares, verdicts
from gateway.cli.changes import DryRun, Reason, Yes, diff, tell
from gateway.cli.failures import REFUSED, Failure
from gateway.cli.listing import ServiceName, first_page
from gateway.cli.server import Server, split_service
from gateway.proto import common_pb2, traffic_pb2_grpc
from gateway.proto import traffic_pb2 as pb

WATCH_S = 60
app = typer.Typer(no_args_is_help=True, help="How the calls of a service are balanced.")

Watch = Annotated[bool, typer.Option("--watch", help="Then show who has it, and where calls really go.")]
Force = Annotated[bool, typer.Option("--force", help="Send it although some connected client would reject it.")]


@dataclass(frozen=True, kw_only=True)
class Wish(changes.Wish):
    """How a switch is to be made."""

    watch: bool


@app.command()
def get(context: typer.Context, service: ServiceName) -> None:
    """Show the balancing in force."""
    server: Server = context.obj
    namespace, name = split_service(service)
    stub = traffic_pb2_grpc.TrafficServiceStub(server.channel)
    state = server.call(stub.GetBalancing, pb.GetBalancingRequest(namespace=namespace, service=name))
    if server.output == "json":
        show.as_json(show.plain(state))
        return
    console = show.console()
    console.print(show.table(["", ""], _about(state)))
    if (table := shares(state.intended)) is not None:
        console.print(table)


def _about(state: pb.BalancingState) -> list[tuple[str, object]]:
    known = show.plain(state.balancing)
    rows: list[tuple[str, object]] = [("policy", known.pop("policy"))]
    rows += [(name, value) for name, value in known.items() if value not in (None, "", [], {}, False)]
    rows.append(("revision", state.revision or "default"))
    if state.revision:
        rows += [("set at", show.time_of(state.at)), ("by", state.actor), ("because", state.reason or show.UNKNOWN)]
    return rows


@app.command()
def history(context: typer.Context, service: ServiceName) -> None:
    """List every balancing that was in force, newest first."""
    server: Server = context.obj
    namespace, name = split_service(service)
    stub = traffic_pb2_grpc.TrafficServiceStub(server.channel)
    request = pb.ListBalancingRevisionsRequest(namespace=namespace, service=name, page=first_page())
    found = server.pages(stub.ListBalancingRevisions, request, "revisions")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (one.revision, show.time_of(one.at), one.actor, one.door, one.balancing.policy, one.action, one.reason)
        for one in found
    ]
    show.console().print(show.table(["REVISION>", "AT", "BY", "DOOR", "POLICY", "ACTION", "REASON"], rows))


@app.command()
def switch(  # noqa: PLR0913  (they are the command line)
    context: typer.Context,
    service: ServiceName,
    policy: Annotated[
        str, typer.Argument(help="round_robin (rr), weighted_round_robin (wrr), least_request (lr), ...")
    ],
    *,
    weight: Annotated[list[str] | None, typer.Option(metavar="NAME=N", help="Weight; repeat.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SETTINGS_HELP)] = None,
    reason: Reason = None,
    yes: Yes = False,
    watch: Watch = False,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Put another balancing in force while calls flow."""
    server: Server = context.obj
    namespace, name = split_service(service)
    stub = traffic_pb2_grpc.TrafficServiceStub(server.channel)
    request = pb.SwitchBalancingRequest(
        namespace=namespace,
        service=name,
        balancing=balancing_of(policy, weight or (), settings or ()),
        force=force,
        mutation=_unless_changed_since(server, stub, namespace, name),
    )
    verdict = server.call(stub.ValidateBalancing, request)
    if server.output == "table":
        console = show.console()
        console.print(diff(verdict.receipt.before_json, verdict.receipt.after_json, whole=True), end="")
        for table in (shares(verdict.intended), verdicts(verdict.clients)):
            if table is not None:
                console.print(table)
    wish = Wish(reason=reason, yes=yes, watch=watch, dry_run=dry_run)
    _put(server, stub.SwitchBalancing, request, verdict.receipt, wish)


@app.command()
def restore(
    context: typer.Context,
    service: ServiceName,
    revision: Annotated[int, typer.Argument(min=0, help="A revision of `history`; 0 is the default balancing.")],
    reason: Reason = None,
    yes: Yes = False,
    watch: Watch = False,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Put an earlier balancing in force again, as a new revision."""
    server: Server = context.obj
    namespace, name = split_service(service)
    stub = traffic_pb2_grpc.TrafficServiceStub(server.channel)
    request = pb.RollbackBalancingRequest(
        namespace=namespace,
        service=name,
        to_revision=revision,
        force=force,
        mutation=_unless_changed_since(server, stub, namespace, name),
    )
    request.mutation.validate_only = True
    receipt = server.call(stub.RollbackBalancing, request)
    request.mutation.validate_only = False
    if server.output == "table":
        show.console().print(diff(receipt.before_json, receipt.after_json, whole=True), end="")
    wish = Wish(reason=reason, yes=yes, watch=watch, dry_run=dry_run)
    _put(server, stub.RollbackBalancing, request, receipt, wish)


def _unless_changed_since(server: Server, stub: Any, namespace: str, service: str) -> common_pb2.Mutation:
    """Ties what follows to the balancing as it stands now, which is what the diff will show."""
    state = server.call(stub.GetBalancing, pb.GetBalancingRequest(namespace=namespace, service=service))
    return changes.mutation(if_revision=state.revision)


def _put(server: Server, method: Any, request: Any, preview: common_pb2.Receipt, wish: Wish) -> None:
    """Make the change that `preview` announced, and show the receipt."""
    if wish.dry_run or not preview.changed:
        tell(server, preview, "would change" if preview.changed else "it stands so already")
        return
    changes.agree(request, wish, question="Put it in force?")
    receipt = server.call(method, request)
    tell(server, receipt, f"in force at revision {receipt.revision}")
    if wish.watch:
        _watch(server, request.namespace, request.service, receipt.revision)


def _watch(server: Server, namespace: str, service: str, revision: int) -> None:
    """Show each state of the switch until it settles; Failure when a client refused it."""
    stub = traffic_pb2_grpc.TrafficServiceStub(server.channel)
    request = pb.WatchSwitchRequest(namespace=namespace, service=service, revision=revision, max_s=WATCH_S)
    last = pb.SwitchProgress()
    console = show.console()
    with Live(console=console, auto_refresh=False, transient=False) as live:
        for last in server.stream(stub.WatchSwitch, request):
            if server.output == "json":
                show.as_line(show.plain(last))
            else:
                live.update(progress(last), refresh=console.is_terminal)
            if last.settled or not last.clients:
                break
    if not last.clients:
        typer.echo("no client sees this service", err=True)
    if last.nacked:
        raise Failure(f"{last.nacked} clients refused it", REFUSED)
