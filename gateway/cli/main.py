"""The entry of govctl."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import audit, bootstrap, lb, listing
from gateway.cli.failures import CODES_HELP, USAGE, Failure
from gateway.cli.server import Output, Server, check_token

DEFAULT_SERVER = "127.0.0.1:8443"
# Options of govctl itself, each with a value: they may stand anywhere on the line.
_OWN = ("--server", "--token-file", "--output", "-o")

app = typer.Typer(
    name="govctl",
    no_args_is_help=True,
    add_completion=False,
    epilog=f"--server, --token-file and --output may stand behind the command as well. {CODES_HELP}",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(listing.services)
app.command()(listing.endpoints)
app.command()(listing.clients)
app.add_typer(lb.app, name="lb")
app.add_typer(audit.app, name="audit")
app.add_typer(bootstrap.app, name="bootstrap")


@app.callback()
def govctl(
    context: typer.Context,
    server: Annotated[str, typer.Option(envvar="GOVCTL_SERVER", help="host:port of the gRPC API.")] = DEFAULT_SERVER,
    token_file: Annotated[Path | None, typer.Option(help="File that holds the token; else GOVCTL_TOKEN.")] = None,
    token: Annotated[str, typer.Option(envvar="GOVCTL_TOKEN", hidden=True)] = "",
    output: Annotated[Output, typer.Option("--output", "-o", help="Form of the answer.")] = "table",
) -> None:
    """Govern gRPC services from the command line."""
    if token_file is not None:
        try:
            token = token_file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(
                f"cannot read {token_file}: {getattr(error, 'strerror', None) or 'not text'}", USAGE
            ) from None
    context.obj = Server(server, check_token(token), output)


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
        elif word.startswith(tuple(f"{name}=" for name in _OWN if name.startswith("--"))):
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
