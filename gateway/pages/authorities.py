"""Who signs here: authorities, issuers, and the replacement of a root step by step."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages.door import needs
from gateway.pages.issuers import usable_issuers
from gateway.pages.times import LifeBar, life_bar
from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.pki.ct.standing import Mode
from governance.pki.names import workload_of
from governance.pki.queries import authorities as signers
from governance.pki.queries import logs
from governance.pki.queries import rotation as rotations
from governance.pki.status import CertificateAuthority, IssuerView, Phase, RotationView

PHASES: tuple[Phase, ...] = ("prepared", "distributing", "activated", "reissuing", "retired")
Stands = Literal["done", "here", "next", "later"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An authority below the one that signed it; `state` is a key of AUTHORITY."""

    of: CertificateAuthority
    depth: int
    state: str
    bar: LifeBar
    signs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a rotation, and whether it was taken."""

    phase: Phase
    stands: Stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An issuer with its authorities and the rotation of its root, under way or not."""

    issuer: IssuerView
    rows: Sequence[Row]
    rotation: RotationView | None
    steps: Sequence[Step]
    missing: Sequence[str]
    hidden: int
    can_rotate: bool
    mode: Mode


@needs("pki.read")
def authorities(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every issuer with what stands behind it."""
    held = actor.namespaces("pki.read")
    everyone = signers.authorities()
    at = now()
    issuers = usable_issuers(held)
    names = {each.id: each.common_name for each in everyone}
    ended = [each for each in rotations.rotations() if each.ended_at]
    shown = {each.name for each in issuers}
    context = {
        "parts": [_part(issuer, everyone, held, at) for issuer in issuers],
        "everywhere": EVERYWHERE in held,
        "names": names,
        "ended": [each for each in ended if each.issuer in shown],
        "pki_url": settings.GOV.public_pki_url.rstrip("/"),
    }
    return render(request, "authorities.html", context)


def _part(issuer: IssuerView, everyone: Sequence[CertificateAuthority], held: Collection[str], at: datetime) -> Part:
    own = [each for each in everyone if each.issuer == issuer.name]
    rotation = rotations.open_rotation(issuer.name)
    missing = rotation.gate.missing if rotation else ()
    known = [each for each in missing if _may_know(each, held)]
    signer = next((each for each in own if each.id == issuer.signer), None)
    root = next((each for each in own if signer and each.id == (signer.parent or signer.id)), None)
    return Part(
        issuer=issuer,
        rows=[_row(each, depth, issuer, at) for each, depth in _tree(own)],
        rotation=rotation,
        steps=_steps(rotation),
        missing=known,
        hidden=len(missing) - len(known),
        can_rotate=bool(root and root.has_key),
        mode=logs.mode_of(issuer.name),
    )


def _tree(own: Sequence[CertificateAuthority]) -> list[tuple[CertificateAuthority, int]]:
    """Every authority after the one above it, the newest root first, those that are retired last."""
    known = {each.id for each in own}
    tops = [each for each in own if each.parent not in known]
    tops.sort(key=lambda each: (each.state == "retired", -each.not_before.timestamp()))

    def below(above: CertificateAuthority, depth: int) -> list[tuple[CertificateAuthority, int]]:
        found = [(above, depth)]
        for each in own:
            if each.parent == above.id:
                found += below(each, depth + 1)
        return found

    return [row for top in tops for row in below(top, 0)]


def _row(authority: CertificateAuthority, depth: int, issuer: IssuerView, at: datetime) -> Row:
    expired = at >= authority.not_after and authority.state != "retired"
    tone = "bad" if expired else "calm" if authority.state == "retired" else "good"
    return Row(
        of=authority,
        depth=depth,
        state="expired" if expired else authority.state,
        bar=life_bar(authority.not_before, authority.not_after, at=at, tone=tone),
        signs=authority.id == issuer.signer,
    )


def _steps(rotation: RotationView | None) -> list[Step]:
    if rotation is None or rotation.phase not in PHASES:
        return [Step(phase=phase, stands="next" if phase == "prepared" else "later") for phase in PHASES]
    here = PHASES.index(rotation.phase)
    after: Sequence[Stands] = ("here", "next")
    return [
        Step(phase=phase, stands="done" if place < 0 else after[place] if place < len(after) else "later")
        for place, phase in enumerate(PHASES, -here)
    ]


def _may_know(missing: str, held: Collection[str]) -> bool:
    """Whether a reader of the namespaces `held` may be told who is missing: a SPIFFE ID, or namespace/name."""
    if EVERYWHERE in held:
        return True
    first = missing.split(" ", 1)[0]
    workload = workload_of(first, settings.GOV.trust_domain)
    return (workload[0] if workload else first.split("/", 1)[0]) in held
