"""Wakes followers in this process and in others; a lost wake-up costs one poll, never a change."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import PubSub

CHANNEL = "governor:wake"
MAX_ADDRESS = 103  # bytes; Linux allows 107, macOS 103


class Bell(Protocol):
    """Rings for a follower."""

    def wait(self, timeout_s: float) -> bool:
        """Block until someone rings (True) or `timeout_s` passes (False)."""

    def close(self) -> None:
        """Stop listening."""


def _directory() -> Path:
    return Path(settings.GOV.data_dir) / "run" / "wake"


class SocketBell:
    """A datagram socket in the data directory, one per listener, named after its process."""

    def __init__(self, name: str) -> None:
        directory = _directory().resolve()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = directory / f"{os.getpid()}-{threading.get_ident():x}-{name}.sock"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with _reachable(self._path) as address:
            self._socket.bind(address)

    def wait(self, timeout_s: float) -> bool:
        """Block until someone rings; several rings before it are one."""
        self._socket.settimeout(timeout_s)
        try:
            self._socket.recv(1)
        except TimeoutError:
            return False
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1)
        return True

    def close(self) -> None:
        """Remove the socket."""
        self._socket.close()
        self._path.unlink(missing_ok=True)


class RedisBell:
    """A Redis subscription, made anew when it broke."""

    def __init__(self) -> None:
        self._pubsub: PubSub | None = None

    def wait(self, timeout_s: float) -> bool:
        """Block until someone rings; an unreachable Redis is a missed ring, a new subscription counts as one."""
        from redis import RedisError

        try:
            if self._pubsub is None:
                pubsub = redis_client().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py's
                pubsub.subscribe(CHANNEL)
                self._pubsub = pubsub
                return True
            return self._pubsub.get_message(timeout=timeout_s) is not None
        except (RedisError, OSError):
            self.close()
            threading.Event().wait(timeout_s)
            return False

    def close(self) -> None:
        """End the subscription."""
        from redis import RedisError

        if self._pubsub is not None:
            with contextlib.suppress(RedisError, OSError):
                self._pubsub.close()
            self._pubsub = None


def listen(name: str) -> Bell:
    """A bell for the follower `name` of this process."""
    return RedisBell() if settings.GOV.redis_url else SocketBell(name)


def ring() -> None:
    """Wake every listener; never raises, because the change is already committed."""
    if settings.GOV.redis_url:
        _ring_redis()
    else:
        _ring_sockets()


def _ring_redis() -> None:
    from redis import RedisError

    with contextlib.suppress(RedisError, OSError):
        redis_client().publish(CHANNEL, b"1")


@cache
def redis_client() -> "Redis":
    """The connections of this process to Redis."""
    from redis import Redis

    return Redis.from_url(settings.GOV.redis_url, socket_connect_timeout=0.5)


def _ring_sockets() -> None:
    directory = _directory()
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for name in os.listdir(directory):  # noqa: PTH208  (names, not paths, are wanted)
            with _reachable(directory / name) as address:
                _ring_one(sender, address, directory / name)


def _ring_one(sender: socket.socket, address: str, path: Path) -> None:
    try:
        sender.sendto(b"1", address)
    except ConnectionRefusedError:  # its process died without cleaning up
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    except OSError:  # a full queue has rung already; a vanished one needs nothing
        pass


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """An address of `path` for as long as the block runs: a socket's address holds 107 bytes, a path may be longer."""
    if len(os.fsencode(path)) <= MAX_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
