"""Commands and calls per second beside the bare limit of the same database: `python -m tests.bench.bench_ledger`."""

import secrets
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.table import Table

from governance.compliance.values import CallRecord
from tests.bench import databases

SECONDS = 3.0
CALLERS = (1, 64, 256)


def main() -> None:
    """Measure on each database."""
    databases.on_each("bench_ledger")


def measure(name: str) -> None:
    """Print the two tables of one database."""
    databases.prepare()
    console = Console(width=100)
    console.print(_commands(name))
    console.print(_calls(name))


def _commands(name: str) -> Table:
    _prepare()
    table = Table(title=f"commands, {name}, durable", title_justify="left")
    for heading in ("", "threads", "per second", "of the bare limit"):
        table.add_column(heading, justify="left" if not heading else "right")
    for threads in (1, 8):
        bare = _rate(_bare_change, threads)
        table.add_row("bare: the same INSERT and UPDATE, raw, one transaction each", str(threads), f"{bare:,.0f}", "")
        for what, act in (("execute(UpdateService)", _update), ("execute(SwitchBalancing)", _switch)):
            rate = _rate(act, threads)
            table.add_row(what, str(threads), f"{rate:,.0f}", f"{100 * rate / bare:.0f} %")
    return table


def _rate(act: Callable[[int], None], threads: int) -> float:
    """How often `act` is done in a second by so many threads together."""
    stop_at = time.perf_counter() + SECONDS
    numbers = iter(range(10**9))
    lock = threading.Lock()

    def work() -> int:
        done = 0
        while time.perf_counter() < stop_at:
            with lock:
                number = next(numbers)
            act(number)
            done += 1
        return done

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        done = sum(future.result() for future in [pool.submit(work) for _ in range(threads)])
    return done / (time.perf_counter() - begun)


def _prepare() -> None:
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.registry.commands import CreateService, RegisterEndpoint
    from governance.registry.values import EndpointSpec, ServiceSpec

    execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="checkout")), by=SYSTEM)
    for n in range(4):
        spec = EndpointSpec(name=f"c{n}", host="127.0.0.1", port=7000 + n, zone="z1")
        execute(RegisterEndpoint(namespace="shop", service="checkout", spec=spec), by=SYSTEM)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_head (id int PRIMARY KEY, revision bigint, frontier text)")
        cursor.execute("INSERT INTO bare_head VALUES (1, 0, '')")
        cursor.execute("CREATE TABLE bare_fact (revision bigint PRIMARY KEY, header text, body text, thing text)")
        cursor.execute("CREATE INDEX bare_fact_by_thing ON bare_fact (thing, revision)")


def _bare_change(number: int) -> None:
    """One row of a fact's size and one head, locked, through the driver; what no ledger could be faster than."""
    from django.db import connection, transaction

    from governance.ledger.turn import turn

    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with turn("default"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT revision FROM bare_head WHERE id = 1{lock}")
        (revision,) = cursor.fetchone()
        values = (revision + 1, "h" * 250, "b" * 700, "service/shop/checkout")
        cursor.execute("INSERT INTO bare_fact VALUES (%s, %s, %s, %s)", values)
        cursor.execute("UPDATE bare_head SET revision = %s, frontier = %s", (revision + 1, "f" * 300))


def _update(number: int) -> None:
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.registry.commands import UpdateService

    execute(UpdateService(namespace="shop", service="checkout", description=secrets.token_hex(8)), by=SYSTEM)


def _switch(number: int) -> None:
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.traffic.commands import SwitchBalancing
    from governance.traffic.values import Balancing

    balancing = Balancing(policy="ring_hash", timeout_ms=10 + number % 50_000)
    execute(SwitchBalancing(namespace="shop", service="checkout", balancing=balancing), by=SYSTEM)


def _calls(name: str) -> Table:
    from governance.compliance.stream import stop_calls

    table = Table(title=f"calls stream, {name}, durable", title_justify="left")
    for heading in ("", "callers", "events per second", "p50 ms", "p99 ms", "of the bare limit"):
        table.add_column(heading, justify="left" if not heading else "right")
    bare = _bare_calls()
    table.add_row("bare: executemany of 1,000 rows, one transaction each", "1", f"{bare:,.0f}", "", "", "")
    burst = _burst()
    table.add_row("record() without waiting", "1", f"{burst:,.0f}", "", "", f"{100 * burst / bare:.0f} %")
    for callers in CALLERS:
        rate, waits = _acknowledged(callers)
        p50, p99 = (1000 * waits[int(len(waits) * part)] for part in (0.5, 0.99))
        table.add_row(
            "record() and flush()",
            str(callers),
            f"{rate:,.0f}",
            f"{p50:.1f}",
            f"{p99:.1f}",
            f"{100 * rate / bare:.0f} %",
        )
    stop_calls()
    return table


def _bare_calls() -> float:
    from django.db import connections, transaction

    from governance.compliance.streams import CALLS

    connection = connections[CALLS.database]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_call (seq bigint PRIMARY KEY, header text, body text, leaf text)")
    seq, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        rows = [(seq + n, "h" * 250, "b" * 400, "l" * 32) for n in range(1000)]
        with transaction.atomic(using=CALLS.database), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bare_call VALUES (%s, %s, %s, %s)", rows)
        seq += 1000
    return seq / (time.perf_counter() - begun)


def _call(number: int) -> CallRecord:
    return CallRecord(
        action="governor.admin.v1.TrafficService/SwitchBalancing",
        namespace="shop",
        thing="balancing/shop/checkout",
        actor="alice",
        actor_kind="person",
        door="grpc-web",
        address="192.0.2.7",
        duration_us=number,
        detail={"policy": "ring_hash", "reason": "a try"},
    )


def _burst() -> float:
    """Events a second when nobody waits for each; the queue is never filled."""
    from governance.compliance.stream import CAPACITY, calls

    stream, done, begun = calls(), 0, time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        for number in range(CAPACITY // 2):
            stream.record(_call(number))
        done += CAPACITY // 2
        stream.flush(60)
    return done / (time.perf_counter() - begun)


def _acknowledged(callers: int) -> tuple[float, list[float]]:
    """Events a second when each caller waits for its own to be durable, and the waits in order."""
    from governance.compliance.stream import calls

    stream, waits = calls(), []
    stop_at = time.perf_counter() + SECONDS

    def work() -> list[float]:
        mine = []
        while (begun := time.perf_counter()) < stop_at:
            stream.record(_call(1))
            stream.flush(60)
            mine.append(time.perf_counter() - begun)
        return mine

    begun = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        for future in [pool.submit(work) for _ in range(callers)]:
            waits += future.result()
    return len(waits) / (time.perf_counter() - begun), sorted(waits)


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
