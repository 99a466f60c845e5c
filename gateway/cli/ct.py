"""Certificate transparency: what logs promised, what they hold, and what shows it to others."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import show, watching
from gateway.cli.failures import REFUSED, USAGE, Failure
from gateway.cli.listing import first_page
from gateway.cli.request import content_of, text_of
from gateway.cli.server import Server
from gateway.proto import transparency_pb2 as pb
from gateway.proto.transparency_pb2_grpc import TransparencyServiceStub

app = typer.Typer(no_args_is_help=True, help="Logs of certificates: what is in them, and what was found out.")
app.command()(watching.findings)
app.command()(watching.ack)
app.command()(watching.watch)
app.add_typer(watching.gate, name="gate")
app.add_typer(watching.listeners, name="listeners")

Namespace = Annotated[str, typer.Option(help="Only this namespace; all that you may see otherwise.")]
LogId = Annotated[str, typer.Option("--log", metavar="ID", help="In which log, by its id in hex; ours unless told.")]
# Files as which `prove` writes what it got; the program is told their names.
CERTIFICATE, PROOF, KEY, SCRIPT = "certificate.pem", "proof.tlog-proof", "log-key.pem", "verify_proof.py"


@app.command()
def logs(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="Only own, pinned or listed logs.")] = "",
) -> None:
    """List the logs that are known, ours first, and how each of them does."""
    server: Server = context.obj
    stub = TransparencyServiceStub(server.channel)
    found = server.pages(stub.ListLogs, pb.ListLogsRequest(source=source, page=first_page()), "logs")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            one.log_id[:16],
            one.description,
            one.source,
            one.state,
            _status(one),
            one.size,
            one.lag,
            show.time_of(one.checkpoint_at) or show.UNKNOWN,
            one.why,
        )
        for one in found
    ]
    columns = ["LOG", "NAME", "SOURCE", "STATE", "STATUS", "ENTRIES>", "LAG>", "CHECKPOINT", "WHY"]
    show.console().print(show.table(columns, rows))


@app.command()
def log(
    context: typer.Context,
    log_id: Annotated[str, typer.Argument(metavar="LOG", help="Its id in hex, or how that begins.")],
    key: Annotated[bool, typer.Option("--key", help="Print its public key in PEM, and nothing else.")] = False,
) -> None:
    """Show one log with what it was caught at, if it was; exit code 1 when it lies."""
    server: Server = context.obj
    stub = TransparencyServiceStub(server.channel)
    found = server.call(stub.GetLog, pb.GetLogRequest(log_id=_whole(server, stub, log_id)))
    if key:
        typer.echo(found.key_pem, nl=False)
        return
    if server.output == "json":
        show.as_json(show.plain(found))
    else:
        show.console().print(show.table(["", ""], _about(found)))
        typer.echo("\n".join(f"{name}:\n{text}" for name, text in sorted(found.lie_evidence.items())), nl=False)
    if found.status == pb.LOG_STATUS_LIES:
        raise Failure(f"{found.lie}: {found.lie_message}", REFUSED)


def _whole(server: Server, stub: TransparencyServiceStub, log_id: str) -> str:
    """The whole id of the one log whose id begins so."""
    if len(log_id) >= 64:
        return log_id
    found = server.pages(stub.ListLogs, pb.ListLogsRequest(page=first_page()), "logs")
    ids = [one.log_id for one in found if one.log_id.startswith(log_id.lower())]
    if len(ids) != 1:
        raise Failure(f"{'several logs have ids' if ids else 'no log has an id'} that begin with {log_id}", USAGE)
    return str(ids[0])


def _status(one: pb.Log) -> str:
    return show.word(pb.LogStatus.DESCRIPTOR, one.status).replace("_", " ")


def _about(one: pb.Log) -> list[tuple[str, object]]:
    interval = f"{show.time_of(one.interval_start)} to {show.time_of(one.interval_end)}"
    rows: list[tuple[str, object]] = [
        ("log", one.log_id),
        ("name", one.description),
        ("operator", one.operator),
        ("kind", one.kind),
        ("source", one.source),
        ("submit to", one.submission_url),
        ("read at", one.monitoring_url),
        ("state", one.state),
        ("merges within", f"{one.mmd_s} s"),
        ("takes what ends", interval if one.interval_start.ByteSize() else ""),
        ("believed", "never" if one.denied else ""),
        ("status", f"{_status(one)}: {one.why}" if one.why else _status(one)),
        ("entries", one.size),
        ("not looked at", one.lag),
        ("checkpoint of", show.time_of(one.checkpoint_at)),
        ("last read", show.time_of(one.read_at)),
        ("error", f"{one.error}, since {show.time_of(one.failing_since)}" if one.error else ""),
        ("lie", f"{one.lie} at {show.time_of(one.lie_at)}: {one.lie_message}" if one.lie else ""),
        ("checkpoint", one.checkpoint),
    ]
    return [(label, value) for label, value in rows if value != ""]


@app.command()
def check(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="SERIAL|FILE", help="Of one that was issued here, or a chain in PEM.")],
    stapled: Annotated[Path | None, typer.Option(help="OCSP response in DER that came with it.")] = None,
    tls: Annotated[Path | None, typer.Option(help="Content of the TLS extension with timestamps.")] = None,
    ask_logs: Annotated[bool, typer.Option("--ask-logs", help="Ask the logs now, not for what is kept.")] = False,
) -> None:
    """Judge each timestamp of a certificate and whether the logs hold it; exit code 1 when they do not."""
    server: Server = context.obj
    asked = pb.CheckCertificateRequest(ask_logs=ask_logs)
    if Path(what).is_file():
        asked.pem = text_of(Path(what))
    else:
        asked.serial = what
    asked.stapled = content_of(stapled) if stapled is not None else b""
    asked.tls = content_of(tls) if tls is not None else b""
    found = server.call(TransparencyServiceStub(server.channel).CheckCertificate, asked)
    if server.output == "json":
        show.as_json(show.plain(found))
    else:
        show.console().print(show.table(_COLUMNS, map(_row, found.timestamps)))
        _tell_advice(found)
    if found.state != "logged":
        raise Failure(f"{found.state.replace('_', ' ')}: {found.why}", REFUSED)
    if server.output == "table":
        typer.echo(f"logged, as of {show.time_of(found.checked_at)}")


_COLUMNS = ["LOG", "OPERATOR", "PROMISED", "CAME", "VERDICT", "IN THE LOG", "INDEX>", "WHY"]


def _row(one: pb.LogTimestamp) -> tuple[object, ...]:
    return (
        one.log_description or one.log_id[:16],
        one.operator or show.UNKNOWN,
        show.time_of(one.at),
        one.delivery,
        one.verdict.replace("_", " "),
        one.included.replace("_", " "),
        one.index if one.HasField("index") else show.UNKNOWN,
        one.included_why,
    )


def _tell_advice(found: pb.CheckCertificateResponse) -> None:
    if found.HasField("pending"):
        typer.echo(f"it is not in force yet: {found.pending.why}")
    if found.HasField("advice"):
        said = "is satisfied" if found.advice.satisfied else "; ".join(found.advice.reasons)
        typer.echo(f"Chrome: {said}")


@app.command()
def prove(
    context: typer.Context,
    serial: Annotated[str, typer.Argument(help="Serial number of a certificate that was issued here.")],
    directory: Annotated[Path, typer.Option("--dir", help="Where the files go; made when it is not there.")],
    log_id: LogId = "",
) -> None:
    """Write all that anybody needs to check, without us and without the log, that a certificate is logged."""
    server: Server = context.obj
    asked = pb.GetProofRequest(serial=serial, log_id=log_id)
    found = server.call(TransparencyServiceStub(server.channel).GetProof, asked)
    files = {
        CERTIFICATE: found.certificate_pem,
        PROOF: found.proof,
        KEY: found.log_key_pem,
        SCRIPT: found.verify_script,
    }
    _write(directory, files.items())
    if server.output == "json":
        show.as_json({"serial": found.serial, "log_id": found.log_id, "files": sorted(files)})
        return
    typer.echo(f"{found.serial} is in {found.log_description}; whoever has these files can check that, offline:")
    typer.echo(f"cd {directory} && python3 {SCRIPT} {CERTIFICATE} {PROOF} {KEY}")


def _write(directory: Path, files: Iterable[tuple[str, str]]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files:
            (directory / name).write_text(text)
    except OSError as error:
        raise Failure(f"cannot write to {directory}: {error.strerror}", USAGE) from None


@app.command()
def board(
    context: typer.Context,
    namespace: Namespace = "",
    kind: Annotated[str, typer.Option(help="Only rows of this kind.")] = "",
    service: Annotated[str, typer.Option(help="Only rows about this service, by its name.")] = "",
) -> None:
    """Show where what was issued, what is logged and what is served differ."""
    server: Server = context.obj
    stub = TransparencyServiceStub(server.channel)
    asked = pb.GetBoardRequest(namespace=namespace, kind=kind, service=service, page=first_page())
    found = server.pages(stub.GetBoard, asked, "rows")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
    elif not found:
        typer.echo("issued, logged and served agree")
    else:
        rows = [
            (
                one.kind.replace("_", " "),
                one.namespace,
                one.service or show.UNKNOWN,
                one.subject,
                one.serial or show.UNKNOWN,
                show.time_of(one.since) or show.UNKNOWN,
                one.message,
            )
            for one in found
        ]
        columns = ["WHAT", "NAMESPACE", "SERVICE", "ABOUT", "SERIAL", "SINCE", "SAID"]
        show.console().print(show.table(columns, rows))
