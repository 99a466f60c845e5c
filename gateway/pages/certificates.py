"""The board of all managed certificates: what is pressing first, filtered and cut into pages here."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages.certificate_words import failed_word, why
from gateway.pages.door import needs, visible
from gateway.pages.issuers import usable_issuers
from gateway.pages.logged import Stands, stands
from gateway.pages.signs import CERTIFICATE, LOGGED
from gateway.pages.times import LifeBar, columns, life_bar
from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.pki.queries import alarms, board
from governance.pki.queries.certificates import by_uid, renewal_times
from governance.pki.renewal import forecast
from governance.pki.standing import QUIET, STATES, Standing, State, standing_of
from governance.pki.status import Certificate, HoldingView
from governance.pki.values import USAGES

PAGE_SIZE = 50
FORECAST_DAYS = 90
PRESSING = "pressing"  # no state, but what several have in common: somebody has to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One certificate on the board; `bar` is None before its first issue."""

    certificate: Certificate
    state: State
    why: str
    failed: str
    bar: LifeBar | None
    logged: Stands
    names: Sequence[str]
    processes: int
    serials: int

    @property
    def more_names(self) -> int:
        """How many names there are beyond those that are shown."""
        return len(all_names(self.certificate)) - len(self.names)


@needs("pki.read")
def certificates(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One page of the board, the forecast, and how many stand how."""
    at = now()
    spaces = visible(request, actor, "pki.read")
    text, state = request.GET.get("q", ""), request.GET.get("state", "")
    named = board.standings(namespaces=spaces, text=text)
    counts = Counter(each.state(at) for each in named)
    found = [each for each in named if _matches(each.state(at), state)]
    logged = request.GET.get("logged", "")
    if logged:
        standing = alarms.standings(namespaces=spaces)
        found = [each for each in found if standing.get(each.uid) == logged]
    sort = request.GET.get("sort", "urgency")
    key = sort.removeprefix("-")
    found.sort(key=_keys(at).get(key, _keys(at)["urgency"]), reverse=sort.startswith("-"))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": _rows([each.uid for each in page.object_list], at),
        "total": len(named),
        "found": len(found),
        "counts": [(name, counts[name]) for name in STATES if counts[name]],
        "q": text,
        "state": state,
        "states": [(name, CERTIFICATE[name].word) for name in STATES],
        "logged": logged,
        "standings": [(name, sign.word) for name, sign in LOGGED.items()],
        "sort": sort,
        **editor(actor),
        **_forecast(spaces, at),
    }
    return render(request, "certificates.html", context)


def editor(actor: Actor) -> dict[str, Any]:
    """What the form of a spec offers."""
    return {
        "issuers": usable_issuers(actor.namespaces("pki.read")),
        "usages": USAGES,
        "trust_domain": settings.GOV.trust_domain,
    }


def all_names(certificate: Certificate) -> list[str]:
    """Whom it is for, what people call it by first."""
    spec = certificate.spec
    found = [*spec.dns_names, *spec.uris, *spec.ip_addresses]
    return found or [spec.common_name]


def bar_of(certificate: Certificate, state: State, at: datetime) -> LifeBar | None:
    """How much of the newest issue's life is left."""
    if certificate.not_before is None or certificate.not_after is None:
        return None
    tone = CERTIFICATE[state].tone
    return life_bar(certificate.not_before, certificate.not_after, at=at, tone=tone, renew_at=certificate.renew_at)


def _matches(state: State, wanted: str) -> bool:
    return wanted in ("", state) or (wanted == PRESSING and state not in QUIET)


def _keys(at: datetime) -> dict[str, Callable[[Standing], Any]]:
    never = at + timedelta(days=100_000)
    return {
        "urgency": lambda each: each.pressing(at),
        "name": lambda each: (each.namespace, each.name),
        "left": lambda each: each.not_after or never,
        "next": lambda each: each.attempt_at or never,
    }


def _rows(uids: Sequence[str], at: datetime) -> list[Row]:
    known = {each.uid: each for each in by_uid(uids)}
    found = [known[uid] for uid in uids if uid in known]
    held: dict[str, list[HoldingView]] = {}
    for each in board.held([f"{one.namespace}/{one.spec.secret_name}" for one in found]):
        held.setdefault(each.secret, []).append(each)
    logged = stands(found)
    return [
        _row(one, held.get(f"{one.namespace}/{one.spec.secret_name}", []), logged=logged[one.uid], at=at)
        for one in found
    ]


def _row(certificate: Certificate, held: Sequence[HoldingView], *, logged: Stands, at: datetime) -> Row:
    state = standing_of(certificate).state(at)
    return Row(
        certificate=certificate,
        state=state,
        why=why(certificate, state, at),
        failed=failed_word(certificate.failures) if certificate.failures else "",
        bar=bar_of(certificate, state, at),
        logged=logged,
        names=all_names(certificate)[:2],
        processes=len({(each.consumer, each.process) for each in held}),
        serials=len({each.serial for each in held if each.serial}),
    )


def _forecast(spaces: frozenset[str], at: datetime) -> dict[str, Any]:
    times = renewal_times(namespaces=spaces, until=at + timedelta(days=FORECAST_DAYS))
    counts = forecast(times, since=at, days=FORECAST_DAYS)
    busiest = max(range(FORECAST_DAYS), key=lambda day: counts[day])
    return {
        "columns": columns(counts, since=at),
        "planned": sum(counts),
        "soon": counts[0],
        "peak": counts[busiest],
        "peak_at": at + timedelta(days=busiest),
        "forecast_days": FORECAST_DAYS,
    }
