"""Windows open by cron expressions in time zones, also on the days on which clocks are changed."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import Invalid
from governance.pki.windows import Window, within
from tests.pki.conftest import DAY, HOUR

MINUTE = timedelta(minutes=1)
FAR = datetime(2040, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def openings(cron: str, since: str, count: int = 3, timezone: str = "UTC") -> list[str]:
    found = islice(Window(cron=cron, duration_s=3600, timezone=timezone).starts(utc(since)), count)
    return [at.strftime("%Y-%m-%d %H:%M") for at in found]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 2 * * *", ["2026-06-02 02:00", "2026-06-03 02:00"]),
        ("30 14 * * *", ["2026-06-01 14:30", "2026-06-02 14:30"]),
        ("0 2 * * 6", ["2026-06-06 02:00", "2026-06-13 02:00"]),
        ("0 2 * * 0", ["2026-06-07 02:00", "2026-06-14 02:00"]),
        ("0 2 * * sat,sun", ["2026-06-06 02:00", "2026-06-07 02:00"]),
        ("*/20 12 * * *", ["2026-06-01 12:00", "2026-06-01 12:20"]),
        ("0 0 1 * *", ["2026-07-01 00:00", "2026-08-01 00:00"]),
        ("0 0 1 jan *", ["2027-01-01 00:00"]),
        ("0 0 13 * 5", ["2026-06-05 00:00", "2026-06-12 00:00"]),  # either, where both name days
        ("0 0 30 2 *", []),
    ],
)
def test_a_window_opens_as_cron_says(cron: str, expected: list[str]) -> None:
    assert openings(cron, "2026-06-01 12:00", 2) == expected


def test_both_days_of_a_month_and_of_a_week_open_it() -> None:
    assert openings("0 0 13 * 5", "2026-06-12 01:00", 2) == ["2026-06-13 00:00", "2026-06-19 00:00"]


def test_a_leap_day_is_found_a_year_ahead() -> None:
    assert openings("0 0 29 2 *", "2027-03-01 00:00") == ["2028-02-29 00:00"]


@pytest.mark.parametrize(
    ("timezone", "expected"),
    [
        ("UTC", "2026-06-01 02:00"),
        ("Europe/Berlin", "2026-06-01 00:00"),
        ("Asia/Kolkata", "2026-06-01 20:30"),
        ("America/New_York", "2026-06-01 06:00"),
        ("Pacific/Auckland", "2026-06-01 14:00"),
    ],
)
def test_the_time_is_that_of_its_zone(timezone: str, expected: str) -> None:
    assert openings("0 2 * * *", "2026-06-01 00:00", 1, timezone) == [expected]


def test_an_hour_that_is_left_out_in_spring_opens_once_and_an_hour_later() -> None:
    found = openings("30 2 * * *", "2027-03-27 00:00", 3, "Europe/Berlin")
    assert found == ["2027-03-27 01:30", "2027-03-28 01:30", "2027-03-29 00:30"]


def test_an_hour_that_comes_twice_in_autumn_opens_once() -> None:
    found = openings("30 2 * * *", "2026-10-24 00:00", 3, "Europe/Berlin")
    assert found == ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns"])
def test_a_daily_window_opens_every_day_of_a_year_whatever_the_clocks_do(zone: str) -> None:
    window = Window(cron="15 2 * * *", duration_s=3600, timezone=zone)
    found = list(islice(window.starts(utc("2026-01-01 00:00")), 365))
    assert len(found) == 365
    assert all(timedelta(hours=22) < later - earlier < timedelta(hours=26) for earlier, later in pairwise(found))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("2026-06-06 01:00", "2026-06-06 22:00"),  # before it opens
        ("2026-06-06 22:00", "2026-06-06 22:00"),  # when it opens
        ("2026-06-07 01:30", "2026-06-07 01:30"),  # while it is open, on the next day
        ("2026-06-07 02:00", "2026-06-13 22:00"),  # when it closes
    ],
)
def test_a_renewal_waits_for_the_window_or_goes_through_the_open_one(wanted: str, expected: str) -> None:
    saturdays = Window(cron="0 22 * * 6", duration_s=4 * 3600)
    assert within((saturdays,), utc(wanted), latest=FAR) == utc(expected)


def test_of_several_windows_the_first_to_open_counts() -> None:
    monday, friday = Window(cron="0 2 * * 1", duration_s=3600), Window(cron="0 2 * * 5", duration_s=3600)
    assert within((monday, friday), utc("2026-06-03 00:00"), latest=FAR) == utc("2026-06-05 02:00")
    assert within((friday, monday), utc("2026-06-06 00:00"), latest=FAR) == utc("2026-06-08 02:00")


def test_a_window_that_opens_too_late_does_not_count() -> None:
    monthly = Window(cron="0 2 1 * *", duration_s=3600)
    assert within((monthly,), utc("2026-06-03 00:00"), latest=utc("2026-07-01 02:00")) is None
    assert within((monthly,), utc("2026-06-03 00:00"), latest=utc("2026-07-01 02:01")) == utc("2026-07-01 02:00")
    assert within((), utc("2026-06-03 00:00"), latest=FAR) is None


@given(
    wanted=st.datetimes(datetime(2025, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    length=st.integers(60, 6 * 3600),
)
def test_what_a_window_gives_lies_in_it_within_a_day(
    wanted: datetime, zone: str, hour: int, minute: int, length: int
) -> None:
    window = Window(cron=f"{minute} {hour} * * *", duration_s=length, timezone=zone)
    found = within((window,), wanted, latest=FAR)
    assert found is not None
    assert wanted <= found <= wanted + DAY + HOUR
    open_for = timedelta(seconds=length)
    starts = list(islice(window.starts(found - DAY - HOUR), 3))
    assert any(start <= found < start + open_for for start in starts)


@pytest.mark.parametrize(
    "values",
    [
        {"cron": "x"},
        {"cron": "@daily"},
        {"cron": "0 2 * *"},
        {"cron": "60 2 * * *"},
        {"cron": "0 24 * * *"},
        {"cron": "0 2 0 * *"},
        {"cron": "0 2 * 13 *"},
        {"cron": "0 2 * * 8"},
        {"cron": "-1 2 * * *"},
        {"cron": "*/0 2 * * *"},
        {"cron": "0 2 * * " + "1," * 60 + "1"},
        {"duration_s": 59},
        {"duration_s": 7 * 86_400 + 1},
        {"timezone": "Mars/Olympus"},
        {"timezone": ""},
        {"timezone": "../../etc/passwd"},
    ],
)
def test_nonsense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refusal:
        Window(**({"cron": "0 2 * * *", "duration_s": 3600} | values))  # type: ignore[arg-type]
    assert refusal.value.field == "windows"
