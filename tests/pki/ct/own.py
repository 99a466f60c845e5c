"""Certificates for the log in the box, and the whole log made again from its table after each step.

`python -m tests.pki.ct.own <name> <count> <batch>` appends from another process, and prints each index it was told.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

    from governance.pki.ct.own.sequencer import Appended, Draft
    from governance.pki.leaf import Draft as Leaf
    from tests.fixtures.house import House
    from tests.pki.house import House as Authorities


def leaf(name: str) -> "Leaf":
    """A leaf that an authority, the same in one process, is about to sign; all have the same key."""
    from governance.kernel.clock import now
    from governance.pki import leaf as leaves
    from governance.pki.names import Names
    from tests.pki.forge import DAY
    from tests.pki.house import key

    names = Names(dns=(f"{name}.shop.svc",))
    return leaves.draft(_authorities().middle, key("leaf").public_key(), names, life=30 * DAY, at=now())


def above() -> "tuple[x509.Certificate, ...]":
    """The certificates above each leaf up to the root."""
    return _authorities().middle.certificate, _authorities().root.certificate


@cache
def _authorities() -> "Authorities":
    from governance.kernel.clock import now
    from tests.pki.house import founded

    return founded(at=now())


def as_draft(certificate: "x509.Certificate", chain: "Sequence[x509.Certificate]", *, holder: str = "") -> "Draft":
    """What is handed to the log of it."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from governance.pki.certificates import serial_of
    from governance.pki.ct.own.draft import entry_of
    from governance.pki.ct.own.sequencer import Draft

    der, others = certificate.public_bytes(Encoding.DER), tuple(each.public_bytes(Encoding.DER) for each in chain)
    return Draft(
        entry=entry_of(der, others), certificate_der=der, chain=others, serial=serial_of(certificate), holder=holder
    )


def precertificate(name: str = "web") -> "Draft":
    return as_draft(leaf(name).precertificate(), above(), holder=f"certificate/shop/{name}")


def certificate(name: str = "web") -> "Draft":
    return as_draft(leaf(name).plain(), above())


def several(count: int, name: str = "c") -> "list[Draft]":
    """So many drafts, a precertificate and a certificate in turns; all have the same chain."""
    made = [leaf(f"{name}-{n}") for n in range(count)]
    return [as_draft(one.plain() if n % 2 else one.precertificate(), above()) for n, one in enumerate(made)]


def in_order(told: "Sequence[Appended]") -> list[int]:
    """The indices, after it was seen that each stands in its SCT as well."""
    assert [each.sct.leaf_index for each in told] == [each.index for each in told]
    return [each.index for each in told]


def whole_log() -> int:
    """See that rows, promises, tiles, checkpoint and what a reader gets are one gapless tree; its size."""
    from governance.ledger.merkle import Frontier
    from governance.pki.ct import sct
    from governance.pki.ct.models import CtEntry, CtIssuer
    from governance.pki.ct.own import tilefiles
    from governance.pki.ct.own.view import OwnView
    from governance.pki.ct.tile_leaf import TileLeaf, read_all
    from governance.pki.ct.tiles import changed, data_tiles, hashes_above

    view = OwnView()
    head = view.head()
    rows = list(CtEntry.objects.order_by("index"))
    assert [row.index for row in rows] == list(range(head.size))
    leaves: list[TileLeaf] = []
    for row in rows:
        (one,) = read_all(bytes(row.tile_leaf))
        leaves.append(one)
        promise = sct.parse(bytes(row.sct))
        view.log.verify(promise.signature, one.leaf_input)
        assert (one.leaf_index, promise.leaf_index, one.leaf_hash) == (row.index, row.index, bytes(row.leaf))
        assert (promise.timestamp_ms, promise.log_id) == (one.timestamp_ms, view.log.log_id)
    assert not leaves or leaves[-1].timestamp_ms <= head.timestamp_ms
    hashes = [one.leaf_hash for one in leaves]
    assert Frontier().extend(hashes).root() == head.root
    for path in changed(0, head.size):
        made = hashes_above(path, tilefiles.hashes) if path.level else b"".join(hashes[path.start : path.end])
        assert tilefiles.fetch(str(path)) == made, str(path)
    for path in data_tiles(0, head.size):
        assert list(read_all(tilefiles.fetch(str(path)))) == leaves[path.start : path.end], str(path)
    assert [entry.entry for entry in view.entries(0, head.size, head)] == [one.entry for one in leaves]
    prints = {each.hex() for one in leaves for each in one.chain_fingerprints}
    assert set(CtIssuer.objects.values_list("fingerprint", flat=True)) == prints
    return head.size


@contextmanager
def running(house: "House", name: str, count: int, batch: int) -> Iterator["subprocess.Popen[str]"]:
    """Another process that appends while the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.pki.ct.own", name, str(count), str(batch)],
        env=dict(house.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _main(name: str, count: int, batch: int) -> None:
    from governance.pki.ct.own.sequencer import append

    made = several(batch * 4, name)
    for n in range(count):
        if n * batch >= len(made):
            made += several(batch * 4, f"{name}-{n}")
        for index in in_order(append(made[n * batch : (n + 1) * batch])):
            sys.stdout.write(f"{index}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
