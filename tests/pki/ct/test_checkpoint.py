"""The heads of logs: written as static-ct-api says, and refused as soon as one bit of them is another."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from governance.kernel.errors import Invalid
from governance.ledger.note import TreeHead
from governance.pki.ct import checkpoint
from governance.pki.ct.logs import RSA, SHA256, Log
from governance.pki.ct.misbehaviour import MOST_CHARACTERS, MOST_IN_A_MESSAGE, Misbehaved
from governance.pki.ct.wire import opaque
from tests.pki.ct.promising import Signer, signer
from tests.pki.ct.real_heads import HEADS

ROOT = hashlib.sha256(b"root").digest()
ORIGIN = "rome.ct.example.com/2024h1"
AT_MS = 1_790_000_000_123


@pytest.fixture(scope="module")
def rome() -> Signer:
    return signer("Rome", submission_url=f"https://{ORIGIN}/")


def _signed(rome: Signer, *, size: int = 42, at_ms: int = AT_MS, key: ec.EllipticCurvePrivateKey | None = None) -> str:
    return checkpoint.sign(TreeHead(ORIGIN, size, ROOT), timestamp_ms=at_ms, key=key or rome.key)


def _kind(text: str, log: Log) -> str:
    with pytest.raises(Misbehaved) as refused:
        checkpoint.check(text, log)
    evidence = refused.value.evidence
    assert evidence["log_id"] == log.log_id.hex()
    with pytest.raises(Misbehaved) as again:
        checkpoint.check(evidence["checkpoint"], log)
    assert (again.value.kind, again.value.message) == (refused.value.kind, refused.value.message), "and it shows it"
    return refused.value.kind


def test_a_checkpoint_says_origin_size_root_and_when_it_was_signed(rome: Signer) -> None:
    text = _signed(rome)
    head = checkpoint.check(text, rome.log)
    assert (head.origin, head.size, head.root, head.timestamp_ms, head.text) == (ORIGIN, 42, ROOT, AT_MS, text)
    assert head.at.isoformat() == "2026-09-21T14:13:20.123000+00:00"


def test_its_signature_line_is_put_together_as_the_specification_says(rome: Signer) -> None:
    """Static-ct-api, "Checkpoints", taken apart with nothing of ours."""
    origin, size, root, empty, line, end = _signed(rome).split("\n")
    assert (origin, size, root, empty, end) == (ORIGIN, "42", base64.b64encode(ROOT).decode(), "", "")
    dash, name, signature = line.split(" ")
    blob = base64.b64decode(signature)
    assert (dash, name) == ("\N{EM DASH}", ORIGIN)
    assert blob[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x05" + rome.log.log_id).digest()[:4]
    assert int.from_bytes(blob[4:12]) == AT_MS
    assert blob[12:14] == b"\x04\x03"
    assert int.from_bytes(blob[14:16]) == len(blob[16:])
    tree_head = b"\x00\x01" + AT_MS.to_bytes(8) + (42).to_bytes(8) + ROOT
    rome.key.public_key().verify(blob[16:], tree_head, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(("log", "text"), HEADS, ids=[log.operator for log, _ in HEADS])
def test_checkpoints_of_public_logs_are_good_and_their_rubbish_is_passed_over(log: Log, text: str) -> None:
    head = checkpoint.check(text, log)
    assert (head.origin, head.at.date().isoformat()) == (log.origin, "2026-09-27")
    assert head.size > 1_000_000
    assert _kind(text.replace(f"\n{head.size}\n", f"\n{head.size + 1}\n"), log) == "bad_signature"


def test_no_checkpoint_survives_the_change_of_a_bit(rome: Signer) -> None:
    text = _signed(rome).encode()
    for bit in range(8 * len(text)):
        changed = bytearray(text)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Invalid, Misbehaved, UnicodeDecodeError)):
            checkpoint.check(changed.decode(), rome.log)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n42\n", "\n042\n"),
        lambda text: text.replace("\n42\n", "\n-42\n"),
        lambda text: text.replace("\n\n", "\nan extension\n\n"),
        lambda text: text.replace("=\n\n", "\n\n"),
        lambda text: text.partition("\n\n")[0] + "\n",
    ],
)
def test_what_is_not_written_as_a_checkpoint_is_none(rome: Signer, spoil: Callable[[str], str]) -> None:
    with pytest.raises((Invalid, Misbehaved)):
        checkpoint.check(spoil(_signed(rome)), rome.log)


def test_a_head_of_some_other_log_is_told_apart_from_a_false_signature(rome: Signer) -> None:
    other = signer("Milan", submission_url="https://milan.example/")
    text = checkpoint.sign(TreeHead("milan.example", 42, ROOT), timestamp_ms=AT_MS, key=other.key)
    assert checkpoint.check(text, other.log).size == 42
    assert _kind(text, rome.log) == "wrong_origin"
    assert _kind(_signed(rome, key=other.key), rome.log) == "bad_signature"


def test_the_signature_of_another_size_is_false(rome: Signer) -> None:
    forged = _signed(rome, size=41).replace("\n41\n", "\n42\n")
    assert _kind(forged, rome.log) == "bad_signature"


def test_signatures_of_witnesses_do_no_harm_and_replace_none(rome: Signer) -> None:
    text = _signed(rome)
    witness = "— witness.example/w1 " + base64.b64encode(bytes(76)).decode() + "\n"
    assert checkpoint.check(text + witness * 16, rome.log).size == 42
    assert _kind(text.partition("\n\n")[0] + "\n\n" + witness, rome.log) == "bad_signature"


def test_what_is_kept_of_a_checkpoint_is_what_the_log_signed_and_nothing_else(rome: Signer) -> None:
    """Whoever serves it may pad it up to 256 KiB, and it is copied into each proof and each finding."""
    older, text = _signed(rome), _signed(rome, at_ms=AT_MS + 5)
    line = older.rpartition("\n\n")[2]
    more = "".join(f"— w{n}.example {base64.b64encode(bytes(4000)).decode()}\n" for n in range(40))
    head = checkpoint.check(text + more + line * 100 + more, rome.log)
    assert (head.text, head.timestamp_ms) == (text, AT_MS + 5)
    assert checkpoint.check(head.text, rome.log) == head


def test_what_is_shown_of_a_false_checkpoint_is_the_false_signature(rome: Signer) -> None:
    more = "".join(f"— w{n}.example {base64.b64encode(bytes(4000)).decode()}\n" for n in range(40))
    false = _signed(rome, size=41).rpartition("\n\n")[2]
    with pytest.raises(Misbehaved) as refused:
        checkpoint.check(_signed(rome) + more + false, rome.log)
    assert refused.value.evidence["checkpoint"] == _signed(rome).rpartition("\n\n")[0] + "\n\n" + false
    with pytest.raises(Misbehaved) as refused:
        checkpoint.check("x" * 200_000 + _signed(rome), rome.log)
    assert len(refused.value.evidence["checkpoint"]) == MOST_CHARACTERS
    assert len(refused.value.message) <= MOST_IN_A_MESSAGE


def test_evidence_that_is_too_long_is_cut_once_and_says_so() -> None:
    lie = Misbehaved("wrong_entry", "y" * 9000, {"entry": "x" * 100_000, "index": "7"})
    assert lie.evidence["entry"].endswith("xxx ... (100000 characters, cut)")
    assert lie.message.endswith("yyy ... (9000 characters, cut)")
    assert lie.evidence["index"] == "7"
    again = Misbehaved(lie.kind, lie.message, lie.evidence)
    assert (again.message, again.evidence) == (lie.message, lie.evidence)


def test_of_two_signatures_by_the_log_both_must_hold_and_the_newer_one_counts(rome: Signer) -> None:
    older, newer = _signed(rome), _signed(rome, at_ms=AT_MS + 5)
    line = newer.rpartition("\n\n")[2]
    assert checkpoint.check(older + line, rome.log).timestamp_ms == AT_MS + 5
    false = _signed(rome, size=41).rpartition("\n\n")[2]
    assert _kind(older + false, rome.log) == "bad_signature"


def test_a_head_of_rfc_6962_is_put_into_a_checkpoint_also_of_a_log_with_an_rsa_key() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    old = signer("Old", key=key, submission_url="https://old.example/log/", kind="rfc6962")
    signature = key.sign(checkpoint.signed_bytes(7, ROOT, AT_MS), padding.PKCS1v15(), hashes.SHA256())
    signed = bytes((SHA256, RSA)) + opaque(signature, 2)
    text = checkpoint.of_tree_head(
        TreeHead("old.example/log", 7, ROOT), timestamp_ms=AT_MS, signed=signed, log_id=old.log.log_id
    )
    assert checkpoint.check(text, old.log).size == 7


def test_a_log_may_sign_any_time_and_its_head_can_still_be_shown(rome: Signer) -> None:
    head = checkpoint.check(_signed(rome, at_ms=2**64 - 1), rome.log)
    assert head.at.year == 9999
