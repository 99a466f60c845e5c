"""A log's Merkle tree in tiles (C2SP static-ct-api and tlog-tiles): their names, and proofs made from them; pure."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from governance.kernel.errors import Invalid, NotFound, Unavailable
from governance.ledger import proofs
from governance.ledger.merkle import Frontier, node_hash
from governance.pki.ct.misbehaviour import Misbehaved

WIDTH, HEIGHT = 256, 8
HASH_BYTES = 32
DATA = -1  # in the place of a level: the tile of the entries themselves
# Levels 0 to 5 are served, which is room for more than the 2**40 entries that a leaf index can name.
LEVELS = 6
MAX_SIZE = 1 << 40

# Gives what is stored under a path; NotFound when nothing is, Unavailable when that cannot be known.
TileFetch = Callable[[str], bytes]

_PATH = re.compile(r"tile/(?P<level>[0-5]|data)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?")
# What is kept of tiles that were read, each of 511 hashes: 64 of them are about 3 MB.
_KEPT = 64


@dataclass(frozen=True, slots=True)
class TilePath:
    """Names a tile: its level (or DATA), its number in that level, and how many of its 256 places are filled."""

    level: int
    index: int
    width: int = WIDTH

    def __str__(self) -> str:
        level = "data" if self.level == DATA else str(self.level)
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"

    @property
    def full(self) -> "TilePath":
        """The same tile once it is full."""
        return TilePath(self.level, self.index)

    @property
    def start(self) -> int:
        """The first place of the tile, counted in the hashes of its level (for DATA in entries)."""
        return self.index * WIDTH

    @property
    def end(self) -> int:
        """The place after the last filled one."""
        return self.start + self.width


def parse_path(path: str) -> TilePath:
    """The tile that `path` names; raises Invalid unless it is written in the one form that static-ct-api allows."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise Invalid(f"{path!r} is no path of a tile")
    level = DATA if match["level"] == "data" else int(match["level"])
    tile = TilePath(level, int(match["index"].replace("/", "").replace("x", "")), int(match["width"] or WIDTH))
    if str(tile) != path or (match["width"] and tile.width >= WIDTH):
        raise Invalid(f"{path!r} is no path of a tile")
    return tile


def changed(old: int, new: int) -> tuple[TilePath, ...]:
    """The tiles of hashes to be written when a tree grows from `old` to `new` leaves, the lower levels first.

    From 0 on they are all that a tree of `new` leaves has, the full ones and the partial one of each level. The tiles
    of entries are those of level 0 under another name: `data_tiles`.
    """
    return tuple(
        tile for level in range(LEVELS) for tile in _changed(level, old >> HEIGHT * level, new >> HEIGHT * level)
    )


def data_tiles(old: int, new: int) -> tuple[TilePath, ...]:
    """The tiles of entries to be written when a tree grows from `old` to `new` leaves."""
    return tuple(_changed(DATA, old, new))


