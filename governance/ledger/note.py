"""Checkpoints as signed notes (C2SP tlog-checkpoint and signed-note, Ed25519); pure."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.kernel.errors import Invalid

ED25519 = 0x01  # the signature type of signed-note
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


def key_id(name: str, public: bytes, *, kind: int = ED25519) -> bytes:
    """The four bytes by which a signature line names its key; `kind` is the signature type of signed-note."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The public key as one line, `name+id+key`, the form that other verifiers of signed notes read."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(bytes([ED25519]) + public).decode()}"


def sign(head: TreeHead, key: Ed25519PrivateKey) -> str:
    """The checkpoint, signed under the name of its origin."""
    text = head.text()
    return (
        text
        + "\n"
        + signature_line(head.origin, key_id(head.origin, key.public_key().public_bytes_raw()), key.sign(text.encode()))
    )


def signature_line(name: str, number: bytes, signature: bytes) -> str:
    """The line, with its newline, by which the key `number` of `name` signs; one or more of them end a note."""
    return f"— {name} {base64.b64encode(number + signature).decode()}\n"


def read(note: str) -> TreeHead:
    """What `note` says, whoever signed it; raises Invalid when it is not a checkpoint."""
    text, separator, _ = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) < 3 or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise Invalid("is not a checkpoint: origin, size, root and a signature are needed, each on a line")
    root = decoded(lines[2])
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
    try:
        for signature in signatures_by(note, origin, key_id(origin, public)):
            Ed25519PublicKey.from_public_bytes(public).verify(signature, f"{text}\n".encode())
    except InvalidSignature:
        raise Invalid(f"has a false signature by {origin}") from None
    return head


def signatures_by(note: str, name: str, number: bytes) -> list[bytes]:
    """What the key `number` of `name` signed on `note`, one or more; raises Invalid when it did not.

    The signatures of other keys are passed over, but each line must be a signature, up to the last newline.
    """
    lines = note.partition("\n\n")[2].split("\n")
    matches = [_SIGNATURE.fullmatch(line) for line in lines[:-1]]
    if lines[-1] or not all(matches):
        raise Invalid("has a line that is no signature")
    found = [(match["name"], decoded(match["signature"])) for match in matches if match]
    ours = [signature[4:] for signer, signature in found if signer == name and signature[:4] == number]
    if not ours:
        raise Invalid(f"is not signed by the key {number.hex()} of {name}")
    return ours


def decoded(text: str) -> bytes:
    """The bytes of `text`, which must be their one and only base64 form: nobody signs the bits that are left over."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Invalid("has a line that is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Invalid("has a line that is not base64 as it is written")
    return data
