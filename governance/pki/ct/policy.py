"""What Chrome would say of a certificate's SCTs; advice, for its list may not be used to refuse anybody; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from governance.pki.ct.check import SctVerdict
from governance.pki.ct.logs import Log

Delivery = Literal["embedded", "tls"]

SHORT_LIFE = timedelta(days=180)  # a certificate that lives longer needs three SCTs
_PRESENT = ("qualified", "usable", "readonly")
_OPERATORS = 2


@dataclass(frozen=True, slots=True)
class Advice:
    """Whether the policy is met; if not, every rule that is broken, in a sentence each."""

    satisfied: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Counted:
    """An SCT that holds, the log that made it, and what the log is at the time of the check."""

    verdict: SctVerdict
    log: Log
    state: str

    @property
    def operator(self) -> str:
        """Who ran the log when it made the SCT."""
        return self.log.operator_at(self.verdict.sct.at)


def chrome(
    verdicts: Sequence[SctVerdict], *, not_before: datetime, not_after: datetime, at: datetime, delivery: Delivery
) -> Advice:
    """Chrome's policy of 2026-07-22 (ct_policy.md) for a certificate with this life, checked at `at`.

    It counts only verdicts that are "valid". SCTs inside of the certificate and those from the TLS handshake are to
    be asked about separately: each delivery has to satisfy the policy alone.
    """
    valid = [
        _Counted(verdict, verdict.log, verdict.log.state_at(at))
        for verdict in verdicts
        if verdict.state == "valid" and verdict.log
    ]
    life = not_after - not_before
    reasons = _embedded(valid, life=life, at=at) if delivery == "embedded" else _by_tls(valid)
    return Advice(not reasons, tuple(reasons))


def _embedded(valid: Sequence[_Counted], *, life: timedelta, at: datetime) -> list[str]:
    """At least one log of the present, and for the rest also logs that retired after the earliest SCT."""
    counted = [one for one in valid if one.state in _PRESENT or _retired_later(one, valid, at)]
    needed = 2 if life <= SHORT_LIFE else 3
    reasons = _missing(counted, needed, f"a certificate that lives {life.days} days needs {needed} inside of it")
    if not any(one.state in _PRESENT for one in counted):
        reasons.append("no SCT is from a log that is qualified, usable or read-only now; one is needed")
    return reasons


def _by_tls(valid: Sequence[_Counted]) -> list[str]:
    """Only logs of the present: whoever staples SCTs can get new ones."""
    counted = [one for one in valid if one.state in _PRESENT]
    return _missing(counted, 2, "2 are needed in the TLS handshake, and retired logs do not count")


def _missing(counted: Sequence[_Counted], needed: int, rule: str) -> list[str]:
    logs, operators = {one.log.log_id for one in counted}, {one.operator for one in counted}
    reasons = []
    if len(logs) < needed:
        reasons.append(f"SCTs of {len(logs)} different logs count; {rule}")
    if len(operators) < _OPERATORS:
        named = ", ".join(sorted(operators)) or "nobody"
        reasons.append(f"the logs that count were run by {named}; {_OPERATORS} different operators are needed")
    return reasons


def _retired_later(one: _Counted, valid: Sequence[_Counted], at: datetime) -> bool:
    """The earliest SCT stands for the time of issue, which the keeper of a retired log's key cannot choose alone."""
    state = one.log.state(at)
    earliest = min(each.verdict.sct.at for each in valid)
    return one.state == "retired" and state is not None and earliest < state.at
