"""The key-encryption key of this installation: where it comes from, and what it seals."""

import hashlib
import os
from functools import cache
from pathlib import Path

from django.conf import settings

from governance.kernel.errors import Invalid, Unavailable
from governance.pki.keys import PrivateKey, from_pem, to_pem
from governance.pki.sealing import KeyEncryptionKey, rewrap, seal, unseal
from governance.secret import kept


@cache
def key_encryption_key() -> KeyEncryptionKey:
    """From GOV_KEY_ENCRYPTION_KEY or GOV_KEY_PASSPHRASE, else from a file of its own that the first start makes.

    That file lies in the user's configuration directory: whoever copies the data directory, or a database, has no key
    in clear. Raises Unavailable when it cannot be read.
    """
    environment = settings.GOV
    if environment.key_encryption_key:
        return KeyEncryptionKey.from_text(environment.key_encryption_key)
    if environment.key_passphrase:
        # The same on every machine of an installation, which share no more than their settings and the database.
        salt = hashlib.sha256(f"governor key encryption {environment.trust_domain}".encode()).digest()[:16]
        return KeyEncryptionKey.from_passphrase(environment.key_passphrase, salt)
    path = default_place()
    try:
        return KeyEncryptionKey.from_text(kept(path, length=32))
    except OSError as error:
        raise Unavailable(f"the key-encryption key {path} cannot be read: {error.strerror}") from None
    except Invalid as error:
        raise Unavailable(f"the key-encryption key {path} is unusable: {error.message}") from None


def old_key() -> KeyEncryptionKey | None:
    """The key of GOV_KEY_ENCRYPTION_KEY_OLD, which opens and never seals; None without one."""
    given = settings.GOV.key_encryption_key_old
    try:
        return KeyEncryptionKey.from_text(given) if given else None
    except Invalid as error:
        raise Unavailable(f"GOV_KEY_ENCRYPTION_KEY_OLD {error.message}") from None


def default_place() -> Path:
    """Where the key lies unless a setting says otherwise; one for each data directory."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    mine = hashlib.sha256(str(settings.DATA_DIR).encode()).hexdigest()[:16]
    path = home / "governor" / f"key-encryption-key-{mine}"
    if path.resolve().is_relative_to(settings.DATA_DIR):
        raise Unavailable(
            f"the key-encryption key {path} would lie in the data directory, beside what it protects; "
            "set GOV_KEY_ENCRYPTION_KEY_FILE"
        )
    return path


def sealed(key: PrivateKey, *, context: str) -> bytes:
    """A private key as it may be stored; `context` says what it belongs to, and must be the same to open it."""
    return seal(to_pem(key), kek=key_encryption_key(), context=context)


def opened(stored: bytes, *, context: str) -> bytes:
    """The PEM of a private key that `sealed` made."""
    try:
        return unseal(bytes(stored), keks=[key_encryption_key(), *filter(None, [old_key()])], context=context)
    except Unavailable as error:
        where = "GOV_KEY_ENCRYPTION_KEY" if not settings.GOV.key_passphrase else "GOV_KEY_PASSPHRASE"
        if not settings.GOV.key_passphrase and not settings.GOV.key_encryption_key:
            where += f" (not set, so {default_place()}, which belongs to this data directory's path)"
        raise Unavailable(f"{where} is another than the one that private keys here were sealed with: {error}") from None


def opened_key(stored: bytes, *, context: str) -> PrivateKey:
    """The private key that `sealed` made."""
    return from_pem(opened(stored, context=context), field="key")


def rewrapped(stored: bytes) -> bytes:
    """The same under the key-encryption key of today, when the old one opens it; the private key is not opened.

    Raises Unavailable for what neither of the two opens, Invalid for what was altered.
    """
    return rewrap(bytes(stored), old=old_key() or key_encryption_key(), new=key_encryption_key())


def of_authority(authority: str) -> str:
    """The context of an authority's key."""
    return f"authority/{authority}"


def of_issued(serial: str) -> str:
    """The context of an issued certificate's key."""
    return f"issued/{serial}"


def of_log(name: str) -> str:
    """The context of the key of a certificate log."""
    return f"ct-log/{name}"
