"""When a certificate may be renewed: windows that open by a cron expression; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from celery.schedules import ParseException, crontab, crontab_parser

from governance.kernel.errors import Invalid

MIN_WINDOW_S, MAX_WINDOW_S = 60, 7 * 86_400
LOOK_AHEAD_DAYS = 400  # a yearly window is found, February 29 not in every year


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Opens by the five fields of `cron` in `timezone`, and stays open for `duration_s`."""

    cron: str
    duration_s: int
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        _fields(self.cron)
        if not MIN_WINDOW_S <= self.duration_s <= MAX_WINDOW_S:
            raise Invalid(
                f"is {self.duration_s} s; a window is open {MIN_WINDOW_S} to {MAX_WINDOW_S} s", field="windows"
            )
        _zone(self.timezone)

    def starts(self, since: datetime) -> Iterator[datetime]:
        """When it opens, from the first opening at or after `since` on; ends after 400 days."""
        zone = _zone(self.timezone)
        minutes, hours, days, months, weekdays = _fields(self.cron)
        any_day, any_weekday = len(days) == 31, len(weekdays) == 7
        first = since.astimezone(zone).date()
        for offset in range(LOOK_AHEAD_DAYS):
            day = first + timedelta(days=offset)
            weekday = day.isoweekday() % 7
            # As in cron: where both fields name days, either may match.
            fits = (
                (day.day in days and weekday in weekdays)
                if any_day or any_weekday
                else (day.day in days or weekday in weekdays)
            )
            if day.month not in months or not fits:
                continue
            for hour in hours:
                for minute in minutes:
                    start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(since.tzinfo)
                    if start >= since:
                        yield start

    def as_json(self) -> dict[str, Any]:
        """As kept in a spec."""
        return {"cron": self.cron, "duration_s": self.duration_s, "timezone": self.timezone}


def within(windows: tuple[Window, ...], wanted: datetime, *, latest: datetime) -> datetime | None:
    """The first moment from `wanted` on at which a window is open, if that is before `latest`."""
    found: list[datetime] = []
    for window in windows:
        open_for = timedelta(seconds=window.duration_s)
        for start in window.starts(wanted - open_for):
            if start + open_for > wanted:
                found.append(max(start, wanted))
                break
    first = min(found, default=None)
    return first if first is not None and first < latest else None


@lru_cache(maxsize=1024)
def _fields(cron: str) -> tuple[tuple[int, ...], ...]:
    parts = cron.split()
    if len(cron) > 100 or len(parts) != 5:
        raise Invalid(f"{cron[:100]!r} is not a cron expression of five fields, such as '0 2 * * 6'", field="windows")
    kinds = ((60, 0), (24, 0), (31, 1), (12, 1))
    try:
        sets = [crontab_parser(top, low).parse(part) for (top, low), part in zip(kinds, parts[:4], strict=True)]
        sets.append(crontab(day_of_week=parts[4]).day_of_week)
    except (ParseException, ValueError) as error:
        raise Invalid(f"{cron!r} is not a cron expression: {error}", field="windows") from None
    return tuple(tuple(sorted(values)) for values in sets)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"{name[:60]!r} is not a time zone such as Europe/Berlin", field="windows") from None
