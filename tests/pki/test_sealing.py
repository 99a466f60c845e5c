"""A sealed secret opens with its key and for its owner, and in no other way."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.kernel.errors import Invalid, Unavailable
from governance.pki.sealing import KeyEncryptionKey, rewrap, seal, sealed_with, unseal

OLD, NEW = KeyEncryptionKey(secret=b"o" * 32), KeyEncryptionKey(secret=b"n" * 32)


@given(plain=st.binary(max_size=5000), context=st.text(min_size=1, max_size=50))
def test_what_was_sealed_opens(plain: bytes, context: str) -> None:
    sealed = seal(plain, kek=OLD, context=context)
    assert unseal(sealed, keks=[NEW, OLD], context=context) == plain
    assert unseal(sealed, keks={OLD.id: OLD}, context=context) == plain


def test_nothing_of_the_content_is_seen_and_nothing_repeats() -> None:
    one, two = (seal(b"the private key" * 4, kek=OLD, context="a") for _ in range(2))
    assert one != two
    assert b"private" not in one
    common = sum(a == b for a, b in zip(one[8:], two[8:], strict=True))
    assert common < len(one) / 10


def test_it_says_which_key_it_needs() -> None:
    sealed = seal(b"x", kek=OLD, context="a")
    assert sealed_with(sealed) == OLD.id
    with pytest.raises(Unavailable, match=f"key-encryption key {OLD.id}, which is not here"):
        unseal(sealed, keks=[NEW], context="a")


@pytest.mark.parametrize("context", ["authority/2", "authority/1 ", "AUTHORITY/1"])
def test_it_does_not_open_for_another(context: str) -> None:
    """Who can write to the database cannot put one authority's key in the place of another's."""
    sealed = seal(b"x", kek=OLD, context="authority/1")
    with pytest.raises(Invalid, match="another's secret"):
        unseal(sealed, keks=[OLD], context=context)


@settings(max_examples=300)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_not_one_bit_can_be_altered(at: int, bit: int) -> None:
    sealed = bytearray(seal(b"the private key", kek=OLD, context="a"))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises((Invalid, Unavailable)):
        unseal(bytes(sealed), keks=[OLD], context="a")


@given(length=st.integers(0, 110))
def test_a_part_of_it_does_not_open(length: int) -> None:
    sealed = seal(b"the private key", kek=OLD, context="a")
    assert len(sealed) == 111
    with pytest.raises(Invalid):
        unseal(sealed[:length], keks=[OLD], context="a")


def test_the_content_of_one_does_not_open_with_the_data_key_of_another() -> None:
    one, two = (seal(plain, kek=OLD, context="a") for plain in (b"one", b"two"))
    with pytest.raises(Invalid):
        unseal(one[:68] + two[68:], keks=[OLD], context="a")


@given(st.binary(max_size=200))
def test_what_was_never_sealed_does_not_open(content: bytes) -> None:
    with pytest.raises(Invalid, match="not a sealed secret"):
        unseal(content, keks=[OLD], context="a")


def test_a_new_key_takes_over_without_the_content_being_opened() -> None:
    sealed = seal(b"the private key", kek=OLD, context="a")
    moved = rewrap(sealed, old=OLD, new=NEW)
    assert sealed_with(moved) == NEW.id
    assert moved[68:] == sealed[68:]
    assert unseal(moved, keks=[NEW], context="a") == b"the private key"
    with pytest.raises(Unavailable):
        unseal(moved, keks=[OLD], context="a")


def test_taking_over_twice_changes_nothing() -> None:
    moved = rewrap(seal(b"x", kek=OLD, context="a"), old=OLD, new=NEW)
    assert rewrap(moved, old=OLD, new=NEW) == moved


def test_what_is_under_a_third_key_is_not_taken_over() -> None:
    third = KeyEncryptionKey(secret=b"3" * 32)
    with pytest.raises(Unavailable, match=f"{third.id}, not with {OLD.id}"):
        rewrap(seal(b"x", kek=third, context="a"), old=OLD, new=NEW)


def test_an_altered_data_key_is_not_taken_over() -> None:
    sealed = bytearray(seal(b"x", kek=OLD, context="a"))
    sealed[40] ^= 1
    with pytest.raises(Invalid, match="data key does not open"):
        rewrap(bytes(sealed), old=OLD, new=NEW)


@pytest.mark.parametrize(
    "content",
    [
        OLD.secret,
        OLD.secret.hex().encode(),
        OLD.secret.hex().upper().encode() + b"\n",
        base64.b64encode(OLD.secret),
        base64.b64encode(OLD.secret) + b"\n",
        base64.urlsafe_b64encode(OLD.secret).rstrip(b"="),
    ],
    ids=["raw", "hex", "HEX with a line feed", "base64", "base64 with a line feed", "URL-safe without padding"],
)
def test_a_key_is_read_in_the_forms_that_people_keep_keys_in(content: bytes) -> None:
    assert KeyEncryptionKey.from_bytes(content) == OLD


@pytest.mark.parametrize(
    "content", [b"", b"short", b"x" * 31, b"x" * 33, b"z" * 64, b"\xff" * 40, base64.b64encode(b"x" * 31)]
)
def test_what_is_no_key_is_refused_without_a_word_of_it(content: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        KeyEncryptionKey.from_bytes(content)
    assert refusal.value.field == "key_encryption_key"
    assert "xxx" not in str(refusal.value)


def test_a_passphrase_gives_the_same_key_again_and_another_for_another_salt() -> None:
    made = KeyEncryptionKey.from_passphrase("correct horse battery", b"s" * 16)
    assert made == KeyEncryptionKey.from_passphrase("correct horse battery", b"s" * 16)
    assert made != KeyEncryptionKey.from_passphrase("correct horse battery", b"t" * 16)
    assert made != KeyEncryptionKey.from_passphrase("correct horse batterz", b"s" * 16)


@pytest.mark.parametrize(("passphrase", "salt"), [("short", b"s" * 16), ("long enough indeed", b"short")])
def test_a_short_passphrase_or_salt_is_refused(passphrase: str, salt: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        KeyEncryptionKey.from_passphrase(passphrase, salt)
    assert passphrase not in str(refusal.value)


def test_a_key_shows_its_id_and_nothing_else() -> None:
    assert len(OLD.id) == 8
    assert "oooo" not in repr(OLD)
    assert OLD.secret.hex() not in repr(OLD)


def test_a_secret_always_has_an_owner() -> None:
    with pytest.raises(Invalid, match="whose secret"):
        seal(b"x", kek=OLD, context="")
