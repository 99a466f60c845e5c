"""The log's tiles as files: a cache, made from the table and made again from it whenever a file is not there.

Only what never changes is kept: full tiles and, above level 0, the one partial tile of the present width, under a name
that says its width. Every file is written under another name first, so that none is ever half there.
"""

import contextlib
import gzip
import os
import secrets
import shutil
import zlib
from pathlib import Path

import structlog
from django.conf import settings

from governance.kernel.errors import GovernanceError, Invalid, NotFound
from governance.ledger import note
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.own import table
from governance.pki.ct.own.log import NAME
from governance.pki.ct.tile_leaf import read_all
from governance.pki.ct.tiles import DATA, HASH_BYTES, WIDTH, TilePath, changed, hashes_above, parse_path, width_of

CHECKPOINT = "checkpoint"
_looked_at: set[Path] = set()
log = structlog.get_logger(__name__)


def directory() -> Path:
    """Where this machine keeps the log's files."""
    path: Path = settings.GOV.data_dir / "ct" / NAME
    return path


def fetch(path: str) -> bytes:
    """What the log has under the path of a tile, of hashes or of entries; NotFound when its tree is not that large."""
    tile = parse_path(path)
    return gzip.decompress(packed(tile)) if tile.level == DATA else hashes(tile)


def hashes(tile: TilePath) -> bytes:
    """The hashes of a tile, also of one that was partial once and is no more."""
    present = _present(tile)
    return _hashes(present)[: tile.width * HASH_BYTES]


def packed(tile: TilePath) -> bytes:
    """The entries of a tile of entries, packed by gzip as they are sent."""
    _present(tile)
    if tile.width < WIDTH:
        return gzip.compress(_entries(tile), compresslevel=1, mtime=0)
    path = _place(tile).with_suffix(".gz")
    if (found := _read(path)) is not None and _is_whole(found):
        return found
    made = gzip.compress(_entries(tile), mtime=0)
    _write(path, made)
    return made


def completed(old: int, new: int, checkpoint: str) -> None:
    """Write the tiles that became full when the tree grew from `old` to `new` entries, whatever stands in their place.

    Failing is no harm: what is not there is made when it is asked for.
    """
    _check_history()
    for tile in changed(old, new):
        if tile.width == WIDTH:
            _write(_place(tile), _made(tile))
    _write(directory() / CHECKPOINT, checkpoint.encode(), durable=False)


def _present(tile: TilePath) -> TilePath:
    """The tile at the width that it has now; NotFound when it is not as wide as `tile`."""
    width = width_of(tile.level, tile.index, table.size())
    if width < tile.width:
        raise NotFound(f"the log has no {tile}")
    return TilePath(tile.level, tile.index, width)


def _hashes(tile: TilePath) -> bytes:
    """The hashes of a tile at its present width."""
    if tile.level == 0 and tile.width < WIDTH:
        return _made(tile)
    path = _place(tile)
    found = _read(path)
    if found is not None and len(found) == tile.width * HASH_BYTES:
        return found
    made = _made(tile)
    _write(path, made)
    if tile.level:
        _forget_others(tile)
    return made


def _made(tile: TilePath) -> bytes:
    """A tile of hashes from what it stands for: leaves in the table, or the tiles below."""
    if tile.level:
        return hashes_above(tile, _hashes)
    return b"".join(_all_there(table.leaves(tile.start, tile.end), tile))


def _entries(tile: TilePath) -> bytes:
    return b"".join(_all_there(table.tile_leaves(tile.start, tile.end), tile))


def _all_there(rows: list[bytes], tile: TilePath) -> list[bytes]:
    if len(rows) != tile.width:
        message = f"of the entries {tile.start} to {tile.end - 1} only {len(rows)} are in the table"
        raise Misbehaved("wrong_tile", message, {"tile": str(tile)})
    return rows


def _place(tile: TilePath) -> Path:
    return directory() / str(tile)


def _read(path: Path) -> bytes | None:
    _check_history()
    try:
        return path.read_bytes()
    except OSError:
        return None


def _write(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Put `content` there at once and whole. A disk that is full, say, is a reason to have no cache and no more."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with draft.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())  # or a loss of power could leave a file of the right length full of zeros
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        log.warning("a file of the log of certificates cannot be written", path=str(path), reason=error.strerror)


def _forget_others(tile: TilePath) -> None:
    """Take away the partial tiles that this one replaces."""
    partial = _place(tile.full).with_suffix(".p")
    if tile.width == WIDTH:
        shutil.rmtree(partial, ignore_errors=True)
        return
    for path in partial.glob("[0-9]*"):
        if path.name != str(tile.width):
            path.unlink(missing_ok=True)


def _is_whole(packed_entries: bytes) -> bool:
    """Whether it unpacks, to as many entries as a full tile has and nothing else."""
    try:
        return len(read_all(gzip.decompress(packed_entries), at_most=WIDTH + 1)) == WIDTH
    except (OSError, EOFError, zlib.error, Invalid):
        return False


def _check_history() -> None:
    """Once in a process, throw the files away when they are of a larger tree than the table: it came from a backup."""
    place = directory()
    if place in _looked_at:
        return
    _looked_at.add(place)
    try:
        seen = note.read((place / CHECKPOINT).read_text())
        now = note.read(table.checkpoint())
    except (OSError, ValueError, GovernanceError):
        return
    if seen.size > now.size or (seen.size == now.size and seen.root != now.root):
        log.error("the log of certificates is not what it was: was a backup restored?", was=seen.size, size=now.size)
        shutil.rmtree(place, ignore_errors=True)
