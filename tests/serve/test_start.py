"""`manage.py serve` as a user meets it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.product import ROOT, Product, eventually, running

SECONDS_TO_STOP = 5.0


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("serve") / "data") as product:
        yield product


def _serve(data_dir: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    free = {"GOV_HTTP_ADDR": "127.0.0.1:0", "GOV_GRPC_ADDR": "127.0.0.1:0"}
    environ = {**os.environ, "GOV_DATA_DIR": str(data_dir), **free, **settings}
    command = [sys.executable, "manage.py", "serve"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)


def _descendants(pid: int) -> set[int]:
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _listens(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def test_the_last_line_of_a_start_is_ready_and_the_url(product: Product) -> None:
    own = [line for line in product.lines if " | " not in line]
    assert own == [f"ready {product.url}/"]
    assert set(product.children()) == {"web", "xds", "worker"}


def test_a_second_copy_on_the_same_data_directory_is_refused_in_one_sentence(product: Product) -> None:
    second = _serve(product.data_dir)
    assert second.returncode == 1
    assert second.stderr.strip() == (
        f"CommandError: another Governor (pid {product.process.pid}) runs on {product.data_dir}; "
        "stop it, or set GOV_DATA_DIR to another directory"
    )


def test_a_port_that_is_in_use_is_one_sentence(product: Product, tmp_path: Path) -> None:
    refused = _serve(tmp_path / "data", GOV_HTTP_ADDR=product.url.removeprefix("http://"))
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: GOV_HTTP_ADDR: cannot listen on 127.0.0.1:")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GOV_HTTP_ADDRESS", "127.0.0.1:80", "unknown setting GOV_HTTP_ADDRESS; there are "),
        ("GOV_HTTP_ADDR", "nonsense", "GOV_HTTP_ADDR: 'nonsense' is not host:port"),
        ("GOV_ALLOWED_ORIGINS", "https://a.example, foo", "GOV_ALLOWED_ORIGINS: 'foo' is not http://host"),
        ("GOV_ALLOWED_HOSTS", "http://x/", "GOV_ALLOWED_HOSTS: 'http://x/' is not a host name"),
        ("GOV_TRUSTED_PROXIES", "10.0.0.0/8,banana", "GOV_TRUSTED_PROXIES: 'banana' is not an IP address"),
        ("GOV_LOG_FORMAT", "xml", "GOV_LOG_FORMAT"),
        ("GOV_DATABASE_URL", "mysql://x", "GOV_DATABASE_URL must be postgresql://"),
        ("GOV_SECRET_KEY", "short", "GOV_SECRET_KEY must have at least 40 characters"),
        ("GOV_REDIS_URL_FILE", "/nowhere", "GOV_REDIS_URL_FILE: No such file or directory: /nowhere"),
    ],
)
def test_a_bad_setting_is_one_sentence(tmp_path: Path, name: str, value: str, message: str) -> None:
    refused = _serve(tmp_path / "data", **{name: value})
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.startswith("governor: ")
    assert message in refused.stderr


def test_a_database_that_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    refused = _serve(tmp_path / "data", GOV_DATABASE_URL="postgresql://u:p@127.0.0.1:1/x")
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: GOV_DATABASE_URL: the database cannot be used: ")
    assert len(refused.stderr.splitlines()) == 1


def test_a_data_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = _serve(tmp_path / "file" / "data")
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [f"governor: GOV_DATA_DIR: cannot use {tmp_path}/file/data: Not a directory"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopping_leaves_no_process_and_no_port(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data") as product:
        family = _descendants(product.process.pid)
        doors = [product.url.removeprefix("http://"), product.grpc]
        assert len(family) >= 4
        assert all(_listens(door) for door in doors)
        began_at = time.monotonic()
        product.process.send_signal(number)
        code = product.process.wait(30)
        took_s = time.monotonic() - began_at
        eventually(lambda: not any(_alive(pid) for pid in family), within_s=5, what="every process ends")
    assert took_s < SECONDS_TO_STOP
    assert code == (-9 if number is signal.SIGKILL else 0)
    eventually(lambda: not any(_listens(door) for door in doors), within_s=5, what="nobody listens there any more")


def test_the_first_start_prints_one_password_once(tmp_path: Path) -> None:
    without = {"GOV_ADMIN_PASSWORD_FILE": str(tmp_path / "empty")}
    (tmp_path / "empty").write_text("")
    with running(tmp_path / "data", environ=without) as product:
        assert sum("one-time password" in line for line in product.lines) == 1
    with running(tmp_path / "data", environ=without) as product:
        assert not any("one-time password" in line for line in product.lines)


def test_metrics_are_those_of_all_processes(product: Product) -> None:
    headers = {"authorization": f"Bearer {product.token('viewer')}"}
    told = httpx.get(f"{product.url}/metrics", headers=headers).raise_for_status().text
    assert 'governor_follower_lag_facts{follower="xds"} 0.0' in told
    assert "governor_lrs_reports_total" in told
    assert "governor_ledger_revision" in told
