"""When certificates are renewed: by the spec, spread out, in windows, again after failures, and never without end."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.pki.authority import BACKDATE
from governance.pki.renewal import (
    CRITICAL,
    LATE_AFTER,
    PAUSES,
    SETTLED,
    SHORTEST_PAUSE,
    alarm_at,
    critical_lead,
    forecast,
    fraction,
    lead,
    next_attempt,
    plan,
    urgency,
)
from governance.pki.values import MAX_DURATION_S, MIN_DURATION_S, MIN_RENEW_BEFORE_S, CertificateSpec
from governance.pki.windows import Window
from tests.pki.conftest import DAY, HOUR, spec_of

T = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
URGENCIES = ("ok", "due", "overdue", "critical", "expired")
WINDOWS = (
    Window(cron="0 2 * * *", duration_s=3600, timezone="Europe/Berlin"),
    Window(cron="30 22 * * 6", duration_s=4 * 3600, timezone="America/New_York"),
    Window(cron="0 0 1 * *", duration_s=86_400),
    Window(cron="0 2 30 2 *", duration_s=3600),  # February 30: never
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)
fingerprints = st.binary(min_size=32, max_size=32)


@st.composite
def specs(draw: st.DrawFn, windows: bool = False) -> CertificateSpec:
    """Every spec that is not refused, as far as renewing is concerned."""
    duration_s = draw(st.integers(MIN_DURATION_S, MAX_DURATION_S))
    values: dict[str, Any] = {"duration_s": duration_s}
    kind = draw(st.sampled_from(["default", "seconds", "per cent"]))
    if kind == "seconds":
        values["renew_before_s"] = draw(st.integers(MIN_RENEW_BEFORE_S, duration_s - 1))
    elif kind == "per cent":
        least = -(-MIN_RENEW_BEFORE_S * 100 // duration_s)
        values["renew_before_pct"] = draw(st.integers(least, 99))
    if windows:
        values["windows"] = tuple(draw(st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=3, unique=True)))
    return spec_of(**values)


def issued_at(spec: CertificateSpec, at: datetime) -> tuple[datetime, datetime]:
    """From when to when a certificate made at that time is valid."""
    return at - BACKDATE, at + spec.duration


@given(spec=specs(), at=moments, fingerprint=fingerprints)
def test_a_renewal_begins_in_the_life_and_at_most_a_tenth_of_its_lead_early(
    spec: CertificateSpec, at: datetime, fingerprint: bytes
) -> None:
    begin, end = issued_at(spec, at)
    before, warning = lead(spec, begin, end)
    found = plan(spec, begin, end, fingerprint=fingerprint)
    assert begin < at < found.at < end
    assert found.at.microsecond == found.planned_at.microsecond == 0
    assert found == plan(spec, begin, end, fingerprint=fingerprint), "drawn once, not each time it is asked for"
    if not found.warning:
        assert end - before - before / 10 - 2 * SECOND < found.at <= max(found.planned_at, begin + SETTLED)
    assert found.at - begin >= (found.planned_at - begin) / 2 - SECOND, "never before half of the way"
    assert not warning


@given(spec=specs(), at=moments, fingerprint=fingerprints, next_fingerprint=fingerprints)
def test_what_is_renewed_when_it_is_due_is_due_later_the_next_time(
    spec: CertificateSpec, at: datetime, fingerprint: bytes, next_fingerprint: bytes
) -> None:
    due = plan(spec, *issued_at(spec, at), fingerprint=fingerprint).at
    again = plan(spec, *issued_at(spec, due), fingerprint=next_fingerprint).at
    assert again >= due + timedelta(minutes=2)


@pytest.mark.parametrize("values", [{"renew_before_s": 3599}, {"renew_before_pct": 99}, {"renew_before_s": 3400}])
def test_a_lead_of_almost_the_whole_life_is_said_to_be_too_long(values: dict[str, Any]) -> None:
    spec = spec_of(duration_s=3600, **values)
    found = plan(spec, *issued_at(spec, T), fingerprint=b"")
    assert found.at > T + timedelta(minutes=1)
    assert bool(found.warning) == (values != {"renew_before_s": 3400})


def test_ten_thousand_certificates_made_in_one_moment_are_renewed_evenly_over_a_tenth_of_the_lead() -> None:
    spec = spec_of(duration_s=90 * 86_400)
    begin, end = issued_at(spec, T)
    before, _ = lead(spec, begin, end)
    times = [plan(spec, begin, end, fingerprint=n.to_bytes(32, "big")).at for n in range(10_000)]
    earliest = end - before - before / 10
    slots = [0] * 100
    for at in times:
        slots[int((at - earliest) / (before / 10) * 100 - 1e-9)] += 1
    assert max(slots) < 150, "a slot of 100 holds 100, give or take five times the square root"
    assert min(slots) > 50


def test_the_jitter_of_one_certificate_says_nothing_of_another() -> None:
    drawn = [fraction(n.to_bytes(32, "big")) for n in range(10_000)]
    assert abs(sum(drawn) / len(drawn) - 0.5) < 0.02
    rising = sum(first < second for first, second in pairwise(drawn))
    assert abs(rising / len(drawn) - 0.5) < 0.02
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    ("values", "life", "expected"),
    [
        ({}, 90 * DAY, 30 * DAY),
        ({"renew_before_s": 240 * 3600}, 720 * HOUR, 240 * HOUR),
        ({"renew_before_pct": 25}, 720 * HOUR, 180 * HOUR),
        ({"renew_before_pct": 25}, 100 * HOUR, 25 * HOUR),
        ({"renew_before_pct": 1}, 825 * DAY, 825 * DAY / 100),
    ],
)
def test_the_lead_follows_the_spec_and_the_actual_life(
    values: dict[str, Any], life: timedelta, expected: timedelta
) -> None:
    spec = spec_of(duration_s=825 * 86_400 if values.get("renew_before_pct") == 1 else 720 * 3600, **values)
    assert lead(spec, T, T + life) == (expected, "")


@pytest.mark.parametrize("life", [HOUR, 10 * HOUR])
def test_a_lead_longer_than_the_actual_life_falls_back_to_a_third_of_it(life: timedelta) -> None:
    spec = spec_of(duration_s=90 * 86_400, renew_before_s=10 * 3600)
    found = plan(spec, T, T + life, fingerprint=b"")
    assert found.planned_at == T + life - life / 3
    assert "a third of its life is used instead" in found.warning
    assert not plan(spec, T, T + life + HOUR * 10, fingerprint=b"").warning


@given(spec=specs(windows=True), at=moments, fingerprint=fingerprints)
def test_a_renewal_with_windows_begins_in_one_or_says_that_none_fits_and_never_lets_it_expire(
    spec: CertificateSpec, at: datetime, fingerprint: bytes
) -> None:
    begin, end = issued_at(spec, at)
    plain = plan(spec_of(**{**_timing(spec), "windows": ()}), begin, end, fingerprint=fingerprint)
    found = plan(spec, begin, end, fingerprint=fingerprint)
    assert plain.at <= found.at < end
    if "WindowError" in found.warning:
        assert found.at == plain.at
    elif not found.warning:
        assert found.at < end - critical_lead(begin, end)
        assert any(_open(window, found.at) for window in spec.windows)


def _timing(spec: CertificateSpec) -> dict[str, Any]:
    return {
        "duration_s": spec.duration_s,
        "renew_before_s": spec.renew_before_s,
        "renew_before_pct": spec.renew_before_pct,
    }


def _open(window: Window, at: datetime) -> bool:
    length = timedelta(seconds=window.duration_s)
    first = next(window.starts(at - length + SECOND), None)
    return first is not None and first <= at < first + length


def test_a_window_that_never_opens_does_not_hold_up_the_renewal() -> None:
    spec = spec_of(windows=(Window(cron="0 2 30 2 *", duration_s=3600),))
    found = plan(spec, *issued_at(spec, T), fingerprint=b"")
    assert found.warning == "WindowError: no window opens before the certificate becomes critical"
    assert found.at <= found.planned_at


def test_pauses_double_from_an_hour_to_thirty_two() -> None:
    hours = [(next_attempt(n, at=T, not_after=T + 900 * DAY) - T) / HOUR for n in range(1, 10)]
    assert hours == [1, 2, 4, 8, 16, 32, 32, 32, 32]
    assert [(next_attempt(n, at=T, not_after=None) - T) / HOUR for n in (1, 6, 99)] == [1, 32, 32]


@given(failures=st.integers(1, 50), left=st.timedeltas(SECOND, 900 * DAY))
def test_a_pause_is_at_most_a_quarter_of_what_is_left(failures: int, left: timedelta) -> None:
    pause = next_attempt(failures, at=T, not_after=T + left) - T
    assert SHORTEST_PAUSE <= pause <= PAUSES[-1]
    assert pause <= max(SHORTEST_PAUSE, left / 4)


def test_a_short_lived_certificate_gets_many_attempts_before_it_expires() -> None:
    at, end, attempts = T, T + HOUR / 3, 0
    while (at := next_attempt(attempts + 1, at=at, not_after=end)) < end:
        attempts += 1
    assert attempts >= 8


def test_what_expired_already_is_tried_again_by_the_table() -> None:
    assert next_attempt(1, at=T, not_after=T - DAY) == T + HOUR


@given(left=st.timedeltas(SECOND, 300 * DAY))
def test_the_alarm_comes_at_half_of_what_was_left(left: timedelta) -> None:
    assert alarm_at(T, T + left) == T + left / 2


@pytest.mark.parametrize(
    ("life", "expected"), [(90 * DAY, CRITICAL), (18 * DAY, CRITICAL), (9 * DAY, 36 * HOUR), (DAY, 4 * HOUR)]
)
def test_a_certificate_is_critical_for_72_hours_or_a_sixth_of_a_short_life(
    life: timedelta, expected: timedelta
) -> None:
    assert critical_lead(T, T + life) == expected
    at = T + life - expected
    assert urgency(not_before=T, not_after=T + life, renew_at=None, at=at - SECOND) == "ok"
    assert urgency(not_before=T, not_after=T + life, renew_at=None, at=at) == "critical"


@given(spec=specs(), fingerprint=fingerprints, waits=st.lists(st.timedeltas(timedelta(), 30 * DAY), max_size=20))
def test_urgency_only_grows_while_nothing_is_done(
    spec: CertificateSpec, fingerprint: bytes, waits: list[timedelta]
) -> None:
    begin, end = issued_at(spec, T)
    due = plan(spec, begin, end, fingerprint=fingerprint).at
    at, told = T, []
    for wait in [*waits, end - T]:
        at += wait
        told.append(URGENCIES.index(urgency(not_before=begin, not_after=end, renew_at=due, at=at)))
    assert told == sorted(told)
    assert URGENCIES[told[-1]] == "expired"


def test_a_renewal_is_overdue_a_quarter_of_an_hour_after_it_was_due() -> None:
    def told(after: timedelta) -> str:
        return urgency(not_before=T, not_after=T + 90 * DAY, renew_at=T + 60 * DAY, at=T + 60 * DAY + after)

    assert [told(-SECOND), told(timedelta()), told(LATE_AFTER)] == ["ok", "due", "overdue"]


@given(st.lists(st.timedeltas(-30 * DAY, 200 * DAY)), st.integers(1, 120))
def test_a_forecast_counts_every_renewal_of_its_days_once(offsets: list[timedelta], days: int) -> None:
    counts = forecast([T + offset for offset in offsets], since=T, days=days)
    assert len(counts) == days
    assert sum(counts) == sum(offset < days * DAY for offset in offsets)
    assert counts[0] == sum(offset < DAY for offset in offsets), "what is overdue is done at once"
