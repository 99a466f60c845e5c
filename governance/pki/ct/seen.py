"""What an actor may see of logs and findings: the rest is as if it were not there."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import get_args

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.kernel.actor import EVERYWHERE, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Invalid, NotFound
from governance.kernel.ids import check_text
from governance.pki.ct.board import KINDS, Board
from governance.pki.ct.differing import Row
from governance.pki.ct.listeners import ListenerView
from governance.pki.ct.logs import Log, Source
from governance.pki.ct.logstates import LogState, log_states, readable_logs, state_of
from governance.pki.ct.own.log import own_log
from governance.pki.ct.showing import showing_anothers
from governance.pki.ct.standing import FindingKind, FindingView
from governance.pki.pem import chain_from_pem, to_pem
from governance.pki.queries import findings as found_out
from governance.pki.queries import logs, watching
from governance.pki.queries.authorities import pem_of
from governance.pki.queries.served import ServedView, served
from governance.pki.queries.watching import GateView, WatchedView
from governance.pki.seen import READ, issued_seen, issuers_seen
from governance.pki.status import IssuedCertificate

_LOG_ID = re.compile("[0-9a-fA-F]{64}")
_SCRIPT = Path(__file__).with_name("verify_proof.py")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a stranger needs to check that a certificate is in a log; `log_ids` are all of which there is a proof.

    `certificate_pem` is the certificate and the one that issued it.
    """

    serial: str
    log: Log
    proof: str
    certificate_pem: str
    log_ids: tuple[str, ...]
    proven_at: datetime

    @property
    def log_key_pem(self) -> str:
        """The log's key."""
        return key_pem(self.log)


def finding_seen(actor: Actor, finding_id: str) -> FindingView:
    """The finding; NotFound when it is not there or not theirs to see."""
    check_text(finding_id, field="id", limit=36)
    found = found_out.finding(finding_id)
    if found is None or not actor.may(READ, found.namespace):
        raise NotFound(f"there is no finding {finding_id}", field="id")
    return found


def findings_in(
    namespaces: Collection[str],
    *,
    kind: str = "",
    state: str = "",
    after: tuple[int, str] | None = None,
    limit: int | None = None,
) -> list[FindingView]:
    """Findings of these namespaces by kind and state, newest first; those after a `place` when it is given."""
    for field, value, allowed in (
        ("kind", kind, get_args(FindingKind)),
        ("state", state, found_out.FINDING_STATES),
    ):
        if value and value not in allowed:
            raise Invalid(f"{value[:40]!r} is not one of {', '.join(allowed)}", field=field)
    before = (_EPOCH + timedelta(microseconds=after[0]), after[1]) if after else None
    return found_out.findings(namespaces=namespaces, kind=kind, state=state or "open", before=before, limit=limit)


def place(finding: FindingView) -> tuple[int, str]:
    """Where a finding stands among the others."""
    return (finding.opened_at - _EPOCH) // timedelta(microseconds=1), finding.id


def logs_in(source: str = "") -> list[LogState]:
    """Every log that is known, ours first, or those of one source. Which logs there are is no secret of anybody's."""
    if source and source not in get_args(Source):
        raise Invalid(f"{source[:40]!r} is not one of {', '.join(get_args(Source))}", field="source")
    found = [each for each in log_states(now()) if not source or each.log.source == source]
    return sorted(found, key=log_place)


def log_place(state: LogState) -> tuple[int, str, str, str]:
    """Where a log stands among the others."""
    log = state.log
    return get_args(Source).index(log.source), log.operator, log.description, log.log_id.hex()


def log_state(log_id: str) -> LogState:
    """How the log with this id in hex stands."""
    log = log_with(log_id)
    return state_of(log, logs.known_log(log.log_id.hex()), now())


