"""Heads of logs as checkpoints that a log's own key signs (C2SP static-ct-api, signature type 0x05); pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.kernel.errors import Invalid
from governance.ledger import note
from governance.pki.ct import wire
from governance.pki.ct.logs import ECDSA, SHA256, Log, log_id_of
from governance.pki.ct.misbehaviour import Kind, Misbehaved

TREE_HEAD_SIGNATURE = 0x05  # signed-note's number for the signature of RFC 6962 over a tree head
_V1, _TREE_HASH = 0, 1  # RFC 6962, section 3.2 and 3.5
_LAST_MS = 253_402_300_799_999  # where datetime ends; a log may sign any number of 64 bits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """What a log signed: at that time its tree had `size` leaves and this root.

    `text` is a checkpoint that says so and nothing else: the log's newest signature under its three lines.
    """

    origin: str
    size: int
    root: bytes
    timestamp_ms: int
    text: str

    @property
    def at(self) -> datetime:
        """When the log signed it, by the log's own clock."""
        return _EPOCH + timedelta(milliseconds=min(self.timestamp_ms, _LAST_MS))


def signed_bytes(size: int, root: bytes, timestamp_ms: int) -> bytes:
    """The TreeHeadSignature of RFC 6962, section 3.5; the name of the log is not in it."""
    return bytes((_V1, _TREE_HASH)) + wire.uint64(timestamp_ms) + wire.uint64(size) + root


def sign(head: note.TreeHead, *, timestamp_ms: int, key: ec.EllipticCurvePrivateKey) -> str:
    """The checkpoint of the log that `head` names as its origin, signed with its P-256 key."""
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signature = key.sign(signed_bytes(head.size, head.root, timestamp_ms), ec.ECDSA(hashes.SHA256()))
    signed = bytes((SHA256, ECDSA)) + wire.opaque(signature, 2)
    return of_tree_head(head, timestamp_ms=timestamp_ms, signed=signed, log_id=log_id_of(spki))


def of_tree_head(head: note.TreeHead, *, timestamp_ms: int, signed: bytes, log_id: bytes) -> str:
    """The checkpoint that says the same as the answer to `get-sth`, whose `tree_head_signature` is `signed`."""
    number = note.key_id(head.origin, log_id, kind=TREE_HEAD_SIGNATURE)
    return f"{head.text()}\n{note.signature_line(head.origin, number, wire.uint64(timestamp_ms) + signed)}"


def check(text: str, log: Log) -> Head:
    """What the checkpoint says; raises Invalid when it is none, and Misbehaved when it is not this log's.

    The text must be written in the one way that its size and root can be, since the signature is over these and not
    over the text. Signatures by other keys, such as witnesses, are passed over and not kept, as anybody can add as
    many as a note has room for; every one by the log's key must hold, and the newest counts.
    """
    head = note.read(text)
    if head.origin != log.origin:
        message = f"the checkpoint is about {head.origin[:200]!r}, not {log.origin}"
        raise _misbehaved("wrong_origin", message, text, log)
    if text.partition("\n\n")[0] + "\n" != head.text():
        raise Invalid("is not a checkpoint of static-ct: three lines in their shortest form, and no more, are needed")
    number = note.key_id(log.origin, log.log_id, kind=TREE_HEAD_SIGNATURE)
    try:
        bodies = note.signatures_by(text, log.origin, number)
    except Invalid as refusal:
        raise _misbehaved("bad_signature", f"the checkpoint {refusal.message}", text, log) from None
    newest, kept = -1, ""
    for body in bodies:
        alone = f"{head.text()}\n{note.signature_line(log.origin, number, body)}"
        try:
            timestamp_ms = _verify(body, head, log)
        except Invalid as refusal:
            raise _misbehaved("bad_signature", f"the checkpoint {refusal.message}", alone, log) from None
        if timestamp_ms > newest:
            newest, kept = timestamp_ms, alone
    return Head(head.origin, head.size, head.root, newest, kept)


def _verify(body: bytes, head: note.TreeHead, log: Log) -> int:
    """The timestamp of one RFC6962NoteSignature; raises Invalid when the log's key did not sign it."""
    reader = wire.Reader(body, what="signature")
    timestamp_ms, hash_alg, sig_alg = reader.uint64(), reader.uint8(), reader.uint8()
    signature = reader.opaque(2)
    reader.end()
    log.verify(signature, signed_bytes(head.size, head.root, timestamp_ms), hash_alg, sig_alg)
    return timestamp_ms


def _misbehaved(kind: Kind, message: str, text: str, log: Log) -> Misbehaved:
    return Misbehaved(kind, message, {"checkpoint": text, "log_id": log.log_id.hex()})
