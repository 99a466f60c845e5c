"""Logs, timestamps, proofs, findings, and what is watched."""

from collections.abc import Sequence
from datetime import datetime

from gateway.proto import certificate_pb2
from gateway.proto import transparency_pb2 as pb
from gateway.rpc.convert.common import json_text, timestamp
from governance.pki.ct.board import Board
from governance.pki.ct.differing import Row
from governance.pki.ct.explaining import Explained, Timestamp
from governance.pki.ct.logstates import LogState
from governance.pki.ct.seen import Evidence, Listening, key_pem
from governance.pki.ct.standing import Checked, FindingView, Pending
from governance.pki.queries.watching import GateView, WatchedView


def checked(value: Checked | None) -> certificate_pb2.Transparency | None:
    """What the last check found; None stays unset."""
    if value is None:
        return None
    return certificate_pb2.Transparency(state=value.state, why=value.why, checked_at=timestamp(value.checked_at))


def pending(value: Pending | None) -> certificate_pb2.PendingIssue | None:
    """The issue that waits; None stays unset."""
    if value is None:
        return None
    return certificate_pb2.PendingIssue(
        serial=value.serial, number=value.number, since=timestamp(value.since), why=value.why
    )


_STATUSES = {
    "ok": pb.LOG_STATUS_OK,
    "unreadable": pb.LOG_STATUS_UNREADABLE,
    "lies": pb.LOG_STATUS_LIES,
    "behind": pb.LOG_STATUS_BEHIND,
    "never_read": pb.LOG_STATUS_NEVER_READ,
}


def log(value: LogState, at: datetime) -> pb.Log:
    """A log as it stands at `at`."""
    one, known = value.log, value.known
    start, end = one.interval or (None, None)
    return pb.Log(
        log_id=one.log_id.hex(),
        description=one.description,
        operator=one.operator,
        kind=one.kind,
        source=one.source,
        submission_url=one.submission_url,
        monitoring_url=one.monitoring_url,
        origin=one.origin,
        state=one.state_at(at),
        mmd_s=one.mmd_s,
        interval_start=timestamp(start),
        interval_end=timestamp(end),
        denied=one.is_denied,
        key_pem=key_pem(one),
        status=_STATUSES[value.status],
        why=value.sentence,
        checkpoint=known.checkpoint,
        size=known.size,
        checkpoint_at=timestamp(known.checkpoint_at),
        believed_at=timestamp(known.believed_at),
        read_at=timestamp(known.read_at),
        next_index=known.next_index,
        lag=value.lag,
        error=known.error,
        failing_since=timestamp(known.failing_since),
        lie=known.lie,
        lie_message=known.lie_message,
        lie_evidence={name: str(text) for name, text in (known.lie_evidence or {}).items()},
        lie_at=timestamp(known.lie_at),
    )


def explained(value: Explained) -> pb.CheckCertificateResponse:
    """How a certificate stands towards the logs."""
    advice = value.advice
    return pb.CheckCertificateResponse(
        serial=value.serial,
        dns_names=value.dns_names,
        not_before=timestamp(value.not_before),
        not_after=timestamp(value.not_after),
        state=value.state,
        why=value.why,
        checked_at=timestamp(value.checked_at),
        timestamps=[_timestamp(each) for each in value.timestamps],
        advice=pb.Advice(satisfied=advice.satisfied, reasons=advice.reasons) if advice else None,
        pending=pending(value.pending),
    )


def _timestamp(value: Timestamp) -> pb.LogTimestamp:
    verdict = value.verdict
    return pb.LogTimestamp(
        delivery=value.delivery,
        log_id=value.log_id,
        log_description=verdict.log.description if verdict.log else "",
        operator=value.operator,
        at=timestamp(verdict.sct.at),
        verdict=verdict.state,
        verdict_why=verdict.why,
        included=value.included,
        included_why=value.why,
        index=value.index,
        pinned=value.pinned,
    )


def evidence(value: Evidence, script: str) -> pb.LogEvidence:
    """What shows to anybody that a certificate is in a log."""
    return pb.LogEvidence(
        serial=value.serial,
        log_id=value.log.log_id.hex(),
        log_description=value.log.description,
        proof=value.proof,
        certificate_pem=value.certificate_pem,
        log_key_pem=value.log_key_pem,
        log_ids=value.log_ids,
        proven_at=timestamp(value.proven_at),
        verify_script=script,
    )


def finding(value: FindingView) -> pb.Finding:
    """Something that somebody has to look at."""
    return pb.Finding(
        id=value.id,
        kind=value.kind,
        namespace=value.namespace,
        subject=value.subject,
        message=value.message,
        detail_json=json_text(value.detail),
        opened_at=timestamp(value.opened_at),
        acknowledged_at=timestamp(value.acknowledged_at),
        closed_at=timestamp(value.closed_at),
        alarming=value.alarming,
        revision=value.revision,
    )


def gate(value: GateView) -> pb.Gate:
    """What an issuer's certificates need."""
    return pb.Gate(issuer=value.issuer, mode=value.mode, revision=value.revision)


def watched(value: WatchedView) -> pb.WatchedNames:
    """The names for which logs are searched."""
    return pb.WatchedNames(names=value.names, revision=value.revision)


def listener(value: Listening) -> pb.Listener:
    """A port that is looked at, and what it showed the last time."""
    one, shown = value.listener, value.shown
    return pb.Listener(
        id=one.id,
        namespace=one.namespace,
        address=one.address,
        server_name=one.server_name,
        revision=one.revision,
        serial=shown.serial if shown else "",
        fingerprint=shown.fingerprint if shown else "",
        seen_at=timestamp(shown.seen_at) if shown else None,
        asked_at=timestamp(shown.asked_at) if shown else None,
        error=shown.error if shown else "",
    )


def board(value: Board, rows: Sequence[Row], next_page_token: str) -> pb.GetBoardResponse:
    """A page of the board with the counts of all of it."""
    return pb.GetBoardResponse(
        rows=[_board_row(each) for each in rows],
        next_page_token=next_page_token,
        counts=value.counts,
        tenants=[pb.BoardCounts(namespace=name, counts=counts) for name, counts in sorted(value.tenants.items())],
        services=[
            pb.BoardCounts(namespace=namespace, service=name, counts=counts)
            for (namespace, name), counts in sorted(value.services.items())
        ],
        at=timestamp(value.at),
        ports=value.looked.ports,
        ports_answering=value.looked.answering,
        looked_at=timestamp(value.looked.at),
    )


def _board_row(value: Row) -> pb.BoardRow:
    return pb.BoardRow(
        kind=value.kind,
        namespace=value.namespace,
        service=value.service,
        subject=value.subject,
        serial=value.serial,
        since=timestamp(value.since),
        message=value.sentence,
        state=value.state,
        target=value.target,
    )