def _changed(level: int, old: int, new: int) -> Iterator[TilePath]:
    if old == new:
        return
    for index in range(old // WIDTH, new // WIDTH):
        yield TilePath(level, index)
    if new % WIDTH:
        yield TilePath(level, new // WIDTH, new % WIDTH)


def hashes_above(tile: TilePath, below: Callable[[TilePath], bytes]) -> bytes:
    """What the tile above level 0 holds: the roots of the full tiles below it, which `below` reads."""
    if tile.level < 1:
        raise Invalid(f"{tile} is above no other tile")
    return b"".join(
        _rows(split_hashes(below(TilePath(tile.level - 1, index))))[HEIGHT][0] for index in range(tile.start, tile.end)
    )


def split_hashes(data: bytes) -> tuple[bytes, ...]:
    """The hashes of a tile."""
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def _rows(hashes: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """The hashes of a tile and, above them, those of all perfect subtrees within it, row by row."""
    rows = [hashes]
    for _ in range(HEIGHT):
        row = rows[-1]
        rows.append(tuple(node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)))
    return rows


def width_of(level: int, index: int, size: int) -> int:
    """How many places of a tile a tree of `size` leaves fills; 0 when it does not have that tile."""
    return max(0, min(WIDTH, (size >> HEIGHT * max(level, 0)) - index * WIDTH))


def fetch_tile(fetch: TileFetch, tile: TilePath) -> tuple[TilePath, bytes]:
    """What is stored for `tile`, or for the full tile once the partial one is gone; raises Unavailable without both."""
    for candidate in dict.fromkeys((tile, tile.full)):
        try:
            return candidate, fetch(str(candidate))
        except NotFound:
            continue
    raise Unavailable(f"{tile} is not there, and the log must serve it")


class Tiles:
    """The tree of the first `size` leaves, read through `fetch`, which may lie.

    No hash is given out before it was shown to lie under `root`: the tiles at the right edge must hash to it, and
    every full tile to its place in the tile above. What does not is raised as Misbehaved("wrong_tile"). Without
    `root` the right edge is believed, as whoever wrote the tiles may do. Tiles that were read are kept, some of them;
    one value is not for two threads at once.
    """

    def __init__(self, fetch: TileFetch, size: int, *, root: bytes | None = None) -> None:
        if not 0 <= size <= MAX_SIZE:
            raise Invalid(f"a tree in tiles has 0 to {MAX_SIZE} leaves, not {size}")
        self.size = size
        self._fetch, self._expected = fetch, root
        self._frontier: Frontier | None = None
        self._edge: dict[int, list[tuple[bytes, ...]]] = {}
        self._kept: dict[tuple[int, int], list[tuple[bytes, ...]]] = {}

    def root(self) -> bytes:
        """The root of the tree."""
        return self.frontier().root()

    def frontier(self) -> Frontier:
        """What is needed to go on from this tree: the perfect subtrees of its right edge."""
        if self._frontier is None:
            nodes: list[bytes] = []
            for level in reversed(range(LEVELS)):
                if width := (self.size >> HEIGHT * level) % WIDTH:
                    tile = TilePath(level, self.size >> HEIGHT * (level + 1), width)
                    self._edge[level] = _rows(self._read(tile))
                    nodes += Frontier().extend(self._edge[level][0]).nodes
            frontier = Frontier(self.size, tuple(nodes))
            if self._expected is not None and frontier.root() != self._expected:
                edge = {level: rows[0] for level, rows in self._edge.items()}
                raise self._wrong(
                    f"the tiles at the right edge of {self.size} leaves do not lead to the signed root", edge
                )
            self._frontier = frontier
        return self._frontier

    def leaf(self, index: int) -> bytes:
        """The hash of leaf `index`."""
        return self.hash_at(0, index)

    def tile(self, level: int, index: int) -> tuple[bytes, ...]:
        """The hashes of a tile: 256 of them, or fewer at the right edge."""
        return self._rows_of(level, index)[0]

    def hash_at(self, height: int, index: int) -> bytes:
        """The root of the perfect subtree number `index` of those with 2**`height` leaves."""
        if not 0 <= index < self.size >> height:
            raise Invalid(f"a tree of {self.size} leaves has no subtree {index} of 2**{height} leaves")
        level, row = divmod(height, HEIGHT)
        per_tile = WIDTH >> row
        return self._rows_of(level, index // per_tile)[row][index % per_tile]

    def root_of(self, start: int, end: int) -> bytes:
        """The root of the subtree over the leaves `start` to `end`, as they occur in proofs."""
        return proofs.root_of_nodes(self.hash_at, start, end)

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """The audit path of leaf `index`, lowest node first."""
        return proofs.inclusion_of_subtrees(self.root_of, index, self.size)

    def consistency(self, old_size: int) -> tuple[bytes, ...]:
        """The proof that this tree begins with that of `old_size` leaves, whose root is `root_of(0, old_size)`."""
        return proofs.consistency_of_subtrees(self.root_of, old_size, self.size)

    def _rows_of(self, level: int, index: int) -> list[tuple[bytes, ...]]:
        """The rows of a tile, after it was shown to belong into the tree."""
        self.frontier()
        width = width_of(level, index, self.size)
        if not width:
            raise Invalid(f"a tree of {self.size} leaves has no tile {index} on level {level}")
        if width < WIDTH:
            return self._edge[level]
        if (level, index) not in self._kept:
            path = TilePath(level, index)
            rows = _rows(self._read(path))
            if rows[HEIGHT][0] != self._rows_of(level + 1, index // WIDTH)[0][index % WIDTH]:
                raise self._wrong(f"{path} does not hash to its place in the tile above", {level: rows[0]})
            self._keep((level, index), rows)
        return self._kept[level, index]

    def _keep(self, place: tuple[int, int], rows: list[tuple[bytes, ...]]) -> None:
        while len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[place] = rows

    def _read(self, tile: TilePath) -> tuple[bytes, ...]:
        found, data = fetch_tile(self._fetch, tile)
        if len(data) != found.width * HASH_BYTES:
            raise Unavailable(f"{found} has {len(data)} bytes, and {found.width * HASH_BYTES} are due")
        return split_hashes(data)[: tile.width]

    def _wrong(self, message: str, tiles: dict[int, tuple[bytes, ...]]) -> Misbehaved:
        evidence = {
            f"hashes of level {level}": base64.b64encode(b"".join(row)).decode() for level, row in tiles.items()
        }
        root = self._expected.hex() if self._expected else ""
        return Misbehaved("wrong_tile", message, {"size": str(self.size), "root": root, **evidence})
