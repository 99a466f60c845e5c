"""What `govctl lb` asks for and what it is told: requests from words, and states as texts."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from gateway.cli import show
from gateway.cli.failures import USAGE, Failure
from gateway.proto import traffic_pb2 as pb

_NUMBERS = ("timeout_ms", "choice_count", "min_ring_size", "spill_pct")
_WORDS = ("weigh_by", "hash_header", "hash_function")
SETTINGS_HELP = ", ".join((*_NUMBERS, *_WORDS, "strict", "order (comma-separated)"))


def balancing_of(policy: str, weights: Sequence[str], settings: Sequence[str]) -> pb.Balancing:
    """The message of `policy` with `name=weight` and `parameter=value` pairs; whether they fit the server decides."""
    made = pb.Balancing(policy=policy)
    for pair in weights:
        name, number = _pair(pair, "--weight")
        made.weights[name] = _number(number, f"weight of {name}")
    for pair in settings:
        name, value = _pair(pair, "--set")
        if name in _NUMBERS:
            setattr(made, name, _number(value, name))
        elif name in _WORDS:
            setattr(made, name, value)
        elif name == "order":
            made.order.extend(part.strip() for part in value.split(","))
        elif name == "strict" and value in ("true", "false"):
            made.strict = value == "true"
        else:
            raise Failure(f"--set {pair}: there are {SETTINGS_HELP}", USAGE)
    return made


def _pair(text: str, option: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise Failure(f"{option} {text}: give it as name=value", USAGE)
    return name, value


def _number(text: str, what: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise Failure(f"{what} is {text!r}; it must be a whole number", USAGE) from None
    if not -(2**31) <= number < 2**31:
        raise Failure(f"{what} is {text}, which is far too large", USAGE)
    return number


def shares(intended: Sequence[pb.IntendedShares]) -> Table | None:
    """The share each endpoint is meant to get, a column per zone of clients; None where the policy fixes none."""
    fixed = [one for one in intended if one.share_ppm]
    if not fixed:
        return None
    names = sorted({name for one in fixed for name in one.share_ppm})
    columns = ["ENDPOINT", *(f"{f'SHARE FROM {one.client_zone}' if one.client_zone else 'SHARE'}>" for one in fixed)]
    rows = [(name, *(show.percent(one.share_ppm.get(name, 0)) for one in fixed)) for name in names]
    return show.table(columns, rows)


def verdicts(clients: Sequence[pb.ClientVerdict]) -> Table | None:
    """The clients that would not run the policy as asked; None when all would."""
    words: dict[Any, str] = {pb.VERDICT_FALLS_BACK: "falls back", pb.VERDICT_WOULD_REJECT: "would reject it"}
    rows = [
        (one.node_id, f"{one.kind} {one.version}", words[one.verdict], one.effective_policy, one.note)
        for one in clients
        if one.verdict in words
    ]
    return show.table(["CLIENT", "KIND", "VERDICT", "EFFECTIVE", "NOTE"], rows) if rows else None


def progress(now: pb.SwitchProgress) -> Group:
    """One state of a switch: who has it, and where calls really go."""
    clients = [
        (
            one.node_id,
            one.kind,
            show.word(pb.Delivery.DESCRIPTOR, one.delivery),
            f"{one.acked_after_ms} ms" if one.HasField("acked_after_ms") else show.UNKNOWN,
            one.effective_policy,
            one.nack_text,
        )
        for one in now.clients
    ]
    observed = [
        (
            one.endpoint,
            show.percent(one.observed_ppm) if one.HasField("observed_ppm") else "unknown",
            show.percent(one.intended_ppm) if one.HasField("intended_ppm") else show.UNKNOWN,
            one.calls,
            one.errors,
        )
        for one in now.shares
    ]
    summary = f"revision {now.revision}: {now.acked} acknowledged, {now.nacked} refused, {now.waiting} waiting"
    return Group(
        Text(summary + (", settled" if now.settled else ""), style="bold"),
        show.table(["CLIENT", "KIND", "DELIVERY", "AFTER>", "EFFECTIVE", "REFUSED BECAUSE"], clients),
        Text(""),
        show.table(["ENDPOINT", "OBSERVED>", "INTENDED>", "CALLS>", "ERRORS>"], observed),
    )
