"""A program's certificates on disk: join once, then keep them fresh."""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.failures import REFUSED, USAGE, Failure
from gateway.cli.server import Server
from governance.kernel.errors import GovernanceError

# What the agent needs is imported where it runs: it would make every other command start three times as slowly.

Directory = Annotated[Path, typer.Option("--dir", help="Directory of the identity: tls.crt, tls.key and ca.crt.")]


def join(
    url: Annotated[str, typer.Argument(help="The control plane's HTTP address, such as http://127.0.0.1:8000.")],
    directory: Directory,
    # Not --token-file: that is an option of govctl itself, wherever it stands on the line.
    token_file: Annotated[
        Path, typer.Option("--join-token-file", help="File that holds the join token; - reads it from standard input.")
    ],
    roots_sha256: Annotated[str, typer.Option(help="SHA-256 of the roots (hex), as `cert roots` shows it.")] = "",
) -> None:
    """Exchange a join token for a first certificate, over a key that is made here and stays here."""
    from gateway.agent import identity as own
    from gateway.tls.watcher import CHAIN

    if (directory / CHAIN).exists():
        raise Failure(f"{directory} holds an identity already; remove it first, or let `cert watch` keep it", USAGE)
    try:
        token = typer.get_text_stream("stdin").read() if str(token_file) == "-" else token_file.read_text()
        identity = own.join(url, token.strip(), roots_sha256=roots_sha256)
        own.store(directory, identity)
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}", USAGE) from None
    except UnicodeDecodeError:
        raise Failure(f"{token_file} holds no text", USAGE) from None
    except GovernanceError as error:
        raise Failure(str(error), REFUSED) from None
    typer.echo(f"{identity.uri} until {identity.pair.not_after:%Y-%m-%d %H:%M} UTC, in {directory}")


def watch(
    context: typer.Context,
    directory: Directory,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIRECTORY", help="Keep this certificate, with its key, in DIRECTORY; repeat."),
    ] = None,
) -> None:
    """Keep an identity fresh, and the certificates it may fetch, until Ctrl-C: files change all at once."""
    server: Server = context.obj
    wants = dict(_split(each) for each in secret or ())
    try:
        asyncio.run(_watch(directory.absolute(), server.address, wants))
    except GovernanceError as error:
        raise Failure(str(error), REFUSED) from None


def _split(text: str) -> tuple[str, Path]:
    name, equals, directory = text.partition("=")
    if not name or not equals or not directory:
        raise Failure(f"{text!r} is not NAME=DIRECTORY", USAGE)
    return name, Path(directory).absolute()


async def _watch(directory: Path, address: str, wants: dict[str, Path]) -> None:
    from gateway.agent.agent import Agent

    agent = Agent(directory, address, wants=wants)
    working = asyncio.create_task(agent.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working
