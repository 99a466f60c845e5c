"""What is recorded of calls, and how it is read back."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connections

from governance.compliance import events, queries, writer
from governance.compliance.events import DROPPED
from governance.compliance.stream import CallStream, calls, stop_calls
from governance.compliance.streams import CALLS
from governance.compliance.values import CallRecord
from governance.kernel.clock import now
from governance.ledger.verify import verify
from tests.fixtures.house import House


@pytest.fixture
def stream(house: House) -> Iterator[CallStream]:
    stop_calls()
    yield calls()
    stop_calls()


def _record(stream: CallStream, count: int, **values: object) -> None:
    for n in range(count):
        stream.record(CallRecord(**({"action": "rpc.call", "thing": f"call/{n}"} | values)))  # type: ignore[arg-type]


@contextmanager
def _no_turn(house: House) -> Iterator[None]:
    """Keep every writer from its turn."""
    if os.environ.get("GOV_DATABASE_URL"):
        with psycopg.connect(house.environ["GOV_DATABASE_URL"]) as other:
            other.execute("SELECT * FROM governance_callhead FOR UPDATE")
            yield
        return
    with (house.data_dir / "calls.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_calls_are_recorded_in_their_order_and_the_stream_verifies(stream: CallStream) -> None:
    _record(stream, 2500)
    assert stream.flush(60)
    found = queries.after(0, limit=3000)
    assert [call.seq for call in found] == list(range(1, 2501))
    assert [call.thing for call in found] == [f"call/{n}" for n in range(2500)]
    verdict = verify(CALLS)
    assert verdict.sound, verdict
    assert verdict.size == 2500


def test_a_refusal_is_durable_once_flushed_and_says_who_what_and_why(stream: CallStream) -> None:
    stream.record(
        CallRecord(
            action="governor.admin.v1.TrafficService/SwitchBalancing",
            namespace="shop",
            actor="mallory",
            actor_kind="person",
            outcome="refused",
            status="PERMISSION_DENIED",
            message="mallory lacks the permission traffic.write",
            door="grpc-web",
            address="192.0.2.7",
            duration_us=321,
            detail={"policy": "ring_hash"},
        )
    )
    assert stream.flush(60)
    (call,) = queries.search(outcome="refused")
    assert (call.actor, call.status, call.address, call.duration_us) == (
        "mallory",
        "PERMISSION_DENIED",
        "192.0.2.7",
        321,
    )
    assert call.detail == {"policy": "ring_hash"}


def test_calls_are_found_newest_first_by_what_is_asked(stream: CallStream) -> None:
    _record(stream, 2, namespace="shop", actor="alice", action="rest.services.list")
    _record(stream, 2, namespace="bank", actor="bob", action="rest.services.create", outcome="refused")
    assert stream.flush(60)
    assert [call.seq for call in queries.search()] == [4, 3, 2, 1]
    assert [call.seq for call in queries.search(namespaces={"shop"})] == [2, 1]
    assert [call.seq for call in queries.search(actor="bob")] == [4, 3]
    assert [call.seq for call in queries.search(action="rest.services")] == [4, 3, 2, 1]
    assert [call.seq for call in queries.search(action="rest.serv")] == []
    assert [call.seq for call in queries.search(outcome="refused", before=4, limit=5)] == [3]
    assert queries.head_seq() == 4


def test_what_strangers_send_can_neither_stop_nor_falsify_the_stream(stream: CallStream) -> None:
    _record(stream, 1, action="a" * 5000, actor="\ud800", message="\x00" * 9000, namespace="n" * 300)
    _record(stream, 1, detail={"x": 1.5, "y": 2**80, "z": b"\xff", "deep": [[[[]]]] * 3, "\ud800": object()})
    _record(stream, 1, detail={"big": ["x" * 1000] * 1000})
    _record(stream, 1, duration_us=object())
    assert stream.flush(60)
    assert len(queries.after(0)) == 4
    assert queries.after(3)[0].action == DROPPED
    assert verify(CALLS).sound


def test_secrets_do_not_reach_the_database(stream: CallStream, house: House) -> None:
    secret = "gov_Zq8sLw2vTn5xYc7bRk3m"
    _record(stream, 1, message=f"Bearer {secret}", detail={"password": "hunter22hunter", "note": "4111 1111 1111 1111"})
    assert stream.flush(60)
    (call,) = queries.after(0)
    assert call.detail == {"password": "[REDACTED:password]", "note": "[REDACTED:pan]"}
    assert secret not in call.message


def test_what_finds_no_room_is_counted_and_the_count_is_recorded(house: House) -> None:
    stream = CallStream(capacity=10)
    with _no_turn(house):
        _record(stream, 25)
        assert not stream.flush(0.01)
    assert stream.flush(60)
    _record(stream, 1, thing="after")
    assert stream.flush(60)
    stream.stop()
    found = queries.after(0)
    lost = [call.detail["count"] for call in found if call.action == DROPPED]  # one per group that had room again
    assert sum(lost) >= 1
    assert len(found) - len(lost) + sum(lost) == 26


def test_calls_wait_while_the_database_cannot_be_written_and_are_recorded_afterwards(house: House) -> None:
    if os.environ.get("GOV_DATABASE_URL"):
        pytest.skip("makes the file read-only, which only SQLite has")
    stream = CallStream()
    calls_file = house.data_dir / "calls.sqlite3"
    with sqlite3.connect(calls_file) as other:
        other.execute("ALTER TABLE governance_callhead RENAME TO gone")
    _record(stream, 5)
    assert not stream.flush(0.3)
    with sqlite3.connect(calls_file) as other:
        other.execute("ALTER TABLE gone RENAME TO governance_callhead")
    assert stream.flush(60)
    stream.stop()
    assert [call.thing for call in queries.after(0)] == [f"call/{n}" for n in range(5)]


def test_recording_from_many_threads_loses_nothing(stream: CallStream) -> None:
    threads = [threading.Thread(target=_record, args=(stream, 200)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.flush(60)
    assert queries.head_seq() == 1600
    assert verify(CALLS).sound


def test_stopping_makes_everything_durable(house: House) -> None:
    stream = CallStream()
    _record(stream, 3000)
    assert stream.stop(60)
    connections.close_all()
    assert queries.head_seq() == 3000


def test_a_group_whose_commit_got_no_answer_is_not_written_twice(house: House) -> None:
    group = [events.draft(CallRecord(action="rpc.call", thing=str(n)), now()) for n in range(3)]
    assert writer.append(group) == 3
    assert writer.append(group, again=True) == 3
    assert writer.append([events.draft(CallRecord(action="rpc.call"), now())], again=True) == 4
    assert verify(CALLS).sound


def test_a_forked_child_has_a_stream_of_its_own(stream: CallStream) -> None:
    _record(stream, 1)
    assert stream.flush(60)
    child = os.fork()
    if child == 0:
        os._exit(0 if calls() is not stream else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert calls() is stream
