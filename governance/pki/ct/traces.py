"""Who signed what ports show: found out once for whatever one shows, and for no longer than a while at a time."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic

from cryptography.hazmat.primitives.hashes import SHA256

from governance.pki.ct.tracing import Signer, Trace, trace
from governance.pki.queries import served as queries
from governance.pki.queries.served import ServedView

# A round may take longer than somebody who looks at the board.
ROUND_S, VIEW_S = 2.0, 0.3
_KEPT = 8_192
# What a port shows, since when: while that is the same, so is what was sent with it.
Shows = tuple[str, datetime | None, str, str]
_lock = Lock()
_traces: dict[tuple[str, Shows], Trace] = {}


def shows(port: ServedView) -> Shows:
    """By what the trace of what a port shows is found."""
    return port.fingerprint, port.since, port.address, port.server_name


def traces(ports: Sequence[ServedView], *, limit_s: float) -> dict[Shows, Trace]:
    """Who signed what these ports show; what there was no time for is left out, and is traced another time.

    Nobody's ports wait for all of another's: of each namespace the first comes before the second of any.
    """
    if not ports:
        return {}
    signers = queries.signers()
    mark = _mark(signers)
    with _lock:
        found = {shows(each): known for each in ports if (known := _traces.get((mark, shows(each))))}
    fresh = [each for each in _fairly(ports) if shows(each) not in found]
    chains = queries.chains_of({each.fingerprint for each in fresh}) if fresh else {}
    until, by_chain = monotonic() + limit_s, dict[str, Trace]()
    for each in fresh:
        chain = chains.get(shows(each), "")
        if chain not in by_chain:
            if monotonic() >= until:
                continue
            by_chain[chain] = trace(chain, signers)
        found[shows(each)] = by_chain[chain]
    _keep(mark, {shows(each): found[shows(each)] for each in fresh if shows(each) in found})
    return found


def _mark(signers: Iterable[Signer]) -> str:
    """What tells one set of authorities from another."""
    said = hashlib.sha256()
    for each in signers:
        said.update(each.certificate.fingerprint(SHA256()) + bytes([each.ours]) + each.common_name.encode() + b"\0")
    return said.hexdigest()


def _fairly(ports: Sequence[ServedView]) -> list[ServedView]:
    counted: dict[str, int] = {}
    ranked = []
    for port in ports:
        counted[port.namespace] = counted.get(port.namespace, -1) + 1
        ranked.append((counted[port.namespace], port))
    return [port for _, port in sorted(ranked, key=lambda each: each[0])]


def _keep(mark: str, found: dict[Shows, Trace]) -> None:
    with _lock:
        for each, known in found.items():
            _traces[mark, each] = known
        while len(_traces) > _KEPT:
            del _traces[next(iter(_traces))]
