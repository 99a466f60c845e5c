"""Asking for certificates: kept and renewed here, or signed once over somebody's own key."""

from pathlib import Path
from typing import Annotated

import grpc
import typer

from gateway.cli import show
from gateway.cli.changes import DryRun, Reason, Wish, Yes, agree, make, mutation
from gateway.cli.failures import USAGE, Failure
from gateway.cli.server import CALL_S, Server, split_service
from gateway.cli.wanted import DURATION_HELP, apply, length, seconds, spec_in
from gateway.proto import certificate_pb2 as pb
from gateway.proto.certificate_pb2_grpc import CertificateServiceStub

Names = Annotated[list[str] | None, typer.Option(help="Repeat for several; replaces those that stand.")]


def request(  # noqa: PLR0913  (they are the command line)
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CERTIFICATE", help="Name of the certificate, or namespace/name.")],
    *,
    file: Annotated[Path | None, typer.Option(help="JSON file with the spec; options below go before it.")] = None,
    dns: Names = None,
    uri: Names = None,
    ip: Names = None,
    consumer: Annotated[list[str] | None, typer.Option(help="SPIFFE ID that may fetch it with its key.")] = None,
    usage: Annotated[list[str] | None, typer.Option(help="server auth, client auth, ...")] = None,
    window: Annotated[list[str] | None, typer.Option(help="'0 2 * * 6 for 4h in Europe/Berlin'; repeat.")] = None,
    common_name: Annotated[str | None, typer.Option()] = None,
    issuer: Annotated[str | None, typer.Option(help="Who signs it.")] = None,
    duration: Annotated[str | None, typer.Option(help=f"How long each issue lives. {DURATION_HELP}")] = None,
    renew_before: Annotated[str | None, typer.Option(help=f"How long before its end. {DURATION_HELP}")] = None,
    renew_before_pct: Annotated[int | None, typer.Option(help="The same in per cent of its life.")] = None,
    renewal: Annotated[bool | None, typer.Option("--renewal/--no-renewal", help="Renew it by itself.")] = None,
    key: Annotated[str | None, typer.Option(metavar="KIND:BITS", help="ECDSA:256, RSA:2048, ...")] = None,
    new_key: Annotated[bool | None, typer.Option("--new-key/--keep-key", help="At each issue.")] = None,
    secret_name: Annotated[str | None, typer.Option(help="Name under which it is delivered.")] = None,
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Want a certificate, or want it otherwise: what is not said stays as it is. It is issued within seconds."""
    server: Server = context.obj
    stub = CertificateServiceStub(server.channel)
    namespace, plain = split_service(name)
    standing = _standing(server, stub, namespace, plain)
    spec = spec_in(file) if file is not None else pb.CertificateSpec()
    if file is None and standing is not None:
        spec.CopyFrom(standing.spec)
    apply(spec, context.params)
    asked = pb.RequestCertificateRequest(
        namespace=namespace,
        name=plain,
        spec=spec,
        mutation=mutation(if_revision=standing.revision if standing is not None else None),
    )
    wish = Wish(reason=reason, yes=yes, dry_run=dry_run)
    make(server, stub.RequestCertificate, asked, wish, done="wanted so at revision {revision}")


def _standing(server: Server, stub: CertificateServiceStub, namespace: str, name: str) -> pb.Certificate | None:
    """The certificate as it stands; None when there is none yet."""
    asked = pb.GetCertificateRequest(namespace=namespace, name=name)
    with server.failing():
        try:
            found: pb.Certificate = stub.GetCertificate(asked, metadata=server.metadata, timeout=CALL_S)
        except grpc.RpcError as error:
            if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise
    return found


def sign(  # noqa: PLR0913  (they are the command line)
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom it is for: a name, or namespace/name.")],
    *,
    csr: Annotated[Path, typer.Option(help="File with the signing request, in PEM or DER.")],
    dns: Names = None,
    ip: Names = None,
    usage: Annotated[list[str] | None, typer.Option(help="server auth, client auth, ...")] = None,
    common_name: Annotated[str, typer.Option()] = "",
    issuer: Annotated[str, typer.Option(help="Who signs it.")] = "internal",
    duration: Annotated[str, typer.Option(help=f"How long it lives. {DURATION_HELP}")] = "90d",
    reason: Reason = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Sign a request for these names, over a key that its owner keeps, and print the chain in PEM.

    It is recorded and can be revoked, but is not renewed. No SPIFFE ID is signed: programs get theirs by joining, see
    `govctl cert join`.
    """
    server: Server = context.obj
    namespace, plain = split_service(name)
    asked = pb.SignCertificateRequestRequest(
        namespace=namespace,
        name=plain,
        issuer=issuer,
        csr=content_of(csr),
        common_name=common_name,
        dns_names=dns or (),
        ip_addresses=ip or (),
        duration_s=seconds(duration, "--duration"),
        usages=usage or (),
        mutation=mutation(),
    )
    answer = _signed(server, asked, Wish(reason=reason, yes=yes, dry_run=dry_run))
    if answer is None:
        return
    if server.output == "json":
        show.as_json(show.plain(answer))
    else:
        typer.echo(answer.issued.chain_pem, nl=False)


def _signed(
    server: Server, asked: pb.SignCertificateRequestRequest, wish: Wish
) -> pb.SignCertificateRequestResponse | None:
    """Check the request, say for whom it is, ask, and have it signed; None for a dry run."""
    stub = CertificateServiceStub(server.channel)
    asked.mutation.validate_only = True
    server.call(stub.SignCertificateRequest, asked)
    asked.mutation.validate_only = False
    names = ", ".join((*asked.dns_names, *asked.ip_addresses)) or asked.common_name
    typer.echo(f"{asked.issuer} would sign it for {length(asked.duration_s)}: {names}", err=True)
    if wish.dry_run:
        return None
    agree(asked, wish, question="Sign it?")
    return server.call(stub.SignCertificateRequest, asked)


def content_of(path: Path) -> bytes:
    """What is in a file; Failure when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", USAGE) from None


def text_of(path: Path) -> str:
    """The text in a file; Failure when there is none."""
    try:
        return content_of(path).decode("ascii")
    except UnicodeDecodeError:
        raise Failure(f"{path} is not text in PEM", USAGE) from None
