"""TransparencyService, over the wire: how logs stand, and where what is issued, logged and served differ."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.proto import certificate_pb2, common_pb2
from gateway.proto import transparency_pb2 as pb
from gateway.proto.transparency_pb2_grpc import TransparencyServiceStub
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import authority as ca
from governance.pki.commands import AddListener, RecordFindings
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.own.log import own_log
from governance.pki.ct.probing import Port, Shown, Target
from governance.pki.ct.standing import Noticed
from governance.pki.keys import make_key
from governance.pki.observe import logs as observed
from governance.pki.observe import served
from governance.pki.worker import WORKER
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.wanted import in_thread, refused

if TYPE_CHECKING:  # these exist for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub
    from gateway.proto.transparency_pb2_grpc import TransparencyServiceAsyncStub

PORT = Port(address="10.0.0.1:443")


@pytest.fixture
def ct(channel: grpc.aio.Channel, pki: CertificateServiceAsyncStub) -> TransparencyServiceAsyncStub:
    """TransparencyService, with a log in place."""
    return TransparencyServiceStub(channel)


@in_thread
def stranger_serves(namespace: str = "shop") -> None:
    """A port of the namespace's shows a certificate that nobody here issued."""
    root = ca.make_root(make_key("ECDSA", 256), common_name="Elsewhere", life=timedelta(days=9), at=now())
    shown = Shown(port=PORT, chain=(root.public_bytes(Encoding.DER),))
    served.shown([Target(namespace=namespace, port=PORT)], [shown], at=now())


@in_thread
def logged_not_issued(*namespaces: str) -> None:
    opened = [
        Noticed(key=f"not_issued:{each}", kind="not_issued", namespace=each, subject=f"{each}.org", message="it is so")
        for each in namespaces
    ]
    execute(RecordFindings(opened=tuple(opened)), by=WORKER)


async def board(ct: TransparencyServiceAsyncStub, who: Metadata, **asked: Any) -> pb.GetBoardResponse:
    return await ct.GetBoard(pb.GetBoardRequest(**asked), metadata=who)


