"""Chrome's policy, case by case."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from governance.pki.ct.check import SctVerdict, check_sct
from governance.pki.ct.entry import Entry
from governance.pki.ct.logs import LogState, PreviousOperator, StateName
from governance.pki.ct.policy import Advice, Delivery, chrome
from tests.pki.ct.promising import AT, DAY, signer

ENTRY = Entry("precert", bytes(32), b"what the certificate will say")
ISSUED = AT - 30 * DAY


def promised(
    operator: str,
    state: StateName = "usable",
    *,
    since: datetime = AT - 300 * DAY,
    at: datetime = ISSUED,
    before: Sequence[PreviousOperator] = (),
) -> SctVerdict:
    """A promise of a log of its own, which is in that state since then."""
    log = signer(
        operator, operator=operator, source="listed", states=(LogState(state, since),), previous_operators=tuple(before)
    )
    sct = log.promise(ENTRY, at=at)
    return check_sct(sct, ENTRY, {sct.log_id: log.log}, at=AT, not_after=AT + 300 * DAY)


def advice(*verdicts: SctVerdict, life: timedelta = 90 * DAY, delivery: Delivery = "embedded") -> Advice:
    return chrome(verdicts, not_before=ISSUED, not_after=ISSUED + life, at=AT, delivery=delivery)


A, B, C, ALSO_A = promised("A"), promised("B"), promised("C"), promised("A")
RETIRED_LATER = promised("R", "retired", since=ISSUED + DAY)
RETIRED_BEFORE = promised("R", "retired", since=ISSUED - DAY)
RETIRED_AT_ONCE = promised("R", "retired", since=ISSUED)
PENDING, REJECTED = promised("P", "pending"), promised("J", "rejected")


@pytest.mark.parametrize(
    ("verdicts", "days", "satisfied"),
    [
        ([], 90, False),
        ([A], 90, False),
        ([A, A], 90, False),  # the same log twice
        ([A, ALSO_A], 90, False),  # two logs, one operator
        ([A, B], 90, True),
        ([A, B], 180, True),
        ([A, B], 181, False),
        ([A, B, ALSO_A], 181, True),
        ([A, B, B], 181, False),
        ([A, B, C], 398, True),
        ([A, PENDING], 90, False),
        ([A, REJECTED], 90, False),
        ([A, B, PENDING, REJECTED], 90, True),  # what does not count does no harm
        ([A, promised("Q", "qualified")], 90, True),
        ([A, promised("O", "readonly")], 90, True),
        ([A, RETIRED_LATER], 90, True),
        ([A, RETIRED_BEFORE], 90, False),
        ([A, RETIRED_AT_ONCE], 90, False),
        ([RETIRED_LATER, promised("S", "retired", since=ISSUED + DAY)], 90, False),  # none of the present
        ([RETIRED_LATER, promised("O", "readonly")], 90, True),
    ],
)
def test_promises_in_the_certificate(verdicts: Sequence[SctVerdict], days: int, satisfied: bool) -> None:
    said = advice(*verdicts, life=days * DAY)
    assert said.satisfied is satisfied, said.reasons
    assert bool(said.reasons) is not satisfied


def test_a_second_more_than_180_days_needs_a_third_promise() -> None:
    assert advice(A, B, life=180 * DAY).satisfied
    assert not advice(A, B, life=180 * DAY + timedelta(seconds=1)).satisfied


def test_the_earliest_promise_decides_whether_a_log_retired_in_time() -> None:
    late = promised("R", "retired", since=ISSUED + DAY, at=ISSUED + 2 * DAY)
    assert not advice(promised("A", at=ISSUED + 2 * DAY), late).satisfied
    assert advice(promised("A", at=ISSUED), late).satisfied


def test_who_ran_the_log_at_the_time_of_the_promise_counts() -> None:
    sold_later = promised("A", before=[PreviousOperator("B", AT)])
    sold_earlier = promised("A", before=[PreviousOperator("B", ISSUED - DAY)])
    assert advice(A, sold_later).satisfied
    assert not advice(A, sold_earlier).satisfied


@pytest.mark.parametrize(
    ("verdicts", "satisfied"),
    [
        ([A], False),
        ([A, ALSO_A], False),
        ([A, B], True),
        ([A, RETIRED_LATER], False),
        ([A, PENDING], False),
        ([A, B, RETIRED_BEFORE], True),
    ],
)
def test_promises_in_the_handshake(verdicts: Sequence[SctVerdict], satisfied: bool) -> None:
    said = advice(*verdicts, life=398 * DAY, delivery="tls")
    assert said.satisfied is satisfied, said.reasons


def test_every_broken_rule_is_named() -> None:
    assert advice(RETIRED_LATER, life=200 * DAY).reasons == (
        "SCTs of 1 different logs count; a certificate that lives 200 days needs 3 inside of it",
        "the logs that count were run by R; 2 different operators are needed",
        "no SCT is from a log that is qualified, usable or read-only now; one is needed",
    )
