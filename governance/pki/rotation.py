"""When each step of a root rotation may be taken; pure."""

from collections.abc import Collection
from dataclasses import dataclass

from governance.pki.status import Gate, Phase

NEXT = {"prepared": "distributing", "distributing": "activated", "activated": "reissuing", "reissuing": "retired"}
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Somebody who must be brought along: what it was last seen to trust and to hold.

    `roots` is the fingerprint of the roots it trusts, empty when it was never seen. `behind` says which of its
    certificates are not the newest, or are not from the new signer.
    """

    name: str
    roots: str
    behind: tuple[str, ...] = ()


def gate(phase: Phase, *, bundle: str, consumers: Collection[Consumer], waiting: Collection[str] = ()) -> Gate:
    """The gate of the step after `phase`.

    `bundle` is the fingerprint of the roots that are to be trusted now, `waiting` names the certificates that are still
    to be issued anew.
    """
    step = NEXT.get(phase, "")
    if phase == "prepared":
        return Gate(step=step, open=True, message="the new root can be distributed")
    if phase == "distributing":
        missing = tuple(sorted(each.name for each in consumers if each.roots != bundle))
        return _gate(step, missing, "trusts the new root", "trust the new root")
    if phase == "activated":
        return Gate(step=step, open=True, message="everything can be issued anew")
    if phase == "reissuing":
        missing = tuple(sorted(waiting))
        if missing:
            return _gate(step, missing, "is issued by the new signer", "are issued by the new signer")
        missing = tuple(sorted(f"{each.name} ({', '.join(each.behind)})" for each in consumers if each.behind))
        return _gate(step, missing, "uses its new certificate", "use their new certificates")
    return Gate(step="", open=False, message=f"the rotation is {phase}")


def _gate(step: str, missing: tuple[str, ...], one: str, many: str) -> Gate:
    if not missing:
        return Gate(step=step, open=True, message=f"all {many}")
    shown = ", ".join(missing[:SHOWN]) + (f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
    negated = one.replace("trusts", "was not seen to trust").replace("uses", "was not seen to use")
    negated = negated.replace("is issued", "is not yet issued")
    return Gate(step=step, open=False, message=f"{shown}: {negated}", missing=missing)
