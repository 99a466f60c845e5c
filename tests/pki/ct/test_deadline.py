"""Servers that let their bytes trickle: whatever they do, whoever asks is free again in time."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.conf import settings

from governance.kernel.errors import Unavailable
from governance.pki.ct import deadline, publiclist, tailing
from governance.pki.ct.fetching import ANSWER, CHECKPOINT, Door, Pace, make_client
from governance.pki.ct.http import view_of
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.pki.ct.promising import signer
from tests.pki.ct.reading import served
from tests.pki.ct.tailed import filler, known, pin
from tests.pki.ct.trickling import OK, WAYS, trickling

TIME_S = 0.4
Ask = Callable[[Door, str], object]


def _in_time(ask: Callable[[], object], why: str) -> None:
    """It is refused with that sentence, about when its time is over."""
    started = time.monotonic()
    with pytest.raises(Unavailable, match=why):
        ask()
    assert time.monotonic() - started < TIME_S + 2


@pytest.mark.parametrize(("begin", "again"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda door, url: door.get(url, "checkpoint", CHECKPOINT),
        lambda door, url: door.post(url, "checkpoint", ANSWER, content={"chain": ["A" * 100_000]}),
    ],
    ids=["get", "post"],
)
def test_a_log_that_lets_its_answer_trickle_is_given_up_in_time(begin: bytes, again: bytes, ask: Ask) -> None:
    with trickling(begin, again) as url, make_client(timeout_s=30) as patient:
        door = Door(signer("slow").log, patient, pace=Pace(), deadline_s=TIME_S)
        _in_time(lambda: ask(door, url), "the log slow did not finish checkpoint in the time that it has")


def test_a_log_that_does_not_read_what_it_is_sent_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, make_client(timeout_s=30) as patient:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        door = Door(signer("slow").log, patient, pace=Pace(), deadline_s=TIME_S)
        sent = {"chain": ["A" * 20_000_000]}
        _in_time(lambda: door.post(url, "ct/v1/add-chain", ANSWER, content=sent), "did not finish")


def test_the_time_of_one_thread_is_not_that_of_another_with_the_same_connections() -> None:
    begin, again = WAYS["a byte of a header at a time"]
    with served(1) as log, trickling(begin, again) as url, make_client() as client, ThreadPoolExecutor(1) as pool:
        slow = Door(signer("slow").log, client, pace=Pace(), deadline_s=TIME_S)
        waiting = pool.submit(slow.get, url, "checkpoint", CHECKPOINT)
        view = view_of(log.log(), client, pace=Pace())
        while not waiting.done():
            assert view.head().size == 1
        with pytest.raises(Unavailable):
            waiting.result()
        assert view.head().size == 1, "and what is over does not count for what comes after"


def test_a_block_within_another_ends_no_later() -> None:
    with deadline.within(10) as outer, deadline.within(20) as inner, deadline.within(1) as innermost:
        assert inner == outer
        assert innermost < inner


def test_a_name_with_many_addresses_is_no_longer_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers at any of them, and each would be waited for as long as the first."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 443)) for n in range(1, 100)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    tried: list[Any] = []

    def nobody(address: Any, timeout: float, **_: Any) -> socket.socket:
        tried.append((address, timeout))
        assert not threading.Event().wait(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", nobody)
    with make_client(timeout_s=0.15) as client:
        door = Door(signer("gone").log, client, pace=Pace(), deadline_s=TIME_S)
        _in_time(lambda: door.get("http://gone.example/", "checkpoint", CHECKPOINT), "did not")
    assert 1 < len(tried) <= 4


@pytest.mark.parametrize(("begin", "again"), WAYS.values(), ids=WAYS)
def test_a_list_that_trickles_is_given_up_in_time(begin: bytes, again: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publiclist, "DEADLINE_S", TIME_S)
    with trickling(begin, again) as url, make_client(timeout_s=30) as client:
        _in_time(lambda: publiclist._get(client, url, 1000), f"{url} cannot be read")


def test_a_client_without_time_limits_is_not_changed_by_a_transport_that_has_them() -> None:
    with served(1) as log, httpx.Client(transport=deadline.Transport(verify=ssl.create_default_context())) as client:
        assert client.get(f"{log.url}checkpoint").text == log.checkpoint


def test_a_round_over_the_logs_does_not_wait_for_one_that_trickles(
    pki: House, oslo: CtLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"ROUND_S": TIME_S, "READING_S": TIME_S, "GRACE_S": TIME_S}.items():
        monkeypatch.setattr(tailing, name, seconds)
    with CtLog("rome") as rome, trickling(OK + b"x-slow: ", b"a") as url:
        filler(rome, 1)
        pin(rome.log(monitoring_url=url), oslo)
        started = time.monotonic()
        readings = {each.log.description: each.asked for each in tailing.read_logs()}
        assert time.monotonic() - started < 10
        assert (readings["oslo"], readings["rome"]) == (True, False)
        assert "did not finish checkpoint" in known(rome).error
    assert settings.GOV.ct_logs
