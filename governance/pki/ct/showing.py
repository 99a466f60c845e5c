"""What each port shows, held against what was issued."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import stamp
from governance.pki.ct.traces import VIEW_S, shows, traces
from governance.pki.ct.tracing import Trace
from governance.pki.holders import namespace_of
from governance.pki.queries import served as queries
from governance.pki.queries.served import InForce, Issue, ServedView

Verdict = Literal["newest", "old", "revoked", "not_issued", "by_our_key", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A port with what is to be said of it. `since` is when it became so.

    `holder` has the certificate that it shows; it is empty when nobody here does, and when those who may see the port
    may not see that. Then the verdict is one for `namespace` "*", unless there is nothing to be said.
    """

    port: ServedView
    namespace: str
    verdict: Verdict
    sentence: str
    holder: str = ""
    since: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def silent(self) -> bool:
        """Whether it did not answer when it was asked last: what is said of it is what it was like before."""
        return bool(self.port.error)

    @property
    def wrong(self) -> bool:
        """Whether it shows something that it should not."""
        return self.verdict not in ("newest", "never")


def judged(ports: Sequence[ServedView], in_force: Iterable[InForce], *, limit_s: float = VIEW_S) -> list[Judged]:
    """Each of the ports, judged by what they showed last; `in_force` are the issues that are to be shown.

    For no longer than `limit_s` it is found out who signed what was not issued here; the rest is not issued all the
    same, and by whom is known another time.
    """
    known = queries.issues({each.serial for each in ports if each.serial})
    strange = [each for each in ports if each.fingerprint and _issue(each, known) is None]
    found = traces(strange, limit_s=limit_s)
    newest = {f"certificate/{each.namespace}/{each.name}": each for each in in_force}
    return [_judged(each, known, found.get(shows(each)), newest) for each in ports]


def showing_anothers(ports: Sequence[ServedView]) -> set[ServedView]:
    """Those of the ports that show what was issued for another namespace than theirs."""
    known = queries.issues({each.serial for each in ports if each.serial})
    issues = [(each, issue) for each in ports if (issue := _issue(each, known)) is not None]
    return {each for each, issue in issues if namespace_of(issue.holder) != each.namespace}


def _issue(port: ServedView, known: Mapping[str, Issue]) -> Issue | None:
    """The issue that a port shows. Not by the serial number alone: whoever forges a certificate chooses that."""
    found = known.get(port.serial)
    return found if found is not None and found.fingerprint == port.fingerprint else None


def _judged(
    port: ServedView, known: Mapping[str, Issue], traced: Trace | None, newest: Mapping[str, InForce]
) -> Judged:
    if not port.fingerprint:
        sentence = f"it has shown no certificate so far: {port.error or 'it was not asked'}"
        return Judged(port=port, namespace=port.namespace, verdict="never", sentence=sentence)
    issue = _issue(port, known)
    if issue is not None:
        return _issued(port, issue, newest.get(issue.holder))
    found = traced or Trace(by="untraced")
    ours = found.by in ("authority", "our_key")
    return Judged(
        port=port,
        namespace=port.namespace,
        verdict="by_our_key" if ours else "not_issued",
        sentence=_traced(found) + _borrowed(port, known) + _silence(port),
        since=port.since,
        detail={
            "address": port.address,
            "server_name": port.server_name,
            "serial": port.serial,
            "fingerprint": port.fingerprint,
            "since": stamp(port.since) if port.since else "",
            "by_our_key": ours,
            "not_after": stamp(found.not_after) if found.not_after else "",
        },
    )


_BY = {
    "unreadable": "it shows a certificate that cannot be read",
    "untraced": "it shows a certificate that was not issued here; by whom is not found out yet",
}


def _traced(found: Trace) -> str:
    """In words that leave no doubt how bad it is."""
    through = f" through {found.through}, an authority that was not made here" if found.through else ""
    match found.by:
        case "our_key":
            return (
                f"it shows a certificate that was signed by our key behind our back: the key of {found.name} signed it"
                f"{through}, and it is not among the certificates that were issued here. Whoever made it has that key, "
                "or had the use of it"
            )
        case "authority":
            return f"it shows the certificate of the authority {found.name} itself: whoever runs it has that key"
        case "key_elsewhere":
            return f"it shows a certificate that {found.name}, whose key is not kept here, signed{through}"
        case "itself":
            return f"it shows a certificate that signed itself: {found.name}"
        case "stranger":
            return f"it shows a certificate that was not issued here, but by {found.name}"
        case _:
            return _BY[found.by]


def _borrowed(port: ServedView, known: Mapping[str, Issue]) -> str:
    if port.serial not in known:
        return ""
    holder = known[port.serial].holder
    whose = _named(holder) if namespace_of(holder) == port.namespace else "another certificate"
    return f"; it bears the serial number of {whose}"


def _issued(port: ServedView, issue: Issue, newest: InForce | None) -> Judged:
    """Of what was issued here it only matters whether it is what is to be shown today."""
    owner = namespace_of(issue.holder)
    seen = port.namespace if owner == port.namespace else EVERYWHERE
    verdict, sentence, since = _age(issue, newest)
    if seen == EVERYWHERE and verdict == "newest":
        seen, sentence, holder = port.namespace, "it shows a certificate of another namespace", ""
    else:
        holder = issue.holder
    return Judged(
        port=port,
        namespace=seen,
        verdict=verdict,
        sentence=sentence + _silence(port),
        holder=holder,
        since=max(filter(None, (since, port.since)), default=None),
        detail={"address": port.address, "server_name": port.server_name, "serial": port.serial},
    )


def _age(issue: Issue, newest: InForce | None) -> tuple[Verdict, str, datetime | None]:
    shown = f"{issue.serial} of {_named(issue.holder)}"
    if issue.revoked_at is not None:
        return "revoked", f"it shows {shown}, which was revoked", issue.revoked_at
    if newest is not None and issue.number < newest.number:
        return "old", f"it shows {shown}, and {newest.serial} is in force", newest.since
    if issue.renewed_by:
        return "old", f"it shows {shown}, which was renewed by {issue.renewed_by}", issue.renewed_at
    return "newest", f"it shows {shown}", None


def _named(holder: str) -> str:
    """What people know a holder by."""
    kind, _, rest = holder.partition("/")
    return rest if kind == "certificate" else f"the {kind} {rest}"


def _silence(port: ServedView) -> str:
    if not port.error:
        return ""
    return f"; that was at {port.seen_at:%Y-%m-%d %H:%M:%S} UTC, since then {port.error}"
