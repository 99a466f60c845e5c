"""The main of every child: `python -m gateway.supervise.entry <pid of the parent> <management command> [arguments]`."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with(parent: int) -> None:
    """Let the kernel kill this process when the thread of `parent` that started it ends, however that ends.

    Called in the child's main and not between fork and exec, where gRPC's fork handlers would be in the way.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the command as `manage.py` would."""
    parent, *command = sys.argv[1:]
    die_with(int(parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *command])


if __name__ == "__main__":
    main()
