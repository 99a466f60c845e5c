"""Re-derives a stream from its rows and names the first one that is not as it was recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError

from governance.kernel import canonical
from governance.kernel.errors import Invalid
from governance.ledger import checkpoint, note, raw
from governance.ledger.merkle import Frontier, salted_leaf
from governance.ledger.stream import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verification found; `problem` is empty when the stream is whole.

    `seq` is the first bad row, 0 when no single row is. `size` and `root` are of the tree as re-derived,
    `checkpoints` how many stored ones it agrees with.
    """

    stream: str
    size: int
    root: bytes
    checkpoints: int
    seq: int = 0
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


class _Found(Exception):
    """The first thing that is wrong."""

    def __init__(self, problem: str, seq: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.seq = problem, seq


def verify(stream: Stream, *, kept: str = "") -> Verdict:
    """Check every row up to the head as it stands now, the head, every stored checkpoint, and `kept`.

    `kept` is a checkpoint from outside: the only defence against someone who can rewrite rows, head and
    stored checkpoints alike. May run while the stream grows; holds no transaction open.
    """
    check = _Verification(stream, kept)
    try:
        check.run()
    except _Found as found:
        return check.verdict(found.problem, found.seq)
    except DatabaseError as error:
        return check.verdict(f"the database cannot be read: {error}")
    return check.verdict()


class _Verification:
    """One run over one stream. The tree grows row by row; a checkpoint is compared when its size is reached."""

    def __init__(self, stream: Stream, kept: str) -> None:
        self._stream = stream
        self._kept = kept
        self._tree = Frontier()
        self._agreed = 0

    def verdict(self, problem: str = "", seq: int = 0) -> Verdict:
        return Verdict(
            stream=self._stream.name,
            size=self._tree.size,
            root=self._tree.root(),
            checkpoints=self._agreed,
            seq=seq,
            problem=problem,
        )

    def run(self) -> None:
        signed = self._signed()
        pending = next(signed, None)  # read before the head: no honest checkpoint is ahead of it
        kept = self._read_kept()
        size, nodes = self._head()
        for row in raw.rows(self._stream, up_to=size):
            self._tree = self._tree.append(_checked(self._stream, row, self._tree.size + 1))
            if kept and kept.size == self._tree.size:
                self._compare(kept, "the kept checkpoint")
            while pending and pending.size == self._tree.size:
                self._compare(pending, f"the checkpoint of size {pending.size}")
                self._agreed += 1
                pending = next(signed, None)
        if self._tree.size < size:
            raise _Found(
                f"the head says {size} events, but those after {self._tree.size} are missing", self._tree.size + 1
            )
        if nodes != self._tree.encode():
            raise _Found("the head's tree is not the tree of the rows")
        for further in (pending, kept):
            if further and further.size > size:
                raise _Found(
                    f"a checkpoint says {further.size} events, but there are {size}: the end is missing", size + 1
                )

    def _head(self) -> tuple[int, bytes]:
        """The head's size and frontier; a row beyond it is a problem, seen in the same statement."""
        size, nodes, beyond = raw.head(self._stream)
        if not isinstance(size, int) or not isinstance(nodes, bytes):
            raise _Found("the head row is missing or has values of wrong types")
        if beyond is not None:
            raise _Found(f"there are events beyond the head, which says {size}", size + 1)
        return size, nodes

    def _compare(self, head: note.TreeHead, name: str) -> None:
        if head.root != self._tree.root():
            raise _Found(f"{name} has another root than the rows before it: one of them was changed")

    def _read_kept(self) -> note.TreeHead | None:
        if not self._kept:
            return None
        try:
            return note.check(self._kept, checkpoint.origin(self._stream), checkpoint.public_key())
        except Invalid as error:
            raise _Found(f"the kept checkpoint {error.message}") from None

    def _signed(self) -> Iterator[note.TreeHead]:
        """The stored checkpoints, smallest first, each with a good signature."""
        origin, public = checkpoint.origin(self._stream), checkpoint.public_key()
        for size, root, text in raw.checkpoints(self._stream):
            try:
                head = note.check(text if isinstance(text, str) else "", origin, public)
            except Invalid as error:
                raise _Found(f"the checkpoint of size {size} {error.message}") from None
            if (head.size, head.root) != (size, root):
                raise _Found(f"the checkpoint of size {size} has columns that its note does not bear out")
            yield head


def _checked(stream: Stream, row: raw.Row, expected: int) -> bytes:
    """The leaf of `row`, re-derived from its header, body and salt."""
    if row.problem:
        raise _Found(row.problem, expected)
    seq = row.values[stream.seq]
    if seq != expected:
        missing = f"events {expected} to {seq - 1} are" if seq > expected + 1 else f"event {expected} is"
        raise _Found(f"{missing} missing", expected)
    header, body, salt = (row.values[name] for name in ("header", "body", "salt"))
    if body is None or salt is None:
        raise _Found("its body or salt is missing", seq)
    leaf = salted_leaf(header.encode(), body.encode(), salt)
    if leaf != row.values["leaf"]:
        raise _Found("its header or body is not what its leaf was made from", seq)
    _check_columns(stream, row, _object(header, "header", seq), _object(body, "body", seq))
    return leaf


def _check_columns(stream: Stream, row: raw.Row, header: dict[str, Any], body: dict[str, Any]) -> None:
    """What stands beside header and body for searching must say the same."""
    seq = row.values[stream.seq]
    said = {"seq": header.get("seq"), "stream": header.get("stream"), "at": header.get("at")}
    if said != {"seq": seq, "stream": stream.name, "at": row.at}:
        raise _Found("its seq, stream or time is not what its header says", seq)
    for names, part, where in ((stream.in_header, header, "header"), (stream.in_body, body, "body")):
        for name in names:
            if row.values[name] != part.get(name):
                raise _Found(f"its column {name} is not what its {where} says", seq)
    if "request_key" in row.values and row.values["request_key"] != _request_key(body):
        raise _Found("its column request_key is not what its body says", seq)


def _request_key(body: dict[str, Any]) -> str | None:
    request_id = body.get("request_id")
    return f"{body.get('actor_kind')}:{body.get('actor')}:{request_id}" if request_id else None


def _object(text: str, part: str, seq: int) -> dict[str, Any]:
    try:
        return canonical.decode(text)
    except Invalid as error:
        raise _Found(f"its {part} {error.message}", seq) from None
