"""What a promise is worth depends on the log that made it, and on when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.kernel.errors import Invalid
from governance.pki.ct.check import SctVerdict, check_sct
from governance.pki.ct.entry import Entry
from governance.pki.ct.logs import MIMICS, Log, LogState, PreviousOperator, StateName, log_id_of
from governance.pki.ct.sct import Sct
from tests.pki.ct.promising import AT, DAY, NOT_AFTER, Signer, signer

ENTRY = Entry("precert", bytes(32), b"what the certificate will say")

# Chrome published these private keys, so that programs which trust its frozen lists can be told from others.
MIMIC_KEYS = [
    ec.derive_private_key(0x777B0EF312E25246B4B155DC4D80C75FF5A437DC84EDA21A67C0F9A55C769620, ec.SECP256R1()),
    ec.derive_private_key(0x6A88796F01A7682CE40DBBDD45F6C24ED02B0EEA13E659EF6704A227F963FF86, ec.SECP256R1()),
]


def judged(sct: Sct, *known: Signer, at: datetime = AT, not_after: datetime = NOT_AFTER) -> SctVerdict:
    return check_sct(sct, ENTRY, {one.log.log_id: one.log for one in known}, at=at, not_after=not_after)


def test_a_log_that_nobody_knows_is_said_to_be_unknown() -> None:
    verdict = judged(signer().promise(ENTRY))
    assert (verdict.state, verdict.log) == ("unknown_log", None)


@pytest.mark.parametrize("key", MIMIC_KEYS, ids=["the first", "the second"])
def test_a_mimic_is_denied_although_it_signs_well_and_is_listed_as_usable(key: Any) -> None:
    mimic = signer("Mimic", key=key, source="listed", states=(LogState("usable", AT - DAY),))
    assert mimic.log.log_id in MIMICS
    sct = mimic.promise(ENTRY)
    assert (mimic.log.state_at(AT), judged(sct, mimic).state) == ("usable", "denied_log")
    pinned = replace(mimic, log=replace(mimic.log, source="pinned"))
    assert judged(sct, pinned).state == "denied_log"


def test_a_test_log_is_denied() -> None:
    trial = signer("Trial", is_test=True)
    assert judged(trial.promise(ENTRY), trial).state == "denied_log"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("pending", "not_qualified"),
        ("qualified", "valid"),
        ("usable", "valid"),
        ("readonly", "valid"),
        ("retired", "valid"),
        ("rejected", "not_qualified"),
    ],
)
def test_a_log_has_to_be_qualified_or_to_have_been(state: StateName, expected: str) -> None:
    log = signer(source="listed", states=(LogState(state, AT - DAY),))
    assert judged(log.promise(ENTRY), log).state == expected


def test_a_listed_log_without_a_state_is_not_qualified_and_one_of_ours_is() -> None:
    assert [judged(log.promise(ENTRY), log).state for log in (signer(source="listed"), signer(source="own"))] == [
        "not_qualified",
        "valid",
    ]


def test_states_and_operators_change_over_time() -> None:
    year = [datetime(2020 + later, 1, 1, tzinfo=UTC) for later in range(6)]
    log = signer(
        operator="Third",
        states=(LogState("retired", year[4]), LogState("usable", year[2]), LogState("qualified", year[1])),
        previous_operators=(PreviousOperator("Second", year[3]), PreviousOperator("First", year[1])),
    ).log
    assert [log.state_at(at) for at in year] == ["pending", "qualified", "usable", "usable", "retired", "retired"]
    assert [log.operator_at(at) for at in year] == ["First", "Second", "Second", "Third", "Third", "Third"]
    assert log.state(year[0]) is None
    assert log.state(year[5]) == LogState("retired", year[4])


@pytest.mark.parametrize(("state", "before"), [("readonly", "usable"), ("rejected", "pending"), ("pending", "pending")])
def test_before_the_only_state_that_a_list_tells(state: StateName, before: str) -> None:
    assert signer(source="listed", states=(LogState(state, AT),)).log.state_at(AT - DAY) == before


@pytest.mark.parametrize(
    ("late", "state"),
    [(timedelta(), "valid"), (timedelta(minutes=5), "valid"), (timedelta(minutes=5, seconds=1), "in_the_future")],
)
def test_a_promise_from_the_future_is_refused_beyond_what_clocks_differ(late: timedelta, state: str) -> None:
    log = signer()
    assert judged(log.promise(ENTRY, at=AT + late), log).state == state


def test_the_last_time_there_is_does_not_break_anything() -> None:
    log = signer()
    sct = replace(log.promise(ENTRY), timestamp_ms=2**64 - 1)
    assert sct.at.year == 9999
    assert judged(sct, log).state == "bad_signature"


def test_the_end_of_the_certificate_lies_in_the_half_open_interval() -> None:
    log = signer(interval=(NOT_AFTER, NOT_AFTER + DAY))
    second = timedelta(seconds=1)
    ends = (NOT_AFTER - second, NOT_AFTER, NOT_AFTER + DAY - second, NOT_AFTER + DAY)
    sct = log.promise(ENTRY)
    assert [judged(sct, log, not_after=end).state for end in ends] == [
        "outside_interval",
        "valid",
        "valid",
        "outside_interval",
    ]


def test_a_log_may_have_an_rsa_key() -> None:
    log = signer("Old", key=rsa.generate_private_key(65537, 2048), kind="rfc6962")
    sct = log.promise(ENTRY, index=None)
    assert judged(sct, log).state == "valid"
    assert judged(replace(sct, signature_algorithm=3), log).state == "bad_signature"
    assert judged(replace(sct, signature=bytes(256)), log).state == "bad_signature"


@pytest.mark.parametrize("changes", [{"version": 1}, {"hash_algorithm": 2}])
def test_what_cannot_be_a_promise_is_malformed(changes: dict[str, int]) -> None:
    log = signer()
    assert judged(replace(log.promise(ENTRY), **changes), log).state == "malformed"  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 1024)])
def test_a_key_that_no_log_may_have_is_refused(key: Any) -> None:
    with pytest.raises(Invalid, match="is no key for a log"):
        signer(key=key).log.public_key()


def test_a_log_is_refused_that_contradicts_itself() -> None:
    log = signer().log
    with pytest.raises(Invalid, match="is not the SHA-256 of the log's key"):
        replace(log, log_id=bytes(32))
    with pytest.raises(Invalid, match="ends before it starts"):
        replace(log, interval=(AT, AT))
    with pytest.raises(Invalid, match="is not a public key in DER"):
        Log(log_id=log_id_of(b"key"), key_der=b"key").public_key()


def test_the_name_in_checkpoints_is_where_one_submits() -> None:
    log = signer(submission_url="https://log.example/2026h1/").log
    assert log.origin == "log.example/2026h1"
    assert log.log_id == log_id_of(log.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
