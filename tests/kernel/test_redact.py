"""Secrets are taken out, by the name under which they stand or by their form; what only looks similar stays."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel import canonical
from governance.kernel.redact import MAX_TEXT, is_secret_name, redact, redact_text

_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "newPassword", "Authorization", "x-api-key", "apiKey", "APIKey", "Set-Cookie", "cvv", "CVV2"),
        *("card_pan", "refreshToken", "client_secret", "privateKey", "grpc-authorization", "session_id", "totp_otp"),
    ],
)
def test_these_names_say_that_a_secret_follows(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["name", "page_token", "next_page_token", "company", "span", "panel", "spinning"])
def test_these_names_do_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer abcdefgh12345678", "Bearer [REDACTED:token]"),
        ("authorization was Basic dXNlcjpwYXNz=", "authorization was Basic [REDACTED:token]"),
        (f"got {_JWT}.", "got [REDACTED:jwt]."),
        ("token gov_Zq8sLw2vTn5xYc7b is unknown", "token [REDACTED:token] is unknown"),
        ("'govjoin_Zq8sLw2vTn5xYc7b' is not a name", "'[REDACTED:token]' is not a name"),
        ("postgresql://gov:s3cret@db/x", "postgresql://gov:[REDACTED:password]@db/x"),
        ("password=hunter2&x=1", "password=[REDACTED:secret]&x=1"),
        ('{"password": "hunter2"}', '{"password": "[REDACTED:secret]"}'),
        ("card 4111111111111111 refused", "card [REDACTED:pan] refused"),
        ("card 4111-1111-1111-1111 refused", "card [REDACTED:pan] refused"),
        ("card 5500 0000 0000 0004.", "card [REDACTED:pan]."),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "[REDACTED:private_key]"),
        (r"'-----BEGIN EC PRIVATE KEY-----\nMIIE\n-----END EC PRIVATE KEY-----\n'", r"'[REDACTED:private_key]\n'"),
    ],
)
def test_secrets_in_free_text_are_replaced(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "weights[c9]: checkout has no instance 'c9'; there are: c0, c1",
        "password: must have 12 characters",
        "4111111111111112 is no card",
        "at 1769155200000 or 1769155200000000",
        "0198f2b4-7c1a-7d3e-8f2a-411111111111",
        "http://127.0.0.1:8000/services",
        "basic authentication is off",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def test_secrets_are_found_at_any_depth_and_by_key_whatever_the_value() -> None:
    value = {"a": [{"password": {"nested": 1}}, "Bearer abcdefgh1234"], "token": 5, "cookie": "", "note": None}
    assert redact(value) == {
        "a": [{"password": "[REDACTED:password]"}, "Bearer [REDACTED:token]"],
        "token": "[REDACTED:token]",
        "cookie": "",
        "note": None,
    }


def test_a_card_number_that_is_a_number_is_found() -> None:
    assert redact({"n": 4111111111111111, "revision": 4711}) == {"n": "[REDACTED:pan]", "revision": 4711}


def test_what_has_no_canonical_form_gets_one() -> None:
    value = {"f": 1.5, "n": 2**70, "big": 2**60, "b": b"xyz", "o": object(), "\ud800": "\udfff", "s": {1}}
    assert redact(value) == {
        "f": "1.5",
        "n": "[INTEGER]",
        "big": str(2**60),
        "b": "[BYTES:3]",
        "o": "[object]",
        "?": "?",
        "s": [1],
    }
    canonical.encode(redact(value))


def test_endless_things_are_cut() -> None:
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    assert "[NESTED]" in str(redact(deep))
    assert redact("x" * (MAX_TEXT + 5)).endswith("[TRUNCATED:5]")
    assert redact(list(range(1005)))[-1] == "[TRUNCATED:5]"
    assert redact({str(n): n for n in range(1005)})["[TRUNCATED]"] == 5


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=st.dictionaries(st.text(), _json, max_size=5))
def test_whatever_comes_in_can_be_recorded(value: dict[str, object]) -> None:
    canonical.encode(redact(value))


@pytest.mark.parametrize(
    "unit",
    [
        "eyJ",
        "eyJa.",
        "4",
        "4 ",
        "4-1",
        "gov_",
        "bearer ",
        "bearer a",
        "://a",
        "://a:",
        "password=",
        "-----BEGIN ",
        "a:",
    ],
)
def test_hostile_text_takes_time_in_proportion_to_its_length(unit: str) -> None:
    def duration(length: int) -> float:
        text = (unit * length)[:length]
        return min(_timed(text) for _ in range(5))

    short, long = duration(8_000), duration(64_000)
    assert long < max(0.1, short * 8 * 6), (short, long)


def _timed(text: str) -> float:
    begun = time.thread_time()
    redact_text(text)
    return time.thread_time() - begun
