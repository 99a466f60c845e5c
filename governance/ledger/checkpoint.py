"""Signs how large each stream is and what its root is, and proves what a checkpoint covers."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connections

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from governance.ledger import note, proofs
from governance.ledger.merkle import Frontier
from governance.ledger.stream import CHANGES, Stream
from governance.secret import kept

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A checkpoint of a stream; `note` is its signed text."""

    stream: str
    size: int
    root: bytes
    note: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """Shows that the event `seq` is the leaf `index` of the tree that has `size` leaves and `root`."""

    seq: int
    index: int
    size: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    root: bytes


def _key() -> Ed25519PrivateKey:
    """The key that signs checkpoints and nothing else; made at the first use, mode 0600."""
    seed = kept(settings.GOV.data_dir / "keys" / "checkpoints", length=32)
    return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(seed + "="))


def public_key() -> bytes:
    """The Ed25519 key, 32 bytes, with which checkpoints are verified."""
    return _key().public_key().public_bytes_raw()


def origin(stream: Stream) -> str:
    """Name of the stream's tree; the installation in it is known by its key."""
    return f"governor/{hashlib.sha256(public_key()).hexdigest()[:16]}/{stream.name}"


def verifier_key(stream: Stream) -> str:
    """What another verifier of signed notes needs to check this stream's checkpoints."""
    return note.verifier_key(origin(stream), public_key())


def sign(stream: Stream) -> Signed | None:
    """Sign what is committed; the newest checkpoint again when nothing was added since, None when nothing ever was.

    A committed row can only be read once it is on disk (SQLite with synchronous=FULL, PostgreSQL with
    synchronous_commit), so what is signed survives a power cut. A stream that shrank or changed since its
    last checkpoint is not signed: Conflict. Two processes may sign at once.
    """
    _check_durable(stream)
    last = newest(stream)
    tree = stream.tree()
    if last is not None and tree.size <= last.size:
        return _unchanged(stream, last, tree)
    if tree.size == 0:
        return None
    head = note.TreeHead(origin(stream), tree.size, tree.root())
    row: Any = stream.checkpoints(size=head.size, root=head.root, note=note.sign(head, _key()), at=now())
    stream.checkpoints._default_manager.bulk_create([row], ignore_conflicts=True)  # noqa: SLF001
    return newest(stream)


def sign_changes() -> Signed | None:
    """Sign the changes stream."""
    return sign(CHANGES)


def newest(stream: Stream) -> Signed | None:
    """The largest checkpoint."""
    row: Any = stream.checkpoints._default_manager.order_by("-size").first()  # noqa: SLF001
    if row is None:
        return None
    return Signed(stream=stream.name, size=row.size, root=bytes(row.root), note=row.note, at=row.at)


def prove_inclusion(stream: Stream, seq: int, size: int) -> Inclusion:
    """The proof that event `seq` is among the first `size`; NotFound when the stream has no such event or size."""
    _check_size(stream, size, field="size")
    if not 1 <= seq <= size:
        raise NotFound(f"is {seq}; a tree of {size} holds the events 1 to {size}", field="seq")
    leaf = stream.leaves(seq - 1, seq)[0]
    path = proofs.inclusion(stream.leaves, seq - 1, size)
    return Inclusion(
        seq=seq,
        index=seq - 1,
        size=size,
        leaf=leaf,
        hashes=path,
        root=proofs.implied_root(leaf, seq - 1, size, path),
    )


def prove_consistency(stream: Stream, from_size: int, to_size: int) -> tuple[bytes, ...]:
    """The proof that the tree of `to_size` begins with that of `from_size`."""
    _check_size(stream, to_size, field="to_size")
    if not 1 <= from_size <= to_size:
        raise Invalid(f"is {from_size}; allowed are 1 to {to_size}", field="from_size")
    return proofs.consistency(stream.leaves, from_size, to_size)


def _check_size(stream: Stream, size: int, *, field: str) -> None:
    largest = stream.tree().size
    if not 1 <= size <= largest:
        raise NotFound(f"is {size}; the stream {stream.name} has {largest} events", field=field)


def _unchanged(stream: Stream, last: Signed, tree: Frontier) -> Signed:
    if (tree.size, tree.root()) == (last.size, last.root):
        return last
    log.critical("stream contradicts its checkpoint", stream=stream.name, size=tree.size, signed_size=last.size)
    raise Conflict(
        f"the stream {stream.name} has {tree.size} events and another root than the checkpoint of {last.size}; "
        "run manage.py verify_ledger"
    )


def _check_durable(stream: Stream) -> None:
    """Refuse to sign where a commit may be lost in a power cut."""
    connection = connections[stream.database]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous" if connection.vendor == "sqlite" else "SHOW synchronous_commit")
        level = cursor.fetchone()[0]
    if level in (0, 1, "off"):
        raise Unavailable(f"commits of the stream {stream.name} are not durable (synchronous is {level})")
