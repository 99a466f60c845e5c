"""Certificates: see, want, renew, take back, judge."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import agent, identities, issuers, request, show
from gateway.cli.changes import DryRun, Reason, Wish, Yes, make, mutation
from gateway.cli.failures import REFUSED, USAGE, Failure
from gateway.cli.listing import first_page
from gateway.cli.server import Server, split_service
from gateway.cli.wanted import length
from gateway.proto import certificate_pb2 as pb
from gateway.proto.certificate_pb2_grpc import CertificateServiceStub

app = typer.Typer(no_args_is_help=True, help="Certificates, who signs them and who uses them.")
app.command()(request.request)
app.command()(request.sign)
app.command()(issuers.authorities)
app.command()(issuers.roots)
app.add_typer(issuers.issuer, name="issuer")
app.add_typer(issuers.rotation, name="rotation")
app.add_typer(identities.token, name="token")
app.command()(identities.workloads)
app.command("set-workload")(identities.set_workload)
app.command()(identities.transports)
app.command("set-transport")(identities.set_transport)
app.command()(agent.join)
app.command()(agent.watch)

Name = Annotated[str, typer.Argument(metavar="CERTIFICATE", help="Name of the certificate, or namespace/name.")]
Namespace = Annotated[str, typer.Option(help="Only this namespace; all that you may see otherwise.")]


@app.command("list")
def list_(
    context: typer.Context,
    namespace: Namespace = "",
    state: Annotated[
        str, typer.Option(help="Only those that stand so: expired, revoked, critical, failing, overdue, due or ok.")
    ] = "",
) -> None:
    """List the certificates that are kept."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    asked = pb.ListCertificatesRequest(namespace=namespace, state=state, page=first_page())
    found = server.pages(stub.ListCertificates, asked, "certificates")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            f"{one.namespace}/{one.name}",
            one.state,
            show.time_of(one.not_after) or show.UNKNOWN,
            show.time_of(one.renew_at) or show.UNKNOWN,
            one.number,
            one.spec.issuer,
            ", ".join((*one.spec.dns_names, *one.spec.uris, *one.spec.ip_addresses)) or one.spec.common_name,
            one.last_error,
        )
        for one in found
    ]
    columns = ["CERTIFICATE", "STATE", "EXPIRES", "RENEWS", "ISSUE>", "ISSUER", "NAMES", "LAST ERROR"]
    show.console().print(show.table(columns, rows))


@app.command()
def get(
    context: typer.Context,
    name: Name,
    pem: Annotated[bool, typer.Option("--pem", help="Print the newest chain in PEM, and nothing else.")] = False,
) -> None:
    """Show what is wanted of a certificate and how it stands."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    namespace, plain = split_service(name)
    found = server.call(stub.GetCertificate, pb.GetCertificateRequest(namespace=namespace, name=plain))
    if pem:
        if not found.serial:
            raise Failure(f"{name} was not issued yet", REFUSED)
        issued = server.call(stub.GetIssued, pb.GetIssuedRequest(serial=found.serial))
        typer.echo(issued.chain_pem, nl=False)
    elif server.output == "json":
        show.as_json(show.plain(found))
    else:
        show.console().print(show.table(["", ""], _about(found)))


def _about(found: pb.Certificate) -> list[tuple[str, object]]:
    spec, key = found.spec, found.spec.private_key
    share = f"{spec.renew_before_pct} %" if spec.HasField("renew_before_pct") else "a third"
    before = length(spec.renew_before_s) if spec.HasField("renew_before_s") else f"{share} of its life"
    rows: list[tuple[str, object]] = [
        ("state", found.state),
        ("ready", f"{'yes' if found.ready.holds else 'no'}: {found.ready.message}"),
        ("issuing", f"{'yes' if found.issuing.holds else 'no'}: {found.issuing.message}"),
        ("names", ", ".join((*spec.dns_names, *spec.uris, *spec.ip_addresses)) or spec.common_name),
        ("issuer", spec.issuer),
        ("lives", length(spec.duration_s)),
        ("renewed before", before),
        ("renewal", spec.renewal),
        *(("window", f"{each.cron} for {length(each.duration_s)} in {each.timezone}") for each in spec.windows),
        ("key", f"{key.algorithm} {key.size}, {'new' if key.rotation_policy == 'Always' else 'kept'} at each issue"),
        ("usages", ", ".join(spec.usages)),
        ("delivered as", spec.secret_name),
        ("consumers", ", ".join(spec.consumers)),
        ("issue", found.number),
        ("serial", found.serial),
        ("valid", f"{show.time_of(found.not_before)} to {show.time_of(found.not_after)}" if found.serial else ""),
        ("renews at", show.time_of(found.renew_at)),
        ("tried next", show.time_of(found.attempt_at)),
        ("warning", found.plan_warning),
        ("failures", found.failures or ""),
        ("last error", found.last_error),
        ("revoked", found.revoked_reason),
        ("revision", found.revision),
    ]
    return [(label, value) for label, value in rows if value != ""]


@app.command()
def history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose certificates: name, or namespace/name.")],
    kind: Annotated[str, typer.Option(help="What has that name: certificate, workload or request.")] = "certificate",
) -> None:
    """List every certificate that was issued under a name, newest first."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    namespace, plain = split_service(name)
    asked = pb.ListIssuedRequest(namespace=namespace, name=plain, kind=kind, page=first_page())
    found = server.pages(stub.ListIssued, asked, "issued")
    if server.output == "json":
        show.as_json([show.plain(one) for one in found])
        return
    rows = [
        (
            one.number or show.UNKNOWN,
            one.serial,
            show.time_of(one.issued_at),
            show.time_of(one.not_after),
            f"{one.revoked_reason} at {show.time_of(one.revoked_at)}" if one.revoked_reason else show.UNKNOWN,
        )
        for one in found
    ]
    show.console().print(show.table(["ISSUE>", "SERIAL", "ISSUED", "EXPIRES", "REVOKED"], rows))