def rows_of(board: Board, *, kind: str = "", service: str = "") -> list[Row]:
    """The rows of a board that are of one kind and about one service, if they are given."""
    if kind and kind not in KINDS:
        raise Invalid(f"{kind[:40]!r} is not one of {', '.join(KINDS)}", field="kind")
    return [each for each in board.rows if kind in ("", each.kind) and service in ("", each.service)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A port that is looked at, and what it showed the last time; None before the first.

    Serial number and fingerprint are empty when that is another namespace's affair.
    """

    listener: ListenerView
    shown: ServedView | None


def listeners_in(
    namespaces: Collection[str], *, after: tuple[str, str, str] | None = None, limit: int | None = None
) -> list[Listening]:
    """The ports to look at of these namespaces, those after `listener_place` of one when it is given."""
    found = watching.listeners(namespaces=namespaces, after=after, limit=limit)
    there = [each for each in served(namespaces={each.namespace for each in found}) if not each.service]
    hidden = unseen(there, namespaces)
    shown = {
        (each.namespace, each.address, each.server_name): replace(each, serial="", fingerprint="")
        if each in hidden
        else each
        for each in there
    }
    return [Listening(listener=each, shown=shown.get(listener_place(each))) for each in found]


def unseen(ports: Sequence[ServedView], namespaces: Collection[str]) -> set[ServedView]:
    """Those of the ports of which people of these namespaces may not know what they show, as that is another's."""
    return set() if EVERYWHERE in namespaces else showing_anothers(ports)


def listener_place(listener: ListenerView) -> tuple[str, str, str]:
    """Where a port stands among the others."""
    return listener.namespace, listener.address, listener.server_name


def gates_seen(actor: Actor) -> list[GateView]:
    """The gates of the issuers that serve the actor's namespaces."""
    return watching.gates([each.name for each in issuers_seen(actor)])


def gate_seen(actor: Actor, issuer: str) -> GateView:
    """The gate of one of them; NotFound as above."""
    found = next((each for each in gates_seen(actor) if each.issuer == issuer), None)
    if found is None:
        raise NotFound(f"there is no issuer {issuer}", field="issuer")
    return found


def watched_seen(actor: Actor) -> WatchedView:
    """The watched names, which may be anybody's, and are told to those who may read everything; to others none."""
    return watching.watched() if actor.may(READ) else WatchedView()


def evidence_seen(actor: Actor, serial: str, log_id: str = "") -> Evidence:
    """The proof that a certificate is in the log with this id (hex), or without one in ours if it is there.

    Raises NotFound for a certificate that they may not see, or that is not proven to be in that log.
    """
    issued = issued_seen(actor, serial)
    kept = logs.proof_of(issued.serial)
    if kept is None or not kept.proofs:
        raise NotFound(f"{issued.serial} is not proven to be in any log", field="serial")
    there, ours = sorted(kept.proofs), own_log().log_id.hex()
    chosen = log_id.lower() or (ours if ours in there else there[0])
    if chosen not in there:
        raise NotFound(f"{chosen[:80]!r} is not the id of a log that it is proven to be in", field="log_id")
    return Evidence(
        serial=issued.serial,
        log=log_with(chosen),
        proof=kept.proofs[chosen],
        certificate_pem=_with_issuer(issued),
        log_ids=tuple(there),
        proven_at=kept.proven_at,
    )


def _with_issuer(issued: IssuedCertificate) -> str:
    """The certificate and its issuer: an authority that is a root itself is not sent with what it signs."""
    leaf, *above = chain_from_pem(issued.chain_pem, field="chain_pem")
    return to_pem(leaf, above[0]) if above else to_pem(leaf) + (pem_of(issued.authority) or "")


def log_with(log_id: str) -> Log:
    """The log with this id in hex; NotFound when none is known by it."""
    if not _LOG_ID.fullmatch(log_id):
        raise Invalid(f"{log_id[:80]!r} is not the id of a log: 64 hex digits are", field="log_id")
    found = next((each for each in readable_logs()[0] if each.log_id.hex() == log_id.lower()), None)
    if found is None:
        raise NotFound(f"no log is known by the id {log_id}", field="log_id")
    return found


def key_pem(log: Log) -> str:
    """A log's public key."""
    return log.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@cache
def verify_script() -> str:
    """The program of one file with which anybody checks such evidence, needing nothing else of ours."""
    return _SCRIPT.read_text()
