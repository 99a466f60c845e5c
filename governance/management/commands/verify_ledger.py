"""Says whether everything that was recorded is still as it was recorded."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.compliance.streams import STREAMS
from governance.ledger.verify import Verdict, verify


class Command(BaseCommand):
    """Exits with 1 when a stream is not whole."""

    help = "Re-derive the audit streams from their rows and name the first row that was tampered with."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which streams, how to print, and what to compare with."""
        parser.add_argument("--stream", choices=[*STREAMS, "all"], default="all")
        parser.add_argument("--json", action="store_true", help="print one JSON object per stream")
        parser.add_argument(
            "--checkpoint",
            type=Path,
            help="a checkpoint kept outside; shows that nothing was cut off or rewritten since (needs --stream)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a verdict per stream."""
        names = list(STREAMS) if options["stream"] == "all" else [options["stream"]]
        kept = ""
        if options["checkpoint"]:
            if len(names) > 1:
                raise CommandError("--checkpoint needs --stream changes or --stream calls")
            try:
                kept = options["checkpoint"].read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise CommandError(f"the checkpoint cannot be read: {error}") from None
        verdicts = [verify(STREAMS[name], kept=kept) for name in names]
        for verdict in verdicts:
            self.stdout.write(_as_json(verdict) if options["json"] else _as_text(verdict))
        if not all(verdict.sound for verdict in verdicts):
            sys.exit(1)


def _as_text(verdict: Verdict) -> str:
    if verdict.sound:
        return (
            f"{verdict.stream}: sound: {verdict.size} events, {verdict.checkpoints} checkpoints agree, "
            f"root {verdict.root.hex()}"
        )
    where = f"event {verdict.seq}: " if verdict.seq else ""
    return f"{verdict.stream}: NOT SOUND: {where}{verdict.problem} (the {verdict.size} events before it are in order)"


def _as_json(verdict: Verdict) -> str:
    return json.dumps(
        {
            "stream": verdict.stream,
            "sound": verdict.sound,
            "size": verdict.size,
            "root": verdict.root.hex(),
            "checkpoints": verdict.checkpoints,
            "bad_seq": verdict.seq or None,
            "problem": verdict.problem,
        },
        sort_keys=True,
    )
