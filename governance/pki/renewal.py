"""When a certificate is renewed: one function for whoever checks, plans, renews and forecasts; pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from governance.pki.values import CertificateSpec
from governance.pki.windows import within

Urgency = Literal["ok", "due", "overdue", "critical", "expired"]

# From here on it shows red everywhere, and alarms, whatever its own plan says. Of a certificate that lives less than
# nine days the last sixth of its life, or a short-lived one would always be red.
CRITICAL = timedelta(hours=72)
CRITICAL_SHARE = 6
# How much earlier than its plan a renewal may begin, as a share of the time that is left then, so that certificates
# made in one moment are not renewed in one moment.
JITTER_SHARE = 10
# No renewal begins sooner than this after the beginning. A certificate begins two minutes before it is made: one with
# a lead almost as long as its life would be due again when it is made, and be issued without end.
SETTLED = timedelta(minutes=5)
# A renewal that is due is done within minutes; one that is not has failed, whether or not anybody logged an error.
LATE_AFTER = timedelta(minutes=15)
# Pauses after the first, second, ... failure in a row (cert-manager's 1 h * 2^(n-1), at most 32 h).
PAUSES = tuple(timedelta(hours=hours) for hours in (1, 2, 4, 8, 16, 32))
SHORTEST_PAUSE = timedelta(minutes=1)
# The same where only a log did not take it: logs come back sooner than broken requests mend.
LOG_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40, 80, 160, 300))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When a certificate's renewal begins.

    `planned_at` follows the spec alone; `at` is earlier by the jitter, or later by a window or because the certificate
    has only just begun. `warning` says what of the spec could not be kept.
    """

    planned_at: datetime
    at: datetime
    warning: str = ""


def lead(spec: CertificateSpec, not_before: datetime, not_after: datetime) -> tuple[timedelta, str]:
    """How long before its end a certificate's renewal begins, and a warning when that is not what the spec says."""
    life = not_after - not_before
    wanted = None
    if spec.renew_before_s is not None:
        wanted = timedelta(seconds=spec.renew_before_s)
    elif spec.renew_before_pct is not None:
        wanted = life * spec.renew_before_pct / 100
    if wanted is None:
        return life / 3, ""
    if wanted >= life:
        return life / 3, f"renew_before is {wanted} but it lives only {life}; a third of its life is used instead"
    return wanted, ""


def plan(spec: CertificateSpec, not_before: datetime, not_after: datetime, *, fingerprint: bytes) -> Plan:
    """When the certificate with this SHA-256 `fingerprint` is renewed; the same every time it is asked.

    Whole seconds, rounded down, or the stored and the computed time would differ and one of them be missed. A window
    never lets a certificate expire: when none opens in time, the renewal begins without one.
    """
    before, warning = lead(spec, not_before, not_after)
    planned_at = (not_after - before).replace(microsecond=0)
    life = not_after - not_before
    if planned_at < not_before + min(SETTLED, life / 2):
        warning = warning or f"renew_before is {before} of a life of {life}; it is renewed {SETTLED} after its start"
    at = spread(before, not_before, not_after, fingerprint=fingerprint)
    if spec.windows:
        fit = within(spec.windows, at, latest=not_after - critical_lead(not_before, not_after))
        if fit is None:
            warning = warning or "WindowError: no window opens before the certificate becomes critical"
        else:
            at = fit
    return Plan(planned_at=planned_at, at=at, warning=warning)


def spread(before: timedelta, not_before: datetime, not_after: datetime, *, fingerprint: bytes) -> datetime:
    """`before` the end of a certificate, or up to a tenth of that earlier, by its SHA-256 `fingerprint`.

    Not before it has settled, whatever `before` is.
    """
    planned_at = (not_after - before).replace(microsecond=0)
    # At most half of the way back to the beginning, or a certificate with a long lead would be renewed without end.
    most = min(before / JITTER_SHARE, (planned_at - not_before) / 2)
    earliest = not_before + min(SETTLED, (not_after - not_before) / 2)
    return max(planned_at - most * fraction(fingerprint), earliest).replace(microsecond=0)


def fraction(fingerprint: bytes) -> float:
    """A number from 0 to 1 (not included), drawn once for each certificate by its fingerprint."""
    return int.from_bytes(hashlib.sha256(b"renewal" + fingerprint).digest()[:8], "big") / 2**64


def critical_lead(not_before: datetime, not_after: datetime) -> timedelta:
    """How long before its end a certificate becomes critical."""
    return min(CRITICAL, (not_after - not_before) / CRITICAL_SHARE)


def urgency(*, not_before: datetime, not_after: datetime, renew_at: datetime | None, at: datetime) -> Urgency:
    """How pressing a renewal is; without `renew_at` it is never due, but becomes critical all the same."""
    if at >= not_after:
        return "expired"
    if at >= not_after - critical_lead(not_before, not_after):
        return "critical"
    if renew_at is None or at < renew_at:
        return "ok"
    return "overdue" if at >= renew_at + LATE_AFTER else "due"


def next_attempt(failures: int, *, at: datetime, not_after: datetime | None, soon: bool = False) -> datetime:
    """When to try again after the `failures`-th failure in a row; `soon` when only a log was missing.

    Never later than after a quarter of the time that is left, so that a short-lived certificate gets its attempts too.
    """
    pauses = LOG_PAUSES if soon else PAUSES
    pause = pauses[min(failures, len(pauses)) - 1]
    if not_after is not None and not_after > at:
        pause = min(pause, max(SHORTEST_PAUSE, (not_after - at) / 4))
    return at + pause


def alarm_at(failing_since: datetime, not_after: datetime) -> datetime:
    """When a renewal that keeps failing alarms: at half of the time that was left when it first failed."""
    return failing_since + (not_after - failing_since) / 2


def forecast(times: Iterable[datetime], *, since: datetime, days: int = 90) -> list[int]:
    """How many renewals begin on each of the next `days` days, of 24 h from `since`; those overdue count on day 0."""
    counts = [0] * days
    for at in times:
        day = max(0, (at - since) // timedelta(days=1))
        if day < days:
            counts[day] += 1
    return counts
