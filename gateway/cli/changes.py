"""How every change is made: show what it would do, ask why, ask whether, do it."""

import json
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.text import Text

from gateway.cli import show
from gateway.cli.failures import REFUSED, USAGE, Failure
from gateway.cli.server import Server
from gateway.proto import common_pb2

Reason = Annotated[str | None, typer.Option(help="Why; it is recorded. Asked for when it is missing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a change is to be made. Without `reason` and `yes` the person at the terminal is asked."""

    reason: str | None
    yes: bool
    dry_run: bool


def mutation(*, if_revision: int | None = None) -> common_pb2.Mutation:
    """Terms under which a change happens once, however often it is sent."""
    return common_pb2.Mutation(if_revision=if_revision, request_id=str(uuid.uuid4()))


def make(
    server: Server, method: Any, request: Any, wish: Wish, *, done: str = "done at revision {revision}"
) -> Any | None:
    """Preview the change, show it, ask, and make it; the answer, or None when nothing was to be done.

    The answer of `method` is a receipt, or has one.
    """
    request.mutation.validate_only = True
    # Nothing of a preview is recorded, and what needs a reason is to be seen before somebody thinks of one.
    request.mutation.reason = "preview" if wish.reason is None else wish.reason
    preview = receipt_of(server.call(method, request))
    request.mutation.validate_only = False
    if server.output == "table":
        show.console().print(diff(preview.before_json, preview.after_json), end="")
    if wish.dry_run or not preview.changed:
        tell(server, preview, "would change" if preview.changed else "it stands so already")
        return None
    agree(request, wish)
    answer = server.call(method, request)
    tell(server, answer, done.format(revision=receipt_of(answer).revision))
    return answer


def receipt_of(answer: Any) -> common_pb2.Receipt:
    """The receipt that an answer is, or holds."""
    found: common_pb2.Receipt = answer if isinstance(answer, common_pb2.Receipt) else answer.receipt
    return found


def agree(request: Any, wish: Wish, *, question: str = "Go ahead?") -> None:
    """Put the reason into `request`, and ask for confirmation; Failure when it is not given."""
    request.mutation.reason = _reason(wish)
    if wish.yes:
        return
    if not sys.stdin.isatty():
        raise Failure("nobody is here to confirm it: give --yes", USAGE)
    if not typer.confirm(question, err=True):
        raise Failure("nothing was changed", REFUSED)


def _reason(wish: Wish) -> str:
    if wish.reason is not None:
        return wish.reason
    if not sys.stdin.isatty():
        raise Failure("nobody is here to be asked: give --reason", USAGE)
    return str(typer.prompt("Reason", err=True))


def tell(server: Server, answer: Any, text: str) -> None:
    """Show an answer: as a line of JSON, or in words."""
    if server.output == "json":
        show.as_line(show.plain(answer))
    else:
        typer.echo(text)


def flat(state_json: str) -> dict[str, str]:
    """A state as recorded, one text per part; empty when there was none."""
    return dict(_parts("", json.loads(state_json))) if state_json else {}


def _parts(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [part for key, item in value.items() for part in _parts(f"{name}[{key}]" if name else key, item)]
    if isinstance(value, list):
        items = [json.dumps(each) if isinstance(each, Mapping) else str(each) for each in value]
        return [(name, ", ".join(items))]
    return [(name, "" if value is None else str(value).lower() if isinstance(value, bool) else str(value))]


def diff(before_json: str, after_json: str, *, whole: bool = False) -> Text:
    """What changes, line by line; if `whole`, parts that stay are shown as well, without a sign.

    Of a new thing only what says something: neither empty texts nor counts of nothing.
    """
    before, after = flat(before_json), flat(after_json)
    lines = Text()
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, ""), after.get(name, "")
        if old == new:
            lines.append(f"  {name}: {new}\n" if whole else "")
            continue
        if old:
            lines.append(f"- {name}: {old}\n", style="red")
        if new and (old or new != "0"):
            lines.append(f"+ {name}: {new}\n", style="green")
    return lines
