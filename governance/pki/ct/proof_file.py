"""Proofs that an entry is in a log, as files that hold without the log (c2sp.org/tlog-proof@v1); pure."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from governance.kernel.errors import Invalid
from governance.ledger import note, proofs
from governance.pki.ct import checkpoint
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.logs import Log
from governance.pki.ct.misbehaviour import Misbehaved

SUFFIX = ".tlog-proof"
_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
# No tree of 2**63 leaves has a longer path.
_MAX_HASHES = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof file says: the entry's place, its audit path with the lowest hash first, and the signed head.

    `extra` is whatever the writer put beside it; nothing vouches for that.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""


def write(index: int, path: Sequence[bytes], checkpoint_text: str, extra: bytes = b"") -> str:
    """The proof file, which is the same for the same proof, byte by byte."""
    lines = [_HEADER]
    if extra:
        lines.append(_EXTRA + base64.b64encode(extra).decode())
    lines += [f"index {index}", *(base64.b64encode(node).decode() for node in path)]
    return "\n".join(lines) + "\n\n" + checkpoint_text


def read(text: str) -> Proof:
    """What the file says, true or not; raises Invalid when it is not written as a proof is."""
    said, separator, signed = text.partition("\n\n")
    header, *lines = said.split("\n")
    if header != _HEADER or not separator:
        raise Invalid(f"is no proof file; that starts with {_HEADER} and has a checkpoint after an empty line")
    extra = b""
    if lines and lines[0].startswith(_EXTRA):
        extra = note.decoded(lines.pop(0).removeprefix(_EXTRA))
        if not extra:
            raise Invalid("is no proof file: its line of extra data is empty")
    match = _INDEX.fullmatch(lines[0]) if lines else None
    if match is None:
        raise Invalid("is no proof file: it does not say where in the log the entry is, as `index` and a number")
    path = tuple(note.decoded(line) for line in lines[1:])
    if len(path) > _MAX_HASHES or any(len(node) != 32 for node in path):
        raise Invalid(f"is no proof file: its path has more than {_MAX_HASHES} hashes, or one that is not of 32 bytes")
    return Proof(int(match[1]), path, signed, extra)


def check(text: str, leaf_hash: bytes, log: Log) -> Head:
    """The head of `log` under which the file proves the entry with this leaf; raises Invalid when it does not.

    That somebody hands in a false proof says nothing about the log, hence this never raises Misbehaved.
    """
    proof = read(text)
    try:
        head = checkpoint.check(proof.checkpoint, log)
    except Misbehaved as lie:
        raise Invalid(lie.message) from None
    if not proofs.check_inclusion(leaf_hash, proof.index, head.size, proof.path, head.root):
        raise Invalid(f"does not lead from this entry, as leaf {proof.index}, to the signed root of {head.size} leaves")
    return head
