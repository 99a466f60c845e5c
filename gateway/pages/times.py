"""Times and spans in words, and where they stand on an axis; the script of the pages says the same in the browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_UNITS = (86_400, 3600, 60, 1)


def lasts(span: int | timedelta) -> str:
    """How long something lasts, in its two largest units: "90 days", "1 day 12 h", "45 min"."""
    seconds = int(span.total_seconds()) if isinstance(span, timedelta) else span
    parts: list[str] = []
    for unit in _UNITS:
        count, seconds = divmod(seconds, unit)
        if count and len(parts) < 2:
            parts.append(_counted(count, unit))
        elif parts:
            break
    return " ".join(parts) or _("%(n)s s") % {"n": 0}


def _counted(count: int, unit: int) -> str:
    if unit == 86_400:
        return ngettext("%(n)s day", "%(n)s days", count) % {"n": count}
    if unit == 3600:
        return _("%(n)s h") % {"n": count}
    return (_("%(n)s min") if unit == 60 else _("%(n)s s")) % {"n": count}


def ahead(seconds: int) -> str:
    """A span until something, in the one unit that fits."""
    if seconds < 5:
        return _("just now")
    if seconds < 60:
        return _("in %(n)s s") % {"n": seconds}
    if seconds < 3600:
        return _("in %(n)s min") % {"n": seconds // 60}
    if seconds < 2 * 86_400:
        return _("in %(n)s h") % {"n": seconds // 3600}
    return _("in %(n)s days") % {"n": seconds // 86_400}


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time from left to right, places on it in per cent."""

    since: datetime
    until: datetime

    def place(self, at: datetime) -> float:
        """Where `at` stands; at an end when it lies outside."""
        whole = (self.until - self.since).total_seconds()
        share = (at - self.since).total_seconds() / whole if whole > 0 else 0.0
        return 100 * min(1.0, max(0.0, share))

    def x(self, at: datetime) -> str:
        """Where `at` stands, as an attribute."""
        return f"{self.place(at):.2f}%"

    def width(self, since: datetime, until: datetime) -> str:
        """How wide the stretch between the two is, as an attribute."""
        return f"{max(0.0, self.place(until) - self.place(since)):.2f}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeBar:
    """A life from left to right: what is left of it, and where its renewal begins (None: it does not)."""

    tone: str
    x: str
    left: str
    mark: str | None


def life_bar(
    not_before: datetime, not_after: datetime, *, at: datetime, tone: str, renew_at: datetime | None = None
) -> LifeBar:
    """The bar of one life as it stands at `at`."""
    axis = Axis(not_before, not_after)
    mark = axis.x(renew_at) if renew_at else None
    return LifeBar(tone=tone, x=axis.x(at), left=axis.width(at, not_after), mark=mark)


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of a histogram, in a box 100 high."""

    x: int
    y: str
    height: str
    count: int
    at: datetime


def columns(counts: Sequence[int], *, since: datetime) -> list[Column]:
    """The days of a forecast; a day with one is seen beside a day with thousands."""
    peak = max(counts, default=0) or 1
    tall = [max(4.0, 100 * count / peak) if count else 0.0 for count in counts]
    return [
        Column(day, f"{100 - height:.1f}", f"{height:.1f}", count, since + timedelta(days=day))
        for day, (count, height) in enumerate(zip(counts, tall, strict=True))
    ]
