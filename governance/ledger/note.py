"""Checkpoints as signed notes (C2SP tlog-checkpoint and signed-note, Ed25519); pure."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.kernel.errors import Invalid

_ED25519 = b"\x01"  # the signature type of signed-note
_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: the tree `origin` has `size` leaves and this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The public key as one line, `name+id+key`, the form that other verifiers of signed notes read."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def sign(head: TreeHead, key: Ed25519PrivateKey) -> str:
    """The checkpoint, signed under the name of its origin."""
    text = head.text()
    signature = key_id(head.origin, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n— {head.origin} {base64.b64encode(signature).decode()}\n"


def read(note: str) -> TreeHead:
    """What `note` says, whoever signed it; raises Invalid when it is not a checkpoint."""
    text, separator, _ = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) < 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise Invalid("is not a checkpoint: origin, size, root and a signature are needed, each on a line")
    root = _decoded(lines[2])
    if len(root) != 32:
        raise Invalid("has no root of 32 bytes on its third line")
    return TreeHead(lines[0], int(lines[1]), root)


def check(note: str, origin: str, public: bytes) -> TreeHead:
    """What `note` says; raises Invalid unless it is about `origin` and bears a good signature by `public`.

    Signatures by other keys, such as witnesses, are passed over.
    """
    head = read(note)
    if head.origin != origin:
        raise Invalid(f"is about {head.origin}, not {origin}")
    text = note.partition("\n\n")[0]
    wanted = key_id(origin, public)
    ours = [signature for name, signature in _signatures(note) if name == origin and signature[:4] == wanted]
    if not ours:
        raise Invalid(f"is not signed by the key {wanted.hex()} of {origin}")
    try:
        for signature in ours:
            Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{text}\n".encode())
    except InvalidSignature:
        raise Invalid(f"has a false signature by {origin}") from None
    return head


def _signatures(note: str) -> list[tuple[str, bytes]]:
    matches = [_SIGNATURE.fullmatch(line) for line in note.partition("\n\n")[2].splitlines()]
    if not all(matches):
        raise Invalid("has a line that is no signature")
    return [(match["name"], _decoded(match["signature"])) for match in matches if match]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Invalid("has a line that is not base64") from None
