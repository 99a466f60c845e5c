"""Spans in words, places on an axis, and the columns of a forecast."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.pages.times import Axis, columns, lasts, life_bar

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7_776_000, "90 days"),
        (86_400, "1 day"),
        (129_600, "1 day 12 h"),
        (2700, "45 min"),
        (86_401, "1 day"),
        (61, "1 min 1 s"),
        (0, "0 s"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert lasts(seconds) == lasts(timedelta(seconds=seconds)) == words


def test_what_lies_outside_of_an_axis_stands_at_its_end() -> None:
    axis = Axis(AT, AT + 4 * DAY)
    assert axis.x(AT + DAY) == "25.00%"
    assert axis.x(AT - DAY) == "0.00%"
    assert axis.x(AT + 9 * DAY) == "100.00%"
    assert axis.width(AT + DAY, AT + 2 * DAY) == "25.00%"


def test_a_bar_shows_what_is_left_and_where_the_renewal_begins() -> None:
    bar = life_bar(AT - 3 * DAY, AT + DAY, at=AT, tone="good", renew_at=AT - DAY)
    assert (bar.x, bar.left, bar.mark) == ("75.00%", "25.00%", "50.00%")
    over = life_bar(AT - 3 * DAY, AT - DAY, at=AT, tone="bad")
    assert (over.left, over.mark) == ("0.00%", None)


def test_a_day_with_one_renewal_is_seen_beside_a_day_with_thousands() -> None:
    drawn = columns([0, 1, 4000], since=AT)
    assert [column.height for column in drawn] == ["0.0", "4.0", "100.0"]
    assert [column.at for column in drawn] == [AT, AT + DAY, AT + 2 * DAY]
