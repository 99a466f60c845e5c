"""Logs of others that are pinned here, what is found in them, and certificates that should not be there."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import WatchNames
from governance.pki.ct import loglist, tasks
from governance.pki.ct.entry import Entry
from governance.pki.ct.logs import Log
from governance.pki.ct.own import submission
from governance.pki.ct.sct import leaf_index_extension
from governance.pki.ct.standing import FindingView
from governance.pki.ct.tile_leaf import TileLeaf
from governance.pki.queries.authorities import authorities, with_key
from governance.pki.queries.findings import findings
from governance.pki.queries.logs import KnownLogView, known_log
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.pki.ct.promising import Above, Wanted, authority
from tests.pki.ct.reading import fill


def pin(*logs: CtLog | Log) -> None:
    """Let these be the logs besides our own in which certificates are to be."""
    path = Path(settings.DATA_DIR) / "pinned.json"
    path.write_text(loglist.to_json([each.log() if isinstance(each, CtLog) else each for each in logs]))
    settings.GOV = settings.GOV.model_copy(update={"ct_logs": str(path)})


def read() -> None:
    """What the clock starts every 30 s."""
    tasks.read_logs()


def watch(*names: str) -> None:
    execute(WatchNames(names=names), by=SYSTEM)


def found(kind: str, **terms: Any) -> list[FindingView]:
    return findings(kind=kind, **terms)


def the(kind: str) -> FindingView:
    """The one finding of that kind."""
    (one,) = found(kind)
    return one


def alarms() -> list[str]:
    """The kinds of what is open."""
    return sorted(each.kind for each in findings())


def known(log: CtLog) -> KnownLogView:
    return known_log(log.log().log_id.hex())


def strangers() -> Above:
    """An authority that is none of ours."""
    return authority("Foreign CA")


def log_both(logs: Sequence[CtLog], wanted: Wanted, by: Above) -> None:
    """As public authorities do it: the precertificate into each log, then the certificate with what they promised."""
    pre = wanted.precertificate(by)
    scts = [log.add_pre_chain([pre, by.certificate]) for log in logs]
    for log in logs:
        log.add_chain([wanted.certificate(by, scts), by.certificate])


def stolen() -> Above:
    """Our issuing authority, in other hands."""
    row = next(each for each in authorities() if each.kind == "intermediate")
    ours = with_key(row.id)
    return Above(ours.certificate, ours.key)


def chain_under(by: Above) -> list[x509.Certificate]:
    """What is handed in after a leaf of our issuing authority."""
    root = next(each for each in authorities() if each.kind == "root")
    return [by.certificate, x509.load_pem_x509_certificate(root.pem.encode())]


def submit_forged() -> None:
    """A stranger hands in what our key signed elsewhere."""
    by = stolen()
    chain = (Wanted("innocent.example.com").certificate(by), *chain_under(by))
    submission.take([each.public_bytes(Encoding.DER) for each in chain], pre=False)


def filler(log: CtLog, count: int, *, first: int = 0) -> None:
    """Entries that are nobody's business here."""
    fill(log, count, first=first)


def log_raw(log: CtLog, der: bytes) -> None:
    """Log what calls itself a certificate."""
    entry = Entry("x509", b"", der)
    log.records.append((TileLeaf(entry, int(time.time() * 1000), leaf_index_extension(len(log.records))), ()))
    log.sign()


@contextmanager
def another_reader(house: House) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that reads the logs once, killed when the block ends."""
    environ = {**house.environ, "GOV_CT_LOGS": settings.GOV.ct_logs}
    process = subprocess.Popen([sys.executable, "-m", "tests.pki.ct.reads_logs"], env=environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def hide(*logs: CtLog) -> None:
    """A certificate that somebody has to hear of goes into the logs."""
    certificate = Wanted("shop.example.org").certificate(strangers())
    for each in logs:
        each.add_chain([certificate])
