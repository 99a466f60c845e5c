"""Secrets for libraries that take nothing but the path of a file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def file_of(content: bytes) -> Iterator[str]:
    """A path under which `content` can be read inside the block; where the system can, it never touches a disk."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("tls"), "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile() as named:  # mode 0600
            named.write(content)
            named.flush()
            yield named.name
