"""Waking through Redis, and without it when it is gone."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis
from django.conf import settings

from governance.ledger import wake
from tests.fixtures.house import House

pytestmark = pytest.mark.skipif(
    not shutil.which("redis-server"), reason="redis-server is not installed (Debian: apt-get install redis-server)"
)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _server(directory: Path, port: int) -> Iterator[None]:
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(directory)]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200))
    try:
        client.ping()
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def port(house: House) -> Iterator[int]:
    """The port at which this test's Redis may listen."""
    before, number = settings.GOV, _free_port()
    settings.GOV = before.model_copy(update={"redis_url": f"redis://127.0.0.1:{number}/0"})
    wake.redis_client.cache_clear()
    yield number
    settings.GOV = before
    wake.redis_client.cache_clear()


def test_a_ring_reaches_every_listener(port: int, tmp_path: Path) -> None:
    with _server(tmp_path, port):
        bells = [wake.listen("one"), wake.listen("two")]
        for bell in bells:
            assert bell.wait(5), "a new subscription counts as a ring"
        wake.ring()
        for bell in bells:
            assert any(bell.wait(5) for _ in range(3))
            bell.close()


def test_without_redis_nothing_fails_and_when_it_comes_back_waking_works_again(port: int, tmp_path: Path) -> None:
    bell = wake.listen("test")
    wake.ring()
    assert not bell.wait(0.01)
    with _server(tmp_path, port):
        assert bell.wait(5)
    with ExitStack() as again:
        assert not any(bell.wait(0.01) for _ in range(3))
        again.enter_context(_server(tmp_path, port))
        assert any(bell.wait(1) for _ in range(5))
        wake.ring()
        assert any(bell.wait(5) for _ in range(3))
    bell.close()
