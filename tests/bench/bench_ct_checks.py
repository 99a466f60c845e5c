"""What checking costs that certificates are logged, beside bare primitives: `python -m tests.bench.bench_ct_checks`."""

import hashlib
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.bench import databases
from tests.bench.tables import measured, table_of

if TYPE_CHECKING:
    from cryptography import x509

    from governance.pki.ct.logs import Log

CHECKS, LEAVES, PROOFS, TILES, AUDITED = 2_000, 1 << 20, 2_000, 400, 10_000


def main() -> None:
    """Measure on SQLite."""
    databases.on_sqlite("bench_ct_checks")


def measure() -> None:
    """Print the tables."""
    databases.prepare()
    console = Console(width=110)
    console.print(_timestamps())
    console.print(_proofs())
    console.print(_audit())


def _timestamps() -> Table:
    """From the DER of a certificate with two timestamps to a verdict on one or both."""
    from governance.kernel.clock import now
    from governance.pki.ct.check import check_sct
    from governance.pki.ct.entry import entry_of_embedded
    from governance.pki.ct.sct import embedded

    der, above, logs = _certificate()
    leaf = _parsed(der)
    table = table_of("timestamps of a certificate with two of them, one core")
    scts, entry = embedded(leaf), entry_of_embedded(leaf, above)
    bare = measured(table, "bare: P-256 verifications", CHECKS, lambda: _bare_verifications(CHECKS))
    end = leaf.not_valid_after_utc

    def kept() -> None:
        for _ in range(CHECKS):
            assert check_sct(scts[0], entry, logs, at=now(), not_after=end).state == "valid"

    def whole() -> None:
        for _ in range(CHECKS):
            found = _parsed(der)
            promises, about = embedded(found), entry_of_embedded(found, above)
            assert check_sct(promises[0], about, logs, at=now(), not_after=end).state == "valid"

    measured(table, "one timestamp, the certificate taken apart before", CHECKS, kept, bare=bare)
    measured(table, "one timestamp, from the DER of the certificate", CHECKS, whole, bare=bare)
    return table


def _certificate() -> "tuple[bytes, tuple[x509.Certificate, ...], dict[bytes, Log]]":
    from cryptography.hazmat.primitives.serialization import Encoding

    from governance.pki.ct.sct import sct_extension
    from tests.fixtures.ctlog import CtLog
    from tests.pki.ct.own import above, leaf

    logs, drafted, chain = [CtLog("rome"), CtLog("oslo")], leaf("bench"), above()
    scts = [log.add_pre_chain((drafted.precertificate(), *chain)) for log in logs]
    made = drafted.with_timestamps(sct_extension(scts))
    return made.public_bytes(Encoding.DER), chain, {log.log().log_id: log.log() for log in logs}


def _parsed(der: bytes) -> "x509.Certificate":
    from cryptography import x509

    return x509.load_der_x509_certificate(der)


def _bare_verifications(count: int) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key, algorithm, data = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256()), secrets.token_bytes(800)
    public, signature = key.public_key(), key.sign(data, algorithm)
    for _ in range(count):
        public.verify(signature, data, algorithm)


def _proofs() -> Table:
    """Inclusion and consistency in a tree of 2**20 leaves, from its tiles."""
    from governance.ledger import proofs
    from governance.pki.ct.tiles import Tiles

    leaves = [hashlib.sha256(b"%d" % number).digest() for number in range(LEAVES)]
    tiles = _tiles_of(leaves)
    table = table_of(f"proofs in a tree of {LEAVES:,} leaves, one core")
    hashes = 20 * PROOFS
    bare = measured(table, "bare: SHA-256 of 20 nodes, as many as a path has", PROOFS, lambda: _bare_hashes(hashes))
    whole = Tiles(tiles.__getitem__, LEAVES)
    root, step = whole.root(), LEAVES // PROOFS
    paths = [whole.inclusion(number * step) for number in range(PROOFS)]

    def check() -> None:
        for number, path in enumerate(paths):
            assert proofs.check_inclusion(leaves[number * step], number * step, LEAVES, path, root)

    measured(table, "inclusion, the check alone", PROOFS, check, bare=bare)
    made = [Tiles(tiles.__getitem__, LEAVES, root=root) for _ in range(200)]
    few = iter(range(200))
    measured(
        table, "inclusion, its tiles read anew for each", 200, lambda: [t.inclusion(next(few) * step) for t in made]
    )
    old = LEAVES - 12_345
    path = whole.consistency(old)
    old_root = _root_of(leaves[:old])

    def consistent() -> None:
        for _ in range(PROOFS):
            assert proofs.check_consistency(old, LEAVES, path, old_root, root)

    measured(table, "consistency, the check alone", PROOFS, consistent, bare=bare)
    bare_tiles = measured(
        table, "bare: SHA-256 of 255 nodes, as many as a tile has", TILES, lambda: _bare_hashes(255 * TILES)
    )
    measured(table, "tiles hashed to their root", TILES, lambda: _hashed(leaves, TILES), bare=bare_tiles)
    return table


def _bare_hashes(count: int) -> None:
    left = right = bytes(32)
    for _ in range(count):
        left = hashlib.sha256(b"\x01" + left + right).digest()


def _hashed(leaves: Sequence[bytes], count: int) -> None:
    for number in range(count):
        _root_of(leaves[number * 256 : (number + 1) * 256])


def _root_of(leaves: Sequence[bytes]) -> bytes:
    from governance.ledger.merkle import Frontier

    return Frontier().extend(leaves).root()


def _tiles_of(leaves: Sequence[bytes]) -> dict[str, bytes]:
    """Every tile of hashes of the tree, by its path."""
    from governance.pki.ct.tiles import changed

    level, hashes = 0, list(leaves)
    by_level = {}
    while hashes:
        by_level[level] = hashes
        hashes = [_root_of(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
    found = {}
    for tile in changed(0, len(leaves)):
        found[str(tile)] = b"".join(by_level[tile.level][tile.start : tile.end])
    return found


def _audit() -> Table:
    """The nightly check of every certificate: read, taken apart, timestamp verified, found in the log, written down."""
    from governance.kernel.actor import SYSTEM
    from governance.kernel.clock import now
    from governance.ledger.execute import execute
    from governance.pki.commands import RequestCertificate
    from governance.pki.ct.auditing import check_live
    from governance.pki.setup import ensure_pki
    from governance.pki.values import CertificateSpec
    from governance.pki.worker import issue_due

    ensure_pki()
    for number in range(AUDITED):
        spec = CertificateSpec(secret_name=f"c-{number}", issuer="internal", dns_names=(f"c-{number}.shop.svc",))
        execute(RequestCertificate(namespace="shop", name=f"c-{number}", spec=spec), by=SYSTEM)
    issue_due()
    table = table_of(f"the nightly check of {AUDITED:,} certificates, one process")
    bare = measured(table, "bare: P-256 verifications", AUDITED, lambda: _bare_verifications(AUDITED))
    begun = time.perf_counter()
    checked = check_live(before=now() + timedelta(hours=1), limit_s=3600)
    took = time.perf_counter() - begun
    table.add_row(
        f"certificates checked, {took:.1f} s in all",
        f"{checked:,}",
        f"{checked / took:,.0f}",
        f"{100 * checked / took / bare:.0f} %",
    )
    return table


if __name__ == "__main__":
    measure() if len(sys.argv) > 1 else main()
