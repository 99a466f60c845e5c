"""The programs the fleet starts: kept running, and ended with it."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

ROOT = Path(__file__).resolve().parent.parent.parent
# How long to wait before each start after an early death; the first is at once.
PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0)
SETTLED_S = 10.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run. Its errors go to `log_file`, or to our own output when that is None."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    log_file: Path | None = None


async def keep(program: Program) -> None:
    """Run `program`, and again whenever it ends, until cancelled; then it is ended."""
    early = 0
    while True:
        started_at = time.monotonic()
        process = await _start(program)
        try:
            code = await process.wait()
        finally:
            await _end(process)
        early = 0 if time.monotonic() - started_at >= SETTLED_S else min(early + 1, len(PAUSES_S))
        pause_s = PAUSES_S[early - 1] if early else 0.0
        log.warning("started again", program=program.name, ended_with=code, pause_s=pause_s)
        await asyncio.sleep(pause_s)


async def _start(program: Program) -> asyncio.subprocess.Process:
    with contextlib.ExitStack() as opened:
        output = opened.enter_context(program.log_file.open("wb")) if program.log_file else sys.stderr
        return await asyncio.create_subprocess_exec(
            *program.command,
            env=dict(program.environ),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """At once: these programs keep nothing that could be lost, and a stop is waited for."""
    if process.returncode is None:
        process.kill()
        await process.wait()
