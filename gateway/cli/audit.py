"""The audit trail."""

from typing import Annotated

import typer

from gateway.cli import show
from gateway.cli.server import Server
from gateway.proto import audit_pb2 as pb
from gateway.proto import audit_pb2_grpc, common_pb2

app = typer.Typer(no_args_is_help=True, help="Who did what.")


@app.callback()
def group() -> None:
    """Keep `tail` a command of its own although it is the only one."""


@app.command()
def tail(
    context: typer.Context,
    last: Annotated[int, typer.Option(min=0, max=1000, help="Begin with so many past events.")] = 10,
    after: Annotated[int | None, typer.Option(min=0, help="Begin after this revision instead.")] = None,
    follow: Annotated[bool, typer.Option(help="Go on with each new event until Ctrl-C.")] = True,
) -> None:
    """Show the newest changes, oldest first, then each new one as it is recorded."""
    server: Server = context.obj
    stub = audit_pb2_grpc.AuditServiceStub(server.channel)
    if after is None:
        # One more than asked for says where to go on when nothing is to be shown.
        page = common_pb2.PageRequest(page_size=max(last, 1))
        events = server.call(stub.ListEvents, pb.ListEventsRequest(stream=pb.STREAM_CHANGES, page=page)).events
        after = events[0].seq if events else 0
        for event in reversed(events[:last]):
            _tell(server, event)
        if not follow:
            return
    elif not follow:
        _tell_after(server, stub, after)
        return
    for event in server.stream(stub.TailEvents, pb.TailEventsRequest(after=after)):
        _tell(server, event)


def _tell_after(server: Server, stub: audit_pb2_grpc.AuditServiceStub, after: int) -> None:
    request = pb.ListEventsRequest(stream=pb.STREAM_CHANGES, page=common_pb2.PageRequest(page_size=1))
    newest = server.call(stub.ListEvents, request).events
    if not newest or newest[0].seq <= after:
        return
    for event in server.stream(stub.TailEvents, pb.TailEventsRequest(after=after)):
        _tell(server, event)
        if event.seq >= newest[0].seq:
            return


def _tell(server: Server, event: pb.Event) -> None:
    if server.output == "json":
        show.as_line(show.plain(event))
        return
    words = [
        f"{event.seq:>6}",
        show.time_of(event.at),
        event.actor,
        event.action,
        event.thing,
        f"({event.reason})" if event.reason else "",
        f"by {event.door}" if event.door else "",
    ]
    typer.echo("  ".join(word for word in words if word))
