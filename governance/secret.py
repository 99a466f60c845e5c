"""Secrets that Governor makes for itself at the first start, one file each, mode 0600."""

import os
import secrets
from pathlib import Path


def kept(path: Path, *, length: int = 50) -> str:
    """The text in `path`; when there is none yet, `length` random bytes in URL-safe form. Two may start at once."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(length))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails when another process was first; its value counts then
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
