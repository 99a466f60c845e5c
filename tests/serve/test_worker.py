"""The worker does what the clock asks, on one machine and over Redis."""

import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.queries.authorities import issuers, roots_pem
from governance.pki.queries.certificates import certificates
from governance.registry import queries as registry
from governance.registry.commands import CreateService, RegisterEndpoint
from governance.registry.models import Lease
from governance.registry.values import EndpointSpec, ServiceSpec
from tests.fixtures.house import House
from tests.fixtures.product import ROOT, eventually

REDIS = shutil.which("redis-server")


@contextmanager
def _worker(environ: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "manage.py", "worker"]
    with subprocess.Popen(command, cwd=ROOT, env=dict(environ)) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    if REDIS is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        url = f"redis://127.0.0.1:{port}/0"
        eventually(lambda: _answers(url), what="Redis answers")
        yield url
        process.terminate()


def _answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.RedisError:
        return False


def _lease_runs_out(by: Actor, name: str) -> None:
    """Register an instance whose lease ran out a second ago."""
    if registry.service("default", "shop") is None:
        execute(CreateService(namespace="default", spec=ServiceSpec(namespace="default", name="shop")), by=by)
    spec = EndpointSpec(name=name, host="127.0.0.1", port=4000 + int(name[-1]), zone="a")
    execute(RegisterEndpoint(namespace="default", service="shop", spec=spec, ttl_s=30), by=by)
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))


def _endpoints() -> list[str]:
    service = registry.service("default", "shop")
    assert service is not None
    return [endpoint.name for endpoint in service.endpoints]


def test_an_endpoint_whose_lease_ran_out_leaves_by_one_fact_of_the_system(house: House, alice: Actor) -> None:
    with _worker(house.environ) as process:
        _lease_runs_out(alice, "shop-1")
        eventually(lambda: not _endpoints(), what="the endpoint leaves")
        eventually(lambda: any(place.follower == "worker" for place in ledger.places()), what="a sign of life")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    facts = ledger.search(action="registry.endpoint.expire")
    assert [(fact.actor, fact.door, fact.reason) for fact in facts] == [
        ("system", "task", "the lease was not kept alive")
    ]
    assert len(ledger.search(action="registry")) == 3  # sweeping nothing leaves nothing


def test_over_redis_one_worker_is_the_clock_and_another_takes_over(house: House, alice: Actor, redis_url: str) -> None:
    environ = {**house.environ, "GOV_REDIS_URL": redis_url}
    lead = redis.Redis.from_url(redis_url)
    with ExitStack() as workers:
        first = workers.enter_context(_worker(environ))
        held = eventually(lambda: lead.get("governor:beat"), what="one leads")
        workers.enter_context(_worker(environ))
        _lease_runs_out(alice, "shop-1")
        eventually(lambda: not _endpoints(), what="the endpoint leaves")
        assert lead.get("governor:beat") == held
        first.send_signal(signal.SIGTERM)
        assert first.wait(20) == 0
        eventually(lambda: lead.get("governor:beat") not in (None, held), what="the other leads")
        _lease_runs_out(alice, "shop-2")
        eventually(lambda: not _endpoints(), what="the next endpoint leaves")


def test_the_first_worker_makes_what_the_doors_need(house: House) -> None:
    with ExitStack() as stack:
        for _ in range(2):  # at once
            stack.enter_context(_worker(house.environ))
        eventually(lambda: {each.path for each in certificates() if each.number} >= OURS, what="our own certificates")
        assert [each.name for each in issuers()] == ["internal"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        environ = {**house.environ, "GOV_GRPC_ADDR": address, "GOV_GRPC_TLS": "mutual"}
        command = [sys.executable, "manage.py", "xds"]
        xds = stack.enter_context(subprocess.Popen(command, cwd=ROOT, env=environ))
        stack.callback(xds.terminate)
        host, port = address.split(":")
        eventually(lambda: _shown(host, int(port)), what="a port that shows our certificate")


OURS = {"governor/control-plane", "governor/nobody"}


def _shown(host: str, port: int) -> bool:
    """Whether a handshake is offered, below the roots that are trusted here."""
    context = ssl.create_default_context(cadata=roots_pem())
    try:
        with (
            socket.create_connection((host, port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except (ConnectionError, ssl.SSLEOFError):
        return False
