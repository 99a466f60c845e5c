"""What one running Governor holds alone: its data directory and its two ports."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from governance.kernel.errors import Unavailable

BACKLOG = 2048


def hold(data_dir: Path) -> IO[str]:
    """The data directory's lock, held while the file is open; Unavailable when another Governor runs there."""
    file = (data_dir / "serve.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise Unavailable(
            f"another Governor (pid {pid}) runs on {data_dir}; stop it, or set GOV_DATA_DIR to another directory"
        ) from None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file


def listening(host: str, port: int, *, name: str = "GOV_HTTP_ADDR") -> socket.socket:
    """A listening socket that children inherit: while one is started anew, callers wait instead of being refused."""
    door = reserved(host, port, name=name)
    door.listen(BACKLOG)
    return door


def reserved(host: str, port: int, *, name: str) -> socket.socket:
    """A bound socket that keeps a port for a child; the child can listen there, strangers cannot be given it.

    Linux lets a second socket bind to the same port if both set SO_REUSEADDR and the first does not listen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise Unavailable(f"{name}: cannot listen on {joined(host, port)}: {error.strerror}") from None
    return door


def port_of(door: socket.socket) -> int:
    """The port to which `door` is bound."""
    return int(door.getsockname()[1])


def joined(host: str, port: int) -> str:
    """host:port, with brackets round an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
