"""One child process: started, watched, started again when it dies, stopped."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from prometheus_client.multiprocess import mark_process_dead

ROOT = Path(__file__).resolve().parent.parent.parent
# How long to wait before each start after an early death. The first is at once: a crash is rare and callers wait.
PAUSES_S = (0.0, 0.2, 0.5, 0.5, 1.0, 1.0, 2.0, 5.0)
SETTLED_S = 5.0
# Where prometheus_client's processes keep their figures, so that one of them can tell those of all.
METRICS = "PROMETHEUS_MULTIPROC_DIR"

Say = Callable[[str], None]


class Child:
    """Runs one management command in a process group of its own until stopped.

    Its output comes out line by line on our stderr, each line with its name in front. It dies with us, and what it
    started dies with it.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], *, environ: Mapping[str, str], inherit: Sequence[int] = (), say: Say
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "gateway.supervise.entry", str(os.getpid()), *arguments]
        self._environ = dict(environ)
        self._inherit = tuple(inherit)
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep it running until `stop`."""
        early = 0
        while not self._stopping.is_set():
            started_at = time.monotonic()
            process = self._start()
            code = await asyncio.to_thread(process.wait)
            self._bury(process.pid)
            if self._stopping.is_set():
                return
            early = 0 if time.monotonic() - started_at >= SETTLED_S else early + 1
            pause_s = PAUSES_S[min(early, len(PAUSES_S)) - 1] if early else 0.0
            self._say(f"{self.name} ended ({_how(code)}), starting it again" + (f" in {pause_s} s" if pause_s else ""))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    def stop(self) -> None:
        """Ask it to end, and do not start it again."""
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it and everything it started, now."""
        if self._process is not None and self._process.poll() is None:
            self._say(f"{self.name} did not stop in time and is killed")
            _kill_group(self._process.pid)

    def _start(self) -> "subprocess.Popen[str]":
        # From the main thread: the kernel's promise to end the child is tied to the thread that started it.
        self._process = process = subprocess.Popen(  # noqa: S603  (our own interpreter and modules)
            self._command,
            env=self._environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=self._inherit,
            start_new_session=True,  # Ctrl-C reaches us alone; we tell the children
        )
        assert process.stdout is not None
        threading.Thread(target=_copy, args=(self.name, process.stdout), daemon=True).start()
        self._say(f"{self.name} started (pid {process.pid})")
        return process

    def _bury(self, pid: int) -> None:
        _kill_group(pid)
        if directory := self._environ.get(METRICS):
            mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]


def _copy(name: str, lines: IO[str]) -> None:
    for line in lines:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{name:>8} | {line.rstrip()}\n")
            sys.stderr.flush()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
