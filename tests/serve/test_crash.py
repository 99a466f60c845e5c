"""`kill -9` of any process, at any moment, under load: nothing acknowledged is lost, all comes back."""

import os
import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.product import Product, eventually, running
from tests.interop.fleet import backends, caller, envoy, proxyless, shares

PROCESSES = ("web", "xds", "worker")
WRITERS = 4


@dataclass
class Writers:
    """People who change things over REST all the time, and note every receipt they were given."""

    product: Product
    token: str
    receipts: dict[str, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def write(self, writer: int) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.product.url, headers=headers, timeout=30) as client:
            for number in range(1_000_000):
                if self._done.is_set():
                    return
                self._create(client, f"service-{writer}-{number}")
                self._done.wait(0.02)  # steady, but not so much that nothing else gets a core

    def _create(self, client: httpx.Client, name: str) -> None:
        """Ask until there is a receipt: with the same request id, asking again is harmless."""
        headers = {"Idempotency-Key": f"create-{name}"}
        while not self._done.is_set():
            try:
                answer = client.post("/api/v1/services", json={"name": name}, headers=headers)
            except httpx.TransportError:
                continue
            if answer.is_success:
                self.receipts[name] = answer.json()["revision"]
                return
            if answer.status_code < 500:
                self.refusals.append(f"{answer.status_code} {answer.text}")
                return

    def stop(self) -> None:
        self._done.set()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("crash") / "data") as product:
        yield product


def _kill(product: Product, name: str) -> float:
    """Kill a process and wait until the next one does its work; how long that took."""
    before, killed_at = product.children()[name], datetime.now(UTC)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: product.children()[name] != before, what=f"{name} is started again", every_s=0.02)
    eventually(lambda: _works(product, name, killed_at), what=f"{name} works again", every_s=0.02)
    return (datetime.now(UTC) - killed_at).total_seconds()


def _works(product: Product, name: str, since: datetime) -> bool:
    match name:
        case "web":
            return _is_ready(product)
        case "xds":
            return _serves(product.grpc)
        case _:
            return _seen_at(product, name) > since


def _is_ready(product: Product) -> bool:
    try:
        return httpx.get(f"{product.url}/readyz", timeout=10).is_success
    except httpx.TransportError:
        return False


def _serves(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _seen_at(product: Product, name: str) -> datetime:
    with closing(sqlite3.connect(product.data_dir / "ledger.sqlite3", timeout=10)) as ledger:
        row = ledger.execute("SELECT seen_at FROM governance_cursor WHERE follower = ?", [name]).fetchone()
    return datetime.fromisoformat(row[0]).replace(tzinfo=UTC)


def _survives(product: Product, names: list[str], *, back_within_s: float) -> None:
    writers = Writers(product, product.token("operator"))
    with ThreadPoolExecutor(WRITERS) as pool:
        work = [pool.submit(writers.write, number) for number in range(WRITERS)]
        try:
            took = [(name, _kill(product, name)) for name in names]
            reached = len(writers.receipts)
            eventually(lambda: len(writers.receipts) > reached, what="changes go on")
        finally:
            writers.stop()
        for each in work:
            each.result(60)
    assert writers.refusals == []
    _nothing_acknowledged_is_lost(product, writers.receipts)
    assert [(name, round(back_s, 1)) for name, back_s in took if back_s > back_within_s] == []


def _nothing_acknowledged_is_lost(product: Product, receipts: dict[str, int]) -> None:
    assert len(set(receipts.values())) == len(receipts)
    facts = {event["thing"]: event["seq"] for event in _created(product)}
    assert {name: facts.get(f"service/default/{name}") for name in receipts} == receipts
    product.manage("verify_ledger")


def _created(product: Product) -> Iterator[dict[str, Any]]:
    headers = {"authorization": f"Bearer {product.token('auditor')}"}
    query = {"action": "registry.service.create", "page_size": "500", "page_token": ""}
    with httpx.Client(base_url=product.url, headers=headers, timeout=30) as client:
        while True:
            page = client.get("/api/v1/events", params=query).raise_for_status().json()
            yield from page["events"]
            if not page["next_page_token"]:
                return
            query["page_token"] = page["next_page_token"]


def test_each_process_killed_once_under_load(product: Product) -> None:
    _survives(product, list(PROCESSES), back_within_s=20.0)  # a busy machine is no failure


@pytest.mark.soak
def test_twenty_random_kills_under_load_cost_no_fact_and_no_call(product: Product, tmp_path: Path) -> None:
    chance = random.Random(20)  # the same order every time
    with ExitStack() as stack:
        stack.enter_context(backends()).register_over(GrpcWeb(product.url, product.token("operator")))
        front = stack.enter_context(envoy(tmp_path, product.grpc, node_id="envoy", zone="z1"))
        callers = (
            stack.enter_context(proxyless(tmp_path, product.grpc, node_id="python", zone="z2", rate=50)),
            stack.enter_context(caller(front, node_id="envoy", rate=50, streams=2)),
        )
        _survives(product, [chance.choice(PROCESSES) for _ in range(20)], back_within_s=5.0)
        assert [(calling.errors, calling.broken) for calling in callers] == [({}, 0), ({}, 0)]
        shares(callers, calls=200)
