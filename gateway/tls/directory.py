"""A directory of files that change all at once, laid out as Kubernetes lays out a mounted secret.

Each name is a symbolic link into `..data`, which is itself a link to the directory of one set. A change writes a new
set beside the old one and renames a new `..data` over the old: readers that go through one `..data` see one set.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from governance.kernel.errors import Conflict, Invalid, NotFound, Unavailable

DATA = "..data"
_SET, _NEXT = "..set_", "..next"
MAX_FILES, MAX_BYTES = 64, 1024 * 1024
_TRIES = 20


def publish(directory: Path, files: Mapping[str, bytes]) -> bool:
    """Make `files` the set that `directory` holds; False when it holds just that already.

    What it makes has mode 0700 (directories) and 0600 (files). A crash leaves the old set or the new one; what else it
    leaves behind, the next call removes. Refuses to replace a file or link that was not put there by this function.
    """
    _check_names(files)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone_in(directory):
        _check_free(directory, files)
        current = _set_of(directory)
        changed = current is None or _read_names(current) != dict(files)
        if changed:
            fresh = _written(directory, files)
            _swap(directory, DATA, fresh.name)
            current = fresh
        assert current is not None
        for name in files:
            if _link_of(directory / name) is None:
                _swap(directory, name, f"{DATA}/{name}")
        _remove_old(directory, kept=current.name, names=files)
        _sync(directory)
    return changed


def read_set(directory: Path) -> dict[str, bytes]:
    """Every file of the set, by name, all of the same set.

    A directory without `..data` is read until two readings in a row find the same files of the same age. NotFound when
    there is no such directory, Unavailable when it does not come to rest.
    """
    for _ in range(_TRIES):
        try:
            linked = _link_of(directory / DATA)
            if linked is None:
                read, same = _read_plainly(directory)
            else:
                # An old set is taken apart only after the link was moved: the same link means a whole set.
                read, same = _read_names(directory / linked), _link_of(directory / DATA) == linked
        except FileNotFoundError:
            if not directory.is_dir():
                raise NotFound(f"there is no directory {directory}") from None
            continue
        except OSError as error:
            raise Unavailable(f"{error.filename or directory} cannot be read: {error.strerror}") from None
        if same:
            return read
    raise Unavailable(f"{directory} does not come to rest: its files keep changing, or its ..data leads nowhere")


def _check_names(files: Mapping[str, bytes]) -> None:
    if not 1 <= len(files) <= MAX_FILES:
        raise Invalid(f"are {len(files)}; a set has 1 to {MAX_FILES}", field="files")
    for name, content in files.items():
        if "/" in name or "\0" in name or name.startswith("..") or name in {"", "."} or len(name.encode()) > 200:
            raise Invalid(f"{name[:60]!r} is no name for a file of a set", field="files")
        if len(content) > MAX_BYTES:
            raise Invalid(f"{name} has {len(content)} bytes; at most {MAX_BYTES} are allowed", field="files")


def _check_free(directory: Path, files: Mapping[str, bytes]) -> None:
    for name in files:
        path = directory / name
        if os.path.lexists(path) and _link_of(path) != f"{DATA}/{name}":
            raise Conflict(f"{path} was put there by somebody else; remove it first")


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _set_of(directory: Path) -> Path | None:
    linked = _link_of(directory / DATA)
    return directory / linked if linked is not None and (directory / linked).is_dir() else None


def _written(directory: Path, files: Mapping[str, bytes]) -> Path:
    """A new directory with the files, all on disk."""
    fresh = Path(tempfile.mkdtemp(prefix=_SET, dir=directory))  # mode 0700
    for name, content in files.items():
        handle = os.open(fresh / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync(fresh)
    _sync(directory)
    return fresh


def _swap(directory: Path, name: str, target: str) -> None:
    """Let the link `name` lead to `target`, in one step."""
    following = directory / _NEXT
    following.unlink(missing_ok=True)
    following.symlink_to(target)
    following.rename(directory / name)
    _sync(directory)


def _remove_old(directory: Path, *, kept: str, names: Mapping[str, bytes]) -> None:
    for path in directory.iterdir():
        if path.name.startswith(_SET) and path.name != kept:
            shutil.rmtree(path, ignore_errors=True)
        elif path.name == _NEXT or (path.name not in names and _link_of(path) == f"{DATA}/{path.name}"):
            path.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _link_of(path: Path) -> str | None:
    try:
        return str(path.readlink())
    except OSError:  # no link, or nothing at all
        return None


def _read_names(directory: Path) -> dict[str, bytes]:
    return {path.name: _content(path) for path in _files_in(directory)}


def _read_plainly(directory: Path) -> tuple[dict[str, bytes], bool]:
    before = _ages(directory)
    read = _read_names(directory)
    return read, _ages(directory) == before and _read_names(directory) == read


def _ages(directory: Path) -> dict[str, tuple[int, ...]]:
    seen = {path.name: path.stat() for path in _files_in(directory)}
    return {name: (each.st_ino, each.st_size, each.st_mtime_ns) for name, each in seen.items()}


def _files_in(directory: Path) -> list[Path]:
    """The files to read, with those that links lead to; names with two dots in front are not for readers."""
    found = [path for path in sorted(directory.iterdir()) if not path.name.startswith("..") and _is_file(path)]
    if len(found) > MAX_FILES:
        raise Unavailable(f"{directory} holds {len(found)} files; at most {MAX_FILES} are read")
    return found


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unavailable(f"{path} has more than {MAX_BYTES} bytes")
    return content
