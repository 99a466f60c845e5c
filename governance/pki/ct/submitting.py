"""Has certificates logged before they exist: precertificate, timestamps, certificate, proof."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Unavailable
from governance.pki.certificates import serial_of
from governance.pki.ct import http
from governance.pki.ct.entry import entry_of_precertificate
from governance.pki.ct.logs import Log
from governance.pki.ct.logset import client, pinned
from governance.pki.ct.own import sequencer
from governance.pki.ct.own.log import ensure_log, own_log
from governance.pki.ct.proving import Prover, Standing
from governance.pki.ct.sct import Sct, sct_extension
from governance.pki.leaf import Draft

AT_ONCE = 8
PAUSE_S = 0.25
# Shorter than the first pause after a failure, so that each attempt asks the log once.
REST_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A certificate with the timestamps of the logs that have it, and the proofs by log id (hex) that they do.

    `unproven` says what lacks for it to be proven in every pinned log; empty when nothing does.
    """

    leaf: x509.Certificate
    proofs: Mapping[str, str] = field(default_factory=dict, repr=False)
    unproven: str = ""


Result = Logged | GovernanceError


def log_and_sign(drafts: Sequence[tuple[Draft, str]], *, required: bool, patience_s: float = 0.0) -> list[Result]:
    """Log the precertificate of each draft, sign the certificate with the timestamps, and prove that it is logged.

    Beside each draft stands its holder. With `required` a draft for which a pinned log gives no timestamp is refused;
    without, the certificate is made all the same, and says in `unproven` what lacks. Logs that take their time are
    asked again for up to `patience_s`. Nothing of it is stored but by the logs.
    """
    if not drafts:
        return []
    ensure_log()
    logs = pinned()
    if required and (refusal := _silent(logs.values())) is not None:
        return [refusal] * len(drafts)
    # A log that does not answer is found out with one draft, and not with all: what our own log took stays in it.
    first, rest = (drafts[:1], drafts[1:]) if len(logs) > 1 else (drafts, ())
    promised = _promised(first, logs.values(), required=required)
    if rest:
        down = _silent(logs.values()) if required else None
        promised += [([], [down.message])] * len(rest) if down else _promised(rest, logs.values(), required=required)
    results: list[Result] = []
    for (draft, _), (scts, reasons) in zip(drafts, promised, strict=True):
        if reasons and required:
            results.append(Unavailable("; ".join(reasons)))
        else:
            leaf = draft.with_timestamps(sct_extension(scts)) if scts else draft.plain()
            results.append(Logged(leaf=leaf, unproven="; ".join(reasons)))
    return _proven(drafts, results, logs, patience_s=patience_s)


def _promised(
    drafts: Sequence[tuple[Draft, str]], logs: Iterable[Log], *, required: bool
) -> list[tuple[list[Sct], list[str]]]:
    """For each draft the timestamps that the logs gave, and what the others said."""
    precertificates = [draft.precertificate() for draft, _ in drafts]
    found: list[tuple[list[Sct], list[str]]] = [([], []) for _ in drafts]
    for log in logs:  # ours comes first
        if required and all(reasons for _, reasons in found):
            break  # nothing will come of it: what others took would look like what we did not issue
        taken = _own(drafts, precertificates) if log.source == "own" else _others(log, drafts, precertificates)
        for (scts, reasons), each in zip(found, taken, strict=True):
            if isinstance(each, Sct):
                scts.append(each)
            else:
                reasons.append(f"{log.description} does not take it: {each.message}")
    return found


# Until when a log that did not answer is not asked again by this process, and what it was that failed.
_rests: dict[bytes, tuple[float, str]] = {}


def _silent(logs: Iterable[Log]) -> Unavailable | None:
    """Why nothing can be logged in all of these at the moment."""
    at = time.monotonic()
    for log in logs:
        until, why = _rests.get(log.log_id, (0.0, ""))
        if at < until:
            return Unavailable(f"{log.description} does not take it: {why}")
    return None


def _own(
    drafts: Sequence[tuple[Draft, str]], precertificates: Sequence[x509.Certificate]
) -> list[Sct | GovernanceError]:
    wanted = [
        sequencer.Draft(
            entry=entry_of_precertificate(precertificate, draft.authority.certificate),
            certificate_der=precertificate.public_bytes(Encoding.DER),
            chain=tuple(each.public_bytes(Encoding.DER) for each in _above(draft)),
            serial=serial_of(precertificate),
            holder=holder,
        )
        for precertificate, (draft, holder) in zip(precertificates, drafts, strict=True)
    ]
    try:
        return [each.sct for each in sequencer.append(wanted)]
    except GovernanceError as error:
        return [error] * len(drafts)


def _others(
    log: Log, drafts: Sequence[tuple[Draft, str]], precertificates: Sequence[x509.Certificate]
) -> list[Sct | GovernanceError]:
    """A log elsewhere is asked for a few at once."""

    def ask(place: int) -> Sct | GovernanceError:
        if (silent := _silent([log])) is not None:
            return silent
        chain = (precertificates[place], *_above(drafts[place][0]))
        try:
            return http.submit(log, [each.public_bytes(Encoding.DER) for each in chain], client(), pre=True)
        except GovernanceError as error:
            _rests[log.log_id] = time.monotonic() + REST_S, error.message
            return error

    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(drafts))) as pool:
        return list(pool.map(ask, range(len(drafts))))


def _above(draft: Draft) -> tuple[x509.Certificate, ...]:
    """What stands above the leaf: an authority that is a root itself is not part of what is sent after a leaf."""
    return draft.authority.chain or (draft.authority.certificate,)


def _proven(
    drafts: Sequence[tuple[Draft, str]], results: list[Result], logs: Mapping[bytes, Log], *, patience_s: float
) -> list[Result]:
    """The results, each proven as far as the logs show it now, or within `patience_s`."""
    give_up_at = time.monotonic() + patience_s
    while True:
        prover = Prover(logs, needed=(own_log().log_id,), at=now())
        open_ = False
        for place, each in enumerate(results):
            if isinstance(each, Logged) and not each.proofs:
                standing = prover.standing(each.leaf, _above(drafts[place][0]))
                results[place] = _with(each, standing)
                open_ = open_ or standing.state == "unknown"
        if not open_ or time.monotonic() >= give_up_at:
            return results
        time.sleep(PAUSE_S)


def _with(logged: Logged, standing: Standing) -> Logged:
    """With all proofs or with none: what is proven in one log only is not proven as it has to be."""
    if standing.state == "logged":
        return Logged(leaf=logged.leaf, proofs=standing.proofs, unproven=logged.unproven)
    return Logged(leaf=logged.leaf, unproven=standing.why)
