"""Whether a log's promise about an entry holds; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from governance.kernel.errors import Invalid
from governance.pki.ct.entry import Entry, timestamped
from governance.pki.ct.logs import SHA256, Log
from governance.pki.ct.sct import Sct

SctState = Literal[
    "valid",
    "unknown_log",
    "bad_signature",
    "denied_log",
    "not_qualified",
    "outside_interval",
    "in_the_future",
    "malformed",
]

# Clocks differ; OpenSSL allows as much (SCT_CLOCK_DRIFT_TOLERANCE in crypto/ct/ct_policy.c).
DRIFT = timedelta(seconds=300)
_UNQUALIFIED = ("pending", "rejected")


@dataclass(frozen=True, slots=True)
class SctVerdict:
    """What is true of one SCT, in a word and in a sentence; `log` is None when nobody knows the log."""

    sct: Sct
    log: Log | None
    state: SctState
    why: str


def check_sct(sct: Sct, entry: Entry, logs: Mapping[bytes, Log], *, at: datetime, not_after: datetime) -> SctVerdict:
    """Judge `sct` as a promise about `entry`, as it stands at `at`; `logs` are by their identifiers.

    `not_after` is the certificate's. A log that is retired still made its promise: what that is worth depends on the
    other SCTs, and the policy says so.
    """
    log = logs.get(sct.log_id)
    if sct.version or sct.hash_algorithm != SHA256:
        why = f"the SCT is of version {sct.version + 1} with hash {sct.hash_algorithm}; 1 and {SHA256} are known"
        return SctVerdict(sct, log, "malformed", why)
    if log is None:
        return SctVerdict(sct, None, "unknown_log", f"no log is known by the identifier {sct.log_id.hex()}")
    if log.is_denied:
        return SctVerdict(sct, log, "denied_log", f"nothing that {log.description} signs is believed")
    data = timestamped(entry, timestamp_ms=sct.timestamp_ms, extensions=sct.extensions)
    try:
        log.verify(sct.signature, data, sct.hash_algorithm, sct.signature_algorithm)
    except Invalid as refusal:
        return SctVerdict(sct, log, "bad_signature", f"the SCT {refusal.message}")
    state, why = _beyond_signature(sct, log, at=at, not_after=not_after)
    return SctVerdict(sct, log, state, why)


def _beyond_signature(sct: Sct, log: Log, *, at: datetime, not_after: datetime) -> tuple[SctState, str]:
    name = log.description or log.log_id.hex()
    if log.kind == "static" and sct.leaf_index is None:
        return "malformed", f"the SCT does not say where in {name} the entry stands, as one of a static log must"
    if sct.at > at + DRIFT:
        return "in_the_future", f"{name} made its promise at {sct.at:%Y-%m-%d %H:%M:%S}, which is still to come"
    if not log.covers(not_after):
        return "outside_interval", f"{name} takes no certificate that ends on {not_after:%Y-%m-%d}"
    if (state := log.state_at(at)) in _UNQUALIFIED:
        return "not_qualified", f"{name} is {state}"
    return "valid", f"{name} promised the entry at {sct.at:%Y-%m-%d %H:%M:%S}"
