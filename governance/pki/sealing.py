"""Secrets at rest: each under a key of its own, which is kept under the key-encryption key of the installation.

The layout is: "GSL", version 1, 4 bytes naming the key-encryption key, then the wrapped data key (nonce 12,
ciphertext 32, tag 16), then the content (nonce 12, ciphertext, tag 16); AES-256-GCM for both.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from governance.kernel.errors import Invalid, Unavailable

KEY_BYTES = 32
MIN_SALT_BYTES = 16
MIN_PASSPHRASE = 12
_MAGIC = b"GSL\x01"
_NONCE, _TAG = 12, 16
_WRAPPED = len(_MAGIC) + 4
_CONTENT = _WRAPPED + _NONCE + KEY_BYTES + _TAG


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEncryptionKey:
    """The key under which data keys are kept: 32 bytes."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise Invalid(f"has {len(self.secret)} bytes; it has {KEY_BYTES}", field="key_encryption_key")

    @property
    def id(self) -> str:
        """Names the key without telling it: the first 8 hex digits of its SHA-256."""
        return hashlib.sha256(self.secret).hexdigest()[:8]

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """From 32 bytes as they are, or as base64 or hex text."""
        if len(content) == KEY_BYTES:
            return cls(secret=content)
        try:
            text = content.decode("ascii")
        except UnicodeDecodeError:
            raise Invalid(f"is neither {KEY_BYTES} bytes nor text", field="key_encryption_key") from None
        return cls.from_text(text)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """From base64, plain or URL-safe, or 64 hex digits; space around it is left away."""
        text = text.strip()
        try:
            if len(text) == 2 * KEY_BYTES:
                return cls(secret=bytes.fromhex(text))
            padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
            return cls(secret=base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True))
        except (binascii.Error, ValueError):
            raise Invalid(f"is not {KEY_BYTES} bytes in base64 or hex", field="key_encryption_key") from None

    @classmethod
    def from_passphrase(cls, passphrase: str, salt: bytes) -> Self:
        """Derived by scrypt with 32 MiB and about 0.1 s; the salt is 16 bytes or more and no secret."""
        if len(passphrase) < MIN_PASSPHRASE:
            raise Invalid(f"has {len(passphrase)} characters; it needs {MIN_PASSPHRASE}", field="passphrase")
        if len(salt) < MIN_SALT_BYTES:
            raise Invalid(f"has {len(salt)} bytes; it needs {MIN_SALT_BYTES}", field="salt")
        return cls(secret=Scrypt(salt=salt, length=KEY_BYTES, n=2**15, r=8, p=1).derive(passphrase.encode()))


def seal(plain: bytes, *, kek: KeyEncryptionKey, context: str) -> bytes:
    """`plain` under a new data key; it opens only with the same `context`, which says whose secret it is."""
    data_key = secrets.token_bytes(KEY_BYTES)
    nonce = secrets.token_bytes(_NONCE)
    return _wrapped(data_key, kek) + nonce + AESGCM(data_key).encrypt(nonce, plain, _bound(context))


def unseal(sealed: bytes, *, keks: Mapping[str, KeyEncryptionKey] | Sequence[KeyEncryptionKey], context: str) -> bytes:
    """What was sealed; raises Unavailable without its key-encryption key, Invalid when altered or another's."""
    named = sealed_with(sealed)
    known = keks.values() if isinstance(keks, Mapping) else keks
    kek = next((kek for kek in known if kek.id == named), None)
    if kek is None:
        raise Unavailable(f"the secret is sealed with the key-encryption key {named}, which is not here")
    content = bytes(sealed[_CONTENT:])
    try:
        return AESGCM(_unwrapped(sealed, kek)).decrypt(content[:_NONCE], content[_NONCE:], _bound(context))
    except InvalidTag:
        raise Invalid("was altered, or is another's secret", field="sealed") from None


def rewrap(sealed: bytes, *, old: KeyEncryptionKey, new: KeyEncryptionKey) -> bytes:
    """The same content under `new`; only its data key is opened. What is under `new` already stays as it is."""
    named = sealed_with(sealed)
    if named == new.id:
        return bytes(sealed)
    if named != old.id:
        raise Unavailable(f"the secret is sealed with the key-encryption key {named}, not with {old.id}")
    return _wrapped(_unwrapped(sealed, old), new) + bytes(sealed[_CONTENT:])


def sealed_with(sealed: bytes) -> str:
    """The id of the key-encryption key that opens it."""
    if len(sealed) < _CONTENT + _NONCE + _TAG or not bytes(sealed).startswith(_MAGIC):
        raise Invalid("is not a sealed secret of version 1", field="sealed")
    return bytes(sealed[len(_MAGIC) : _WRAPPED]).hex()


def _wrapped(data_key: bytes, kek: KeyEncryptionKey) -> bytes:
    header = _MAGIC + bytes.fromhex(kek.id)
    nonce = secrets.token_bytes(_NONCE)
    return header + nonce + AESGCM(kek.secret).encrypt(nonce, data_key, header)


def _unwrapped(sealed: bytes, kek: KeyEncryptionKey) -> bytes:
    header, wrapped = bytes(sealed[:_WRAPPED]), bytes(sealed[_WRAPPED:_CONTENT])
    try:
        return AESGCM(kek.secret).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], header)
    except InvalidTag:
        raise Invalid("was altered: its data key does not open", field="sealed") from None


def _bound(context: str) -> bytes:
    """What the content is bound to."""
    if not context:
        raise Invalid("is empty; it says whose secret it is", field="context")
    return _MAGIC + context.encode()