async def test_our_own_log_is_shown_with_its_key_and_its_newest_checkpoint(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    (found,) = (await ct.ListLogs(pb.ListLogsRequest(source="own"), metadata=alice)).logs
    log = own_log()
    assert (found.log_id, found.source, found.kind, found.state) == (log.log_id.hex(), "own", "static", "usable")
    assert found.status == pb.LOG_STATUS_OK, found.why
    assert (found.size >= 1, found.origin) == (True, log.origin)
    assert found.checkpoint.startswith(f"{log.origin}\n{found.size}\n")
    assert found.key_pem.startswith("-----BEGIN PUBLIC KEY-----")
    one = await ct.GetLog(pb.GetLogRequest(log_id=found.log_id.upper()), metadata=alice)
    assert one == found
    assert not (await ct.ListLogs(pb.ListLogsRequest(source="listed"), metadata=alice)).logs


async def test_what_a_log_was_caught_at_is_shown_with_the_evidence(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    lie = Misbehaved("forked", "two roots for one size", {"old": "checkpoint one", "new": "checkpoint two"})
    await in_thread(observed.caught)(own_log().log_id.hex(), lie, at=now())
    found = await ct.GetLog(pb.GetLogRequest(log_id=own_log().log_id.hex()), metadata=alice)
    assert (found.status, found.lie, found.lie_message) == (pb.LOG_STATUS_LIES, "forked", "two roots for one size")
    assert dict(found.lie_evidence) == lie.evidence
    assert found.lie_at.seconds > 0


async def test_the_board_is_empty_where_issued_logged_and_served_agree(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    found = await board(ct, alice)
    assert [(row.kind, row.message) for row in found.rows] == []
    assert set(found.counts.values()) == {0}
    assert (found.ports, found.HasField("looked_at")) == (0, False)


async def test_each_difference_is_a_row_and_counted_by_kind_and_tenant(
    ct: TransparencyServiceAsyncStub, alice: Metadata
) -> None:
    await stranger_serves()
    await logged_not_issued("shop", "bank", EVERYWHERE)
    found = await board(ct, alice)
    assert [(row.kind, row.namespace) for row in found.rows] == [
        ("served_not_issued", "shop"),
        ("logged_not_issued", EVERYWHERE),
        ("logged_not_issued", "bank"),
        ("logged_not_issued", "shop"),
    ]
    assert (found.rows[0].subject, found.rows[0].state, found.rows[0].target[0]) == ("10.0.0.1:443", "so", "port")
    assert (found.counts["served_not_issued"], found.counts["logged_not_issued"]) == (1, 3)
    tenants = {each.namespace: sum(each.counts.values()) for each in found.tenants}
    assert tenants == {EVERYWHERE: 1, "bank": 1, "shop": 2}
    assert (found.ports, found.ports_answering) == (1, 1)
    only = await board(ct, alice, kind="logged_not_issued", namespace="shop")
    assert [(row.kind, row.namespace) for row in only.rows] == [("logged_not_issued", "shop")]
    assert not (await board(ct, alice, service="cart")).rows
    asked, pages = pb.GetBoardRequest(page=common_pb2.PageRequest(page_size=3)), []
    while True:
        answer = await ct.GetBoard(asked, metadata=alice)
        pages.append(len(answer.rows))
        if not answer.next_page_token:
            break
        asked.page.page_token = answer.next_page_token
    assert pages == [3, 1]


async def test_a_tenant_sees_its_own_rows_and_counts_alone(
    ct: TransparencyServiceAsyncStub, token_for: TokenFor
) -> None:
    await stranger_serves()
    await logged_not_issued("shop", "bank", EVERYWHERE)
    bank = await token_for("viewer", "bank")
    found = await board(ct, bank)
    assert [row.namespace for row in found.rows] == ["bank"]
    assert sum(found.counts.values()) == 1
    assert [each.namespace for each in found.tenants] == ["bank"]
    assert found.ports == 0
    for namespace in ("shop", EVERYWHERE, "\x00"):
        assert not (await board(ct, bank, namespace=namespace)).rows


async def test_a_listener_says_what_it_showed_last(ct: TransparencyServiceAsyncStub, alice: Metadata) -> None:
    @in_thread
    def add() -> None:
        execute(AddListener(namespace="shop", address=PORT.address), by=SYSTEM)

    await add()
    (before,) = (await ct.ListListeners(pb.ListListenersRequest(), metadata=alice)).listeners
    assert (before.serial, before.HasField("seen_at"), before.HasField("asked_at")) == ("", False, False)
    await stranger_serves()
    (after,) = (await ct.ListListeners(pb.ListListenersRequest(), metadata=alice)).listeners
    assert (len(after.fingerprint), after.HasField("seen_at"), after.error) == (64, True, "")
    gone = Shown(port=PORT, error="connection refused")
    await in_thread(served.shown)([Target(namespace="shop", port=PORT)], [gone], at=now())
    (silent,) = (await ct.ListListeners(pb.ListListenersRequest(), metadata=alice)).listeners
    assert (silent.fingerprint, silent.error) == (after.fingerprint, "connection refused")


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("ListLogs", pb.ListLogsRequest(source="foreign"), "source"),
        ("ListLogs", pb.ListLogsRequest(page=common_pb2.PageRequest(page_token="W10")), "page.page_token"),
        ("GetLog", pb.GetLogRequest(), "log_id"),
        ("GetLog", pb.GetLogRequest(log_id="zz"), "log_id"),
        ("GetLog", pb.GetLogRequest(log_id="00" * 32), "log_id"),
        ("GetBoard", pb.GetBoardRequest(kind="boredom"), "kind"),
        ("GetBoard", pb.GetBoardRequest(page=common_pb2.PageRequest(page_size=-1)), "page.page_size"),
        ("GetBoard", pb.GetBoardRequest(page=common_pb2.PageRequest(page_token="x")), "page.page_token"),
    ],
)
async def test_what_is_not_there_is_refused_with_its_field(
    ct: TransparencyServiceAsyncStub, alice: Metadata, method: str, request_: Any, field: str
) -> None:
    refusal = await refused(getattr(ct, method)(request_, metadata=alice))
    assert refusal.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
    assert (refusal.details() or "").split(":")[0] == field
