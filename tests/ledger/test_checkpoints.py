"""Signed checkpoints, and the proofs that go with them."""

import base64
import hashlib
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connections

from governance.compliance.stream import calls
from governance.compliance.streams import CALLS, sign_calls
from governance.compliance.values import CallRecord
from governance.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from governance.ledger import checkpoint, note, proofs
from governance.ledger.checkpoint import Signed, prove_consistency, prove_inclusion, sign_changes
from governance.ledger.models import Checkpoint
from governance.ledger.stream import CHANGES
from tests.fixtures.house import House
from tests.ledger.conftest import Say


def _signed() -> Signed:
    signed = sign_changes()
    assert signed is not None
    return signed


def test_an_empty_stream_has_no_checkpoint(house: House) -> None:
    assert sign_changes() is None
    assert sign_calls() is None
    assert checkpoint.newest(CHANGES) is None


def test_a_checkpoint_states_origin_size_and_root_and_verifies(say: Say) -> None:
    say("a")
    signed = _signed()
    head = note.check(signed.note, checkpoint.origin(CHANGES), checkpoint.public_key())
    assert (head.size, head.root) == (signed.size, signed.root) == (2, CHANGES.tree().root())
    lines = signed.note.split("\n")
    assert lines[0].startswith("governor/")
    assert lines[0].endswith("/changes")
    assert lines[1:4] == ["2", base64.b64encode(signed.root).decode(), ""]
    assert lines[4].startswith(f"— {lines[0]} ")


def test_signing_again_without_growth_changes_nothing(say: Say) -> None:
    first = _signed()
    assert _signed() == first
    assert Checkpoint.objects.count() == 1
    say("a")
    assert _signed().size == first.size + 1
    assert Checkpoint.objects.count() == 2


def test_the_two_streams_have_origins_of_their_own(say: Say) -> None:
    calls().record(CallRecord(action="rpc.call"))
    assert calls().flush(60)
    signed = sign_calls()
    assert signed is not None
    assert note.read(signed.note).origin == checkpoint.origin(CALLS) != checkpoint.origin(CHANGES)
    with pytest.raises(Invalid):
        note.check(signed.note, checkpoint.origin(CHANGES), checkpoint.public_key())


def test_the_key_is_for_its_owner_only(say: Say, house: House) -> None:
    _signed()
    kept = house.data_dir / "keys" / "checkpoints"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_the_verifier_key_names_the_same_key_as_the_signature(say: Say) -> None:
    signed = _signed()
    name, number, key = checkpoint.verifier_key(CHANGES).split("+", 2)
    raw = base64.b64decode(key)
    assert hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == number
    assert base64.b64decode(signed.note.splitlines()[-1].rpartition(" ")[2])[:4].hex() == number


def test_a_checkpoint_of_the_published_example_is_accepted() -> None:
    """The note and key of the documentation of golang.org/x/mod/sumdb/note."""
    text = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    public = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
    assert note.key_id("PeterNeumann", public).hex() == "c74f20a3"
    body, _, line = text.partition("\n\n")
    signature = base64.b64decode(line.strip().rpartition(" ")[2])
    assert signature[:4] == note.key_id("PeterNeumann", public)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{body}\n".encode())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("\n2\n", "\n3\n"),
        lambda text: text.replace("/changes", "/calls"),
        lambda text: text.partition("\n\n")[0] + "\n\n",
        lambda text: text.partition("\n\n")[0],
        lambda text: "",
        lambda text: text.replace("\n2\n", "\n02\n"),
        lambda text: text.rstrip("\n") + "A\n",
        lambda text: text + "junk\n",
    ],
)
def test_a_checkpoint_that_was_altered_is_refused(say: Say, spoil: object) -> None:
    say("a")
    assert callable(spoil)
    with pytest.raises(Invalid):
        note.check(spoil(_signed().note), checkpoint.origin(CHANGES), checkpoint.public_key())


def test_a_checkpoint_of_another_key_is_refused(say: Say) -> None:
    forged = note.sign(note.read(_signed().note), Ed25519PrivateKey.generate())
    with pytest.raises(Invalid):
        note.check(forged, checkpoint.origin(CHANGES), checkpoint.public_key())


def test_the_signature_of_a_witness_does_no_harm(say: Say) -> None:
    signed = _signed()
    witnessed = signed.note + "— witness.example/w1 " + base64.b64encode(bytes(76)).decode() + "\n"
    assert note.check(witnessed, checkpoint.origin(CHANGES), checkpoint.public_key()).size == signed.size


def test_every_event_is_proven_to_be_in_every_checkpoint_after_it(say: Say) -> None:
    for n in range(12):
        say(str(n))
    roots = {0: b""}
    for size in range(1, 14):
        for seq in range(1, size + 1):
            proof = prove_inclusion(CHANGES, seq, size)
            assert proofs.check_inclusion(proof.leaf, proof.index, size, proof.hashes, proof.root)
            assert roots.setdefault(size, proof.root) == proof.root
    assert roots[13] == _signed().root


def test_a_later_checkpoint_is_proven_to_continue_an_earlier_one(say: Say) -> None:
    first = _signed()
    for n in range(9):
        say(str(n))
    second = _signed()
    path = prove_consistency(CHANGES, first.size, second.size)
    assert proofs.check_consistency(first.size, second.size, path, first.root, second.root)


@pytest.mark.parametrize(("seq", "size", "field"), [(0, 1, "seq"), (2, 1, "seq"), (1, 99, "size"), (1, 0, "size")])
def test_what_is_not_there_cannot_be_proven(say: Say, seq: int, size: int, field: str) -> None:
    with pytest.raises(NotFound) as refusal:
        prove_inclusion(CHANGES, seq, size)
    assert refusal.value.field == field


def test_a_stream_that_shrank_is_not_signed(say: Say) -> None:
    say("a")
    _signed()
    with connections["default"].cursor() as cursor:
        cursor.execute("UPDATE governance_head SET revision = 0, frontier = %s", [b""])
    with pytest.raises(Conflict):
        sign_changes()


def test_what_a_power_cut_could_undo_is_not_signed(say: Say) -> None:
    connection = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL" if connection.vendor == "sqlite" else "SET synchronous_commit=off")
    with pytest.raises(Unavailable):
        sign_changes()
