"""Who signs: authorities, issuers, and the replacement of a root."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import show
from gateway.cli.changes import DryRun, Reason, Wish, Yes, make, mutation
from gateway.cli.request import text_of
from gateway.cli.server import Server
from gateway.cli.wanted import DURATION_HELP, length, seconds
from gateway.proto import certificate_pb2 as pb
from gateway.proto.certificate_pb2_grpc import CertificateServiceStub, EnrolmentServiceStub

issuer = typer.Typer(no_args_is_help=True, help="Issuers, to which certificates refer by name.")
rotation = typer.Typer(no_args_is_help=True, help="Replace a root, step by step.")

Issuer = Annotated[str, typer.Option(help="Whose root.")]


def authorities(context: typer.Context) -> None:
    """List the authorities, and what each signed."""
    server: Server = context.obj
    found = server.call(CertificateServiceStub(server.channel).ListAuthorities, pb.ListAuthoritiesRequest())
    if server.output == "json":
        show.as_json(show.plain(found))
        return
    rows = [
        (
            one.common_name,
            one.kind,
            one.state,
            one.issuer,
            show.time_of(one.not_after),
            f"{one.live} of {one.issued}" if one.HasField("issued") else show.UNKNOWN,
            "here" if one.has_key else "elsewhere",
            one.crl_number or show.UNKNOWN,
            one.id,
        )
        for one in found.authorities
    ]
    columns = ["AUTHORITY", "KIND", "STATE", "ISSUER", "EXPIRES", "LIVE>", "KEY", "CRL>", "ID"]
    show.console().print(show.table(columns, rows))


def roots(context: typer.Context) -> None:
    """Print the roots that are trusted, in PEM; their SHA-256 goes to standard error."""
    server: Server = context.obj
    pem = server.call(EnrolmentServiceStub(server.channel).GetRoots, pb.GetRootsRequest()).roots_pem
    digest = hashlib.sha256(pem.encode()).hexdigest()
    if server.output == "json":
        show.as_json({"roots_pem": pem, "sha256": digest})
        return
    typer.echo(pem, nl=False)
    typer.echo(f"sha256 {digest}", err=True)


@issuer.command("list")
def list_issuers(context: typer.Context) -> None:
    """List the issuers that serve you."""
    server: Server = context.obj
    found = server.call(CertificateServiceStub(server.channel).ListIssuers, pb.ListIssuersRequest()).issuers
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            one.name,
            ", ".join(one.namespaces) or "all",
            ", ".join(one.dns_names) or "all",
            length(one.max_duration_s),
            one.signer,
        )
        for one in found
    ]
    show.console().print(show.table(["ISSUER", "NAMESPACES", "DNS NAMES", "AT MOST>", "SIGNER"], rows))


@issuer.command("import")
def import_issuer(  # noqa: PLR0913  (they are the command line)
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new issuer.")],
    *,
    certificate: Annotated[Path, typer.Option(help="Its certificate and those above it, in PEM.")],
    key: Annotated[Path, typer.Option(help="Its private key in PEM.")],
    passphrase_file: Annotated[Path | None, typer.Option(help="File with the passphrase of the key.")] = None,
    namespace: Annotated[list[str] | None, typer.Option(help="Serve only this namespace; repeat.")] = None,
    dns: Annotated[list[str] | None, typer.Option(help="Sign only for this name and those below; repeat.")] = None,
    max_duration: Annotated[str | None, typer.Option(help=f"Longest life of what it signs. {DURATION_HELP}")] = None,
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Let an authority that was made elsewhere sign here; its key is kept sealed, and shown to nobody again."""
    server: Server = context.obj
    asked = pb.ImportIssuerRequest(
        name=name,
        certificate=text_of(certificate),
        key=text_of(key),
        passphrase=text_of(passphrase_file).rstrip("\r\n") if passphrase_file is not None else "",
        namespaces=namespace or (),
        dns_names=dns or (),
        max_duration_s=seconds(max_duration, "--max-duration") if max_duration is not None else None,
        mutation=mutation(),
    )
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    stub = CertificateServiceStub(server.channel)
    make(server, stub.ImportIssuer, asked, wish, done="imported at revision {revision}")


@rotation.command("show")
def show_rotation(context: typer.Context, of: Annotated[str, typer.Option("--issuer")] = "internal") -> None:
    """Show the replacement under way and what its next step waits for, then those of the past."""
    server: Server = context.obj
    found = server.call(CertificateServiceStub(server.channel).GetRotation, pb.GetRotationRequest(issuer=of))
    if server.output == "json":
        show.as_json(show.plain(found))
        return
    rows = [
        (one.phase, show.time_of(one.began_at), show.time_of(one.phase_at), one.old_root, one.new_root)
        for one in ((found.open, *found.ended) if found.HasField("open") else found.ended)
    ]
    show.console().print(show.table(["PHASE", "BEGAN", "SINCE", "OLD ROOT", "NEW ROOT"], rows))
    if found.HasField("open"):
        gate = found.open.gate
        typer.echo(f"next: {gate.step}, {'open' if gate.open else 'closed'}: {gate.message}")
        for name in gate.missing:
            typer.echo(f"  {name}")


@rotation.command()
def prepare(
    context: typer.Context, of: Issuer = "internal", reason: Reason = None, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Make a new root, cross-signed by the old one, and a signer below it; neither is trusted or used yet."""
    server: Server = context.obj
    asked = pb.PrepareRotationRequest(issuer=of, mutation=mutation())
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, CertificateServiceStub(server.channel).PrepareRotation, asked, wish, done="prepared")


@rotation.command()
def advance(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="The next step: distributing, activated, reissuing or retired.")],
    of: Issuer = "internal",
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Take the next step; refused, naming who is missing, while its gate is closed."""
    server: Server = context.obj
    asked = pb.AdvanceRotationRequest(issuer=of, to=to, mutation=mutation())
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    stub = CertificateServiceStub(server.channel)
    make(server, stub.AdvanceRotation, asked, wish, done=f"{to} at revision {{revision}}")


@rotation.command()
def abort(
    context: typer.Context, of: Issuer = "internal", reason: Reason = None, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Go back to the old root, at whichever step it stands."""
    server: Server = context.obj
    asked = pb.AbortRotationRequest(issuer=of, mutation=mutation())
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, CertificateServiceStub(server.channel).AbortRotation, asked, wish, done="aborted")
