"""The entry of govctl."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import audit, bootstrap, cert, ct, lb, listing
from gateway.cli.failures import CODES_HELP, USAGE, Failure
from gateway.cli.server import Output, Server, check_token
from gateway.cli.tls import Tls

DEFAULT_SERVER = "127.0.0.1:8443"
# Options of govctl itself, with a value and without: they may stand anywhere on the line.
_OWN = ("--server", "--token-file", "--output", "-o", "--cert-dir", "--ca-file")
_FLAGS = ("--plaintext",)

app = typer.Typer(
    name="govctl",
    no_args_is_help=True,
    add_completion=False,
    epilog=f"All of these options may stand behind the command as well. {CODES_HELP}",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(listing.services)
app.command()(listing.endpoints)
app.command()(listing.clients)
app.add_typer(lb.app, name="lb")
app.add_typer(cert.app, name="cert")
app.add_typer(ct.app, name="ct")
app.add_typer(audit.app, name="audit")
app.add_typer(bootstrap.app, name="bootstrap")


@app.callback()
def govctl(
    context: typer.Context,
    server: Annotated[str, typer.Option(envvar="GOVCTL_SERVER", help="host:port of the gRPC API.")] = DEFAULT_SERVER,
    token_file: Annotated[Path | None, typer.Option(help="File that holds the token; else GOVCTL_TOKEN.")] = None,
    token: Annotated[str, typer.Option(envvar="GOVCTL_TOKEN", hidden=True)] = "",
    output: Annotated[Output, typer.Option("--output", "-o", help="Form of the answer.")] = "table",
    cert_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="GOVCTL_CERT_DIR",
            help="Directory of a client certificate: tls.crt, tls.key and ca.crt, as `cert join` makes it. "
            "Unless told, ~/.config/governor/govctl if it is there, else plain text.",
        ),
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Roots to trust, instead of those in --cert-dir.")] = None,
    plaintext: Annotated[
        bool, typer.Option("--plaintext", envvar="GOVCTL_PLAINTEXT", help="Connect without TLS.")
    ] = False,
) -> None:
    """Govern gRPC services from the command line."""
    if token_file is not None:
        try:
            token = token_file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(
                f"cannot read {token_file}: {getattr(error, 'strerror', None) or 'not text'}", USAGE
            ) from None
    cert_dir, plaintext = _chosen(context, cert_dir, plaintext)
    tls = Tls(cert_dir=cert_dir, ca_file=ca_file, plaintext=plaintext)
    context.obj = Server(server, check_token(token), output, tls)


def _chosen(context: typer.Context, cert_dir: Path | None, plaintext: bool) -> tuple[Path | None, bool]:
    """Of two that contradict each other, what was typed goes before what stands in the environment."""
    if plaintext and cert_dir is not None:
        typed = [name for name in ("cert_dir", "plaintext") if _is_typed(context, name)]
        if typed == ["plaintext"]:
            return None, True
        if typed == ["cert_dir"]:
            return cert_dir, False
    return cert_dir, plaintext


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def in_front(arguments: Sequence[str]) -> list[str]:
    """`arguments` with govctl's own options first, wherever they stood before a `--`."""
    own: list[str] = []
    rest: list[str] = []
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--":
            rest += [word, *left]
            break
        if word in _OWN:
            own += [word, *left[:1]]
            left = left[1:]
        elif word in _FLAGS or word.startswith(tuple(f"{name}=" for name in _OWN if name.startswith("--"))):
            own.append(word)
        else:
            rest.append(word)
    return own + rest


def main() -> None:
    """Run one command; every refusal is one clear line and an exit code."""
    try:
        app(in_front(sys.argv[1:]))
    except Failure as failure:
        failure.tell()
        sys.exit(failure.code)


if __name__ == "__main__":
    main()
