"""Why a certificate is renewed when it is: the steps from its end back to the moment that was planned."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from gateway.pages.times import lasts
from governance.pki.issue import planned
from governance.pki.renewal import critical_lead, lead
from governance.pki.status import Certificate, IssuedCertificate
from governance.pki.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the reckoning and where it leads; `note` says what it rests on."""

    word: str
    at: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A renewal window and when it opens next."""

    window: Window
    opens_at: datetime | None


def reckoning(certificate: Certificate, issue: IssuedCertificate | None) -> list[Step]:
    """From the end of the newest issue to its renewal; empty before the first issue."""
    spec = certificate.spec
    if issue is None:
        return []
    steps = [Step(word=_("It expires"), at=issue.not_after)]
    if spec.renewal == "Disabled":
        return [*steps, Step(word=_("It is never renewed by itself"), at=None, note=_("Its renewal is disabled."))]
    before, _warning = lead(spec, issue.not_before, issue.not_after)
    plain = planned(replace(spec, windows=()), issue.chain_pem)
    earlier = plain.planned_at - plain.at
    steps.append(
        Step(
            word=_("Planned before that by %(span)s") % {"span": lasts(before)},
            at=plain.planned_at,
            note=_lead(certificate),
        )
    )
    steps.append(
        Step(
            word=_("Earlier by %(span)s") % {"span": lasts(earlier)},
            at=plain.at,
            note=_("Drawn once for each certificate, so that those made together are not renewed together."),
        )
    )
    if spec.windows:
        steps.append(_window_step(certificate, issue, plain.at))
    return steps


def _lead(certificate: Certificate) -> str:
    spec = certificate.spec
    if spec.renew_before_s is not None:
        return _("As its spec says.")
    if spec.renew_before_pct is not None:
        return _("%(pct)s %% of its life, as its spec says.") % {"pct": spec.renew_before_pct}
    return _("A third of its life, as the spec says nothing else.")


def _window_step(certificate: Certificate, issue: IssuedCertificate, wanted: datetime) -> Step:
    moved = planned(certificate.spec, issue.chain_pem)
    if moved.warning:
        return Step(
            word=_("No renewal window opens in time"),
            at=moved.at,
            note=_("It is renewed all the same: a window never lets a certificate expire."),
        )
    if moved.at == wanted:
        return Step(word=_("A renewal window is open then"), at=moved.at)
    return Step(word=_("Moved to when a renewal window opens"), at=moved.at)


def openings(certificate: Certificate, at: datetime) -> list[Opening]:
    """Its windows, each with its next opening."""
    return [Opening(window=each, opens_at=next(each.starts(at), None)) for each in certificate.spec.windows]


def turns_critical_at(certificate: Certificate) -> datetime | None:
    """When it becomes critical unless it is renewed before."""
    if certificate.not_before is None or certificate.not_after is None:
        return None
    return certificate.not_after - critical_lead(certificate.not_before, certificate.not_after)


def warning(certificate: Certificate) -> str:
    """What of its spec the plan could not keep."""
    if certificate.plan_warning.startswith("WindowError"):
        return _("No renewal window opens before it becomes critical; it is renewed without one.")
    return certificate.plan_warning and _("The spec asks for its renewal before its whole life; a third of it is used.")
