"""Certificates issued per second beside what signing alone would allow: `python -m tests.bench.bench_pki`."""

import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from rich.console import Console
from rich.table import Table

from tests.bench import databases

CERTIFICATES = 2_000
SINGLE = 200
ROUNDS = 5  # 10,000 renewals


def main() -> None:
    """Measure on each database."""
    databases.on_each("bench_pki")


def measure(name: str) -> None:
    """Print the table of one database."""
    databases.prepare()
    Console(width=110).print(_issuing(name))


def _issuing(name: str) -> Table:
    from governance.pki.worker import issue_due

    _prepare()
    table = Table(title=f"issuing P-256 certificates, {name}, durable, one process", title_justify="left")
    for heading in ("", "certificates", "per second", "of the bare limit"):
        table.add_column(heading, justify="left" if not heading else "right")
    bare = _rate(_bare, CERTIFICATES)
    table.add_row("bare: make a key, sign a certificate", f"{CERTIFICATES:,}", f"{bare:,.0f}", "")

    def row(what: str, count: int, act: Callable[[int], None]) -> None:
        rate = _rate(act, count)
        table.add_row(what, f"{count:,}", f"{rate:,.0f}", f"{100 * rate / bare:.0f} %")

    row("made and its key sealed, not stored", CERTIFICATES, _made)
    row("first issue, one at a time", SINGLE, lambda count: _done(issue_due(limit=1) for _ in range(count)))
    row("first issue, in batches of 200", CERTIFICATES - SINGLE, lambda _: _done([issue_due()]))
    row("renewed one at a time", SINGLE, lambda count: _renewed(1, limit=1, times=count))
    row("renewed in batches of 200", ROUNDS * CERTIFICATES, lambda _: _renewed(ROUNDS))
    return table


def _rate(act: Callable[[int], None], count: int) -> float:
    """How many are done in a second when `act` does so many."""
    begun = time.perf_counter()
    act(count)
    return count / (time.perf_counter() - begun)


def _done(counts: Iterable[int]) -> None:
    """Let them be done, and see that something was."""
    assert sum(counts) > 0


def _prepare() -> None:
    """An issuer, and certificates that are wanted."""
    from governance.kernel.actor import SYSTEM
    from governance.ledger.execute import execute
    from governance.pki.commands import RequestCertificate
    from governance.pki.setup import ensure_pki
    from governance.pki.values import CertificateSpec

    ensure_pki()
    for n in range(CERTIFICATES):
        spec = CertificateSpec(secret_name=f"c-{n}", issuer="internal", dns_names=(f"c-{n}.shop.svc",))
        execute(RequestCertificate(namespace="shop", name=f"c-{n}", spec=spec), by=SYSTEM)


def _bare(count: int) -> None:
    from governance.kernel.clock import now
    from governance.pki.authority import Names
    from governance.pki.keys import make_key
    from governance.pki.queries.authorities import signer_of
    from tests.fixtures.leaves import issue

    _, signer = signer_of("internal")
    for n in range(count):
        names = Names(dns=(f"c-{n}.shop.svc",))
        issue(signer, make_key("ECDSA", 256).public_key(), names, life=timedelta(days=90), at=now())


def _made(count: int) -> None:
    from governance.pki.queries.certificates import certificates
    from governance.pki.worker import made_all

    made_all(certificates(namespaces=("shop",), limit=count), {})


def _same(at: datetime) -> datetime:
    return at


def _renewed(rounds: int, *, limit: int | None = None, times: int = 1) -> None:
    """Let everything fall due and renew it, or `times` times `limit` of it, once and again."""
    from governance.kernel import clock
    from governance.pki.queries.certificates import renewal_times
    from governance.pki.worker import issue_due

    for _ in range(rounds):
        due = renewal_times(until=clock.now() + timedelta(days=9_999))[-1]
        with clock.moved(partial(_same, due)):
            _done(issue_due(limit=limit) for _ in range(times))


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(sys.argv[1])
    else:
        main()
