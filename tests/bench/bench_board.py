"""A look at 2,000 ports, and the board over them and 10,000 certificates: `python -m tests.bench.bench_board`.

The ports answer from threads of the same process, which takes half of the time of a look.
"""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from itertools import cycle

from rich.console import Console
from rich.table import Table

from tests.bench import databases

CERTIFICATES, PORTS = 10_000, 2_000


def main() -> None:
    """Measure on each database."""
    databases.on_each("bench_board")


def measure(name: str) -> None:
    """Print the table of one database."""
    databases.prepare()
    _prepare()
    Console(width=110).print(_looking(name))


def _looking(name: str) -> Table:
    from governance.kernel.clock import now
    from governance.pki.ct.board import board, ports
    from governance.pki.ct.looking import look, tell

    table = Table(title=f"{CERTIFICATES:,} certificates, {PORTS:,} ports, {name}", title_justify="left")
    table.add_column("")
    table.add_column("seconds", justify="right")

    def row(what: str, act: Callable[[], object]) -> None:
        begun = time.perf_counter()
        act()
        table.add_row(what, f"{time.perf_counter() - begun:.2f}")

    with _doors():
        row("first look at all ports, with a handshake each", look)
        row("the next look, at which nothing is new", look)
    row("what is served judged and reported alone", tell)
    row("the whole board", lambda: board(at=now()))
    row("the whole board in an hour, when nobody has most of them", lambda: board(at=now() + timedelta(hours=1)))
    row("the board of one namespace of ten", lambda: board({"shop-0"}, at=now()))
    row("what each port shows", ports)
    return table


def _prepare() -> None:
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.pki.commands import RequestCertificate
    from governance.pki.setup import ensure_pki
    from governance.pki.values import CertificateSpec
    from governance.pki.worker import issue_due

    ensure_pki()
    uri = "spiffe://governor.internal/ns/shop/sa/checkout"
    for n in range(CERTIFICATES):
        names = {"secret_name": f"c-{n}", "dns_names": (f"c-{n}.shop-{n % 10}.svc",), "consumers": (uri,)}
        spec = CertificateSpec(issuer="internal", **names)  # type: ignore[arg-type]
        execute(RequestCertificate(namespace=f"shop-{n % 10}", name=f"c-{n}", spec=spec), by=SYSTEM)
    while issue_due():
        pass


def _doors() -> ExitStack:
    """Twenty ports, each of which is asked for a hundred names."""
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.pki.commands import AddListener
    from governance.pki.queries.delivery import deliverables
    from tests.pki.ct.ports import Identity, door

    stack = ExitStack()
    shown = deliverables(only={("shop-0", f"c-{n}") for n in range(0, 200, 10)})
    opened = [stack.enter_context(door(Identity(chain_pem=each.chain_pem, key_pem=each.key_pem))) for each in shown]
    for n, there in zip(range(PORTS), cycle(opened), strict=False):
        command = AddListener(namespace=f"shop-{n % 10}", address=there.address, server_name=f"c-{n}.shop.svc")
        execute(command, by=SYSTEM)
    return stack


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(sys.argv[1])
    else:
        main()