@app.command()
def renew(context: typer.Context, name: Name, reason: Reason = None, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Issue a certificate anew at once, whenever its renewal is due and however often issuing failed."""
    server: Server = context.obj
    namespace, plain = split_service(name)
    asked = pb.IssueNowRequest(namespace=namespace, name=plain, mutation=mutation())
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, CertificateServiceStub(server.channel).IssueNow, asked, wish, done="is issued within seconds")


@app.command()
def revoke(
    context: typer.Context,
    serial: Annotated[str, typer.Argument(help="Serial number in hex, as `history` or openssl print it.")] = "",
    newest_of: Annotated[str, typer.Option(metavar="CERTIFICATE", help="Its newest issue, instead.")] = "",
    cause: Annotated[str, typer.Option(help="keyCompromise, superseded, ... as in RFC 5280.")] = "unspecified",
    replace: Annotated[bool, typer.Option(help="Issue another in its place at once.")] = True,
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Stand by an issued certificate no longer: it is refused everywhere within seconds."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    if bool(serial) == bool(newest_of):
        raise Failure("give a serial number, or --newest-of CERTIFICATE", USAGE)
    if newest_of:
        namespace, plain = split_service(newest_of)
        found = server.call(stub.GetCertificate, pb.GetCertificateRequest(namespace=namespace, name=plain))
        if not found.serial:
            raise Failure(f"{newest_of} was not issued yet", REFUSED)
        serial = found.serial
    asked = pb.RevokeCertificateRequest(
        serial=serial, cause=cause, without_replacement=not replace, mutation=mutation()
    )
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, stub.RevokeCertificate, asked, wish, done="revoked at revision {revision}")


@app.command()
def delete(
    context: typer.Context, name: Name, reason: Reason = None, yes: Yes = False, dry_run: DryRun = False
) -> None:
    """Keep a certificate no longer; what was issued stays valid until it expires or is revoked."""
    server: Server = context.obj
    namespace, plain = split_service(name)
    asked = pb.DeleteCertificateRequest(namespace=namespace, name=plain, mutation=mutation())
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(
        server,
        CertificateServiceStub(server.channel).DeleteCertificate,
        asked,
        wish,
        done="deleted at revision {revision}",
    )


@app.command()
def verify(
    context: typer.Context,
    serial: Annotated[str, typer.Argument(help="Serial number of a certificate that was issued here.")] = "",
    file: Annotated[Path | None, typer.Option(help="A chain in PEM instead, the leaf first.")] = None,
    purpose: Annotated[str, typer.Option(help="server or client.")] = "server",
    name: Annotated[str, typer.Option(help="DNS name, IP address or SPIFFE ID that it must be for.")] = "",
) -> None:
    """Judge a chain by the roots and revocation lists of this moment; exit code 1 when it does not hold."""
    server: Server = context.obj
    if bool(serial) == (file is not None):
        raise Failure("give a serial number, or --file", USAGE)
    asked = pb.VerifyChainRequest(purpose=purpose, name=name)
    if file is not None:
        asked.pem = request.text_of(file)
    else:
        asked.serial = serial
    found = server.call(CertificateServiceStub(server.channel).VerifyChain, asked)
    if server.output == "json":
        show.as_json(show.plain(found))
    else:
        rows = [
            (
                depth,
                step.subject or "(no subject)",
                show.time_of(step.not_after),
                step.key,
                step.revoked or "no",
                "; ".join(step.problems),
            )
            for depth, step in enumerate(found.steps)
        ]
        show.console().print(show.table(["DEPTH>", "SUBJECT", "EXPIRES", "KEY", "REVOKED", "PROBLEMS"], rows))
        typer.echo(f"openssl: {found.openssl or '(lets it pass)'}")
    if not found.ok:
        raise Failure(f"{found.reason}: {found.message}", REFUSED)
    if server.output == "table":
        typer.echo(found.message)


@app.command()
def forecast(
    context: typer.Context,
    namespace: Namespace = "",
    days: Annotated[int, typer.Option(min=1, max=366, help="So many days ahead.")] = 90,
) -> None:
    """Count the renewals that begin on each of the next days."""
    server: Server = context.obj
    found = server.call(
        CertificateServiceStub(server.channel).Forecast, pb.ForecastRequest(namespace=namespace, days=days)
    )
    if server.output == "json":
        show.as_json(show.plain(found))
        return
    most = max(found.renewals, default=0)
    rows = [(day, count, "#" * max(1, round(40 * count / most))) for day, count in enumerate(found.renewals) if count]
    show.console().print(show.table(["IN DAYS>", "RENEWALS>", ""], rows))
    typer.echo(f"{sum(found.renewals)} renewals begin in {days} days")
