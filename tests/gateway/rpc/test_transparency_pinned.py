"""TransparencyService, over the wire, where certificates have to be in a log of somebody else as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from django.conf import settings

from gateway.proto import certificate_pb2, common_pb2
from gateway.proto import transparency_pb2 as pb
from gateway.proto.transparency_pb2_grpc import TransparencyServiceStub
from governance.pki.ct import loglist
from governance.pki.ct.auditing import prove_waiting
from governance.pki.ct.own.log import own_log
from governance.pki.worker import issue_due
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.gateway.rpc.conftest import Metadata
from tests.gateway.rpc.wanted import in_thread, refused, request

if TYPE_CHECKING:  # these exist for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub
    from gateway.proto.transparency_pb2_grpc import TransparencyServiceAsyncStub


@pytest.fixture
def rome(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CtLog]:
    """A log of somebody else, to which every certificate has to go as well."""
    with CtLog() as log:
        path = tmp_path / "logs.json"
        path.write_text(loglist.to_json([log.log()]))
        monkeypatch.setattr(settings, "GOV", settings.GOV.model_copy(update={"ct_logs": str(path)}))
        yield log


@pytest.fixture
def ct(rome: CtLog, channel: grpc.aio.Channel, pki: CertificateServiceAsyncStub) -> TransparencyServiceAsyncStub:
    """TransparencyService, with both logs in place."""
    return TransparencyServiceStub(channel)


async def test_there_is_a_proof_for_each_log_and_ours_comes_first(
    ct: TransparencyServiceAsyncStub, rome: CtLog, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    ours, theirs = own_log().log_id.hex(), rome.log().log_id.hex()
    first = await ct.GetProof(pb.GetProofRequest(serial=issued.serial), metadata=alice)
    other = await ct.GetProof(pb.GetProofRequest(serial=issued.serial, log_id=theirs.upper()), metadata=alice)
    assert (first.log_id, other.log_id) == (ours, theirs)
    assert list(first.log_ids) == list(other.log_ids) == sorted((ours, theirs))
    assert first.log_key_pem != other.log_key_pem
    found = await ct.CheckCertificate(pb.CheckCertificateRequest(serial=issued.serial, ask_logs=True), metadata=alice)
    assert {each.log_id: each.included for each in found.timestamps} == {ours: "logged", theirs: "logged"}


async def test_logs_are_listed_page_by_page_ours_first(
    ct: TransparencyServiceAsyncStub, rome: CtLog, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    asked = pb.ListLogsRequest(page=common_pb2.PageRequest(page_size=1))
    first = await ct.ListLogs(asked, metadata=alice)
    asked.page.page_token = first.next_page_token
    second = await ct.ListLogs(asked, metadata=alice)
    assert [each.source for each in (*first.logs, *second.logs)] == ["own", "pinned"]
    assert (second.logs[0].log_id, second.next_page_token) == (rome.log().log_id.hex(), "")


async def test_an_issue_that_waits_is_shown_with_what_it_lacks_beside_the_one_in_force(
    ct: TransparencyServiceAsyncStub,
    pki: CertificateServiceAsyncStub,
    rome: CtLog,
    alice: Metadata,
    issued: certificate_pb2.Certificate,
) -> None:
    rome.holds = True  # it promises, and does not show the entry
    await pki.IssueNow(certificate_pb2.IssueNowRequest(namespace="shop", name="cart"), metadata=alice)
    await in_thread(issue_due)()
    asked = certificate_pb2.GetCertificateRequest(namespace="shop", name="cart")
    waiting = await pki.GetCertificate(asked, metadata=alice)
    assert (waiting.serial, waiting.transparency.state) == (issued.serial, "logged")
    assert (waiting.pending.number, rome.name in waiting.pending.why) == (2, True)
    check = pb.CheckCertificateRequest(serial=waiting.pending.serial)
    found = await ct.CheckCertificate(check, metadata=alice)
    assert (found.state, found.pending) == ("unknown", waiting.pending)
    early = await refused(ct.GetProof(pb.GetProofRequest(serial=waiting.pending.serial), metadata=alice))
    assert early.code() is grpc.StatusCode.NOT_FOUND
    rome.sign()
    await in_thread(prove_waiting)()
    there = await pki.GetCertificate(asked, metadata=alice)
    assert (there.serial, there.HasField("pending")) == (waiting.pending.serial, False)
    assert (await ct.GetProof(pb.GetProofRequest(serial=there.serial), metadata=alice)).serial == there.serial


async def test_a_list_of_logs_that_cannot_be_read_hides_none_of_the_others(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    await in_thread(Path(settings.GOV.ct_logs).write_text)("{")
    (ours,) = (await ct.ListLogs(pb.ListLogsRequest(), metadata=alice)).logs
    assert (await ct.GetLog(pb.GetLogRequest(log_id=ours.log_id), metadata=alice)).source == "own"
    assert (await ct.GetProof(pb.GetProofRequest(serial=issued.serial), metadata=alice)).log_id == ours.log_id


async def test_a_first_issue_that_waits_is_in_force_nowhere_and_made_once(
    pki: CertificateServiceAsyncStub, alice: Metadata, rome: CtLog
) -> None:
    rome.holds = True
    await pki.RequestCertificate(request(), metadata=alice)
    await in_thread(issue_due)()
    asked = certificate_pb2.GetCertificateRequest(namespace="shop", name="cart")
    before = await pki.GetCertificate(asked, metadata=alice)
    assert (before.serial, before.number, before.HasField("transparency")) == ("", 0, False)
    await in_thread(issue_due)()
    assert (await pki.GetCertificate(asked, metadata=alice)).pending == before.pending
