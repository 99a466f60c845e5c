"""How logs are read, whatever they speak, and what of a new head may be believed; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from governance.ledger import proofs
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.entry import Entry
from governance.pki.ct.logs import Log
from governance.pki.ct.misbehaviour import Kind, Misbehaved


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry of a log.

    `entry`, `timestamp_ms` and `leaf_hash` were shown to be in the tree. `certificate_der`, the certificate or
    precertificate as it was submitted, and `chain`, what stands above it with the nearest first, are the log's word:
    of a precertificate only the body of the entry is in the tree.
    """

    index: int
    timestamp_ms: int
    entry: Entry
    leaf_hash: bytes
    certificate_der: bytes
    chain: tuple[bytes, ...]


class LogView(Protocol):
    """A log as it is read.

    What comes back was verified. A log that cannot be read is Unavailable, an entry that it does not have is NotFound,
    and what it must never say is Misbehaved.
    """

    @property
    def log(self) -> Log:
        """The log that is read."""

    def head(self) -> Head:
        """The newest head, which bears the log's signature; `advance` says what of it may be believed."""

    def inclusion(self, leaf: bytes, index: int | None, head: Head) -> tuple[int, tuple[bytes, ...]]:
        """Where the entry with this leaf is, and its audit path to the root of `head`; NotFound when it is not there.

        `index` is where the log promised to put it, None where it did not say.
        """

    def consistency(self, old: Head, new: Head) -> tuple[bytes, ...]:
        """The proof that the tree of `new` begins with that of `old`, which is no larger."""

    def entries(self, start: int, end: int, head: Head) -> Iterator[LoggedEntry]:
        """The entries `start` up to but not including `end`, each shown to be in the tree of `head`."""


def advance(known: Head | None, new: Head, view: LogView) -> Head:
    """The head that may be believed after `known`, now that the log shows `new`.

    That is `new`, or `known` again when `new` is an older head of the same tree, as caches hand it out, or the same
    tree signed at an earlier time. Raises Misbehaved with both heads as evidence when no history of one growing tree
    has both of them: "forked", "inconsistent", or "shrunk" when a smaller tree was signed at a later time; and
    "beyond_final" for a log that was to grow no more.
    """
    check_final(new, view.log)
    if known is None:
        return new
    if new.size == known.size:
        if new.root != known.root:
            raise contradiction("forked", f"two trees of {new.size} entries have different roots", known, new)
        return max(known, new, key=lambda head: head.timestamp_ms)
    if new.size > known.size:
        view.consistency(known, new)
        return new
    if new.timestamp_ms > known.timestamp_ms:
        raise contradiction("shrunk", f"the tree shrank from {known.size} to {new.size} entries", known, new)
    view.consistency(new, known)
    return known


def check_final(head: Head, log: Log) -> None:
    """Raise Misbehaved when the log's list says how it ends, and the head is another end or lies beyond it."""
    if log.final_size is None:
        return
    if head.size > log.final_size:
        message = f"the log has {head.size} entries, and was to end with {log.final_size}"
    elif head.size == log.final_size and log.final_root is not None and head.root != log.final_root:
        message = f"the log ends with {head.size} entries as was said, and with another root"
    else:
        return
    final = {"final_size": str(log.final_size), "final_root": (log.final_root or b"").hex()}
    raise Misbehaved("beyond_final", message, {"checkpoint": head.text, **final})


def check_consistent(old: Head, new: Head, path: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """`path`, when it proves that the tree of `new` begins with that of `old`; else raises Misbehaved."""
    if not proofs.check_consistency(old.size, new.size, path, old.root, new.root):
        message = f"the tree of {new.size} entries does not begin with that of {old.size}"
        raise contradiction("inconsistent", message, old, new)
    return path


def contradiction(kind: Kind, message: str, first: Head, second: Head) -> Misbehaved:
    """Two heads of one log that cannot both be true, each as it was signed."""
    return Misbehaved(kind, message, {"first": first.text, "second": second.text})
