"""TransparencyService, over the wire: what logs promised and hold of certificates, and what shows it to others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.proto import certificate_pb2
from gateway.proto import transparency_pb2 as pb
from gateway.proto.transparency_pb2_grpc import TransparencyServiceStub
from governance.pki.ct import proof_file
from governance.pki.ct.own.log import own_log
from governance.pki.pem import chain_from_pem, to_pem
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.wanted import SECRETS, in_thread, refused

if TYPE_CHECKING:  # these exist for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub
    from gateway.proto.transparency_pb2_grpc import TransparencyServiceAsyncStub


@pytest.fixture
def ct(channel: grpc.aio.Channel, pki: CertificateServiceAsyncStub) -> TransparencyServiceAsyncStub:
    """TransparencyService, with a log in place."""
    return TransparencyServiceStub(channel)


async def test_a_certificate_says_that_it_is_logged_wherever_it_is_shown(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    assert (issued.transparency.state, issued.transparency.why) == ("logged", "")
    assert issued.transparency.checked_at.seconds > 0
    assert not issued.HasField("pending")
    listed = await pki.ListCertificates(certificate_pb2.ListCertificatesRequest(namespace="shop"), metadata=alice)
    one = await pki.GetIssued(certificate_pb2.GetIssuedRequest(serial=issued.serial), metadata=alice)
    history = await pki.ListIssued(certificate_pb2.ListIssuedRequest(namespace="shop", name="cart"), metadata=alice)
    (certificate,), (newest,) = listed.certificates, history.issued
    assert certificate.transparency == newest.transparency == one.transparency == issued.transparency


async def test_a_certificate_of_ours_is_explained_by_what_is_kept_and_by_asking_the_log(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    for ask_logs in (False, True):
        asked = pb.CheckCertificateRequest(serial=issued.serial.upper(), ask_logs=ask_logs)
        found = await ct.CheckCertificate(asked, metadata=alice)
        assert (found.serial, found.state, found.why) == (issued.serial, "logged", "")
        assert list(found.dns_names) == ["cart.shop.svc"]
        (one,) = found.timestamps
        assert (one.delivery, one.verdict, one.included, one.pinned) == ("embedded", "valid", "logged", True)
        assert one.log_id == own_log().log_id.hex()
        assert one.HasField("index")
        assert not found.HasField("advice")  # Chrome has no say in private certificates


async def test_a_chain_of_anybodys_is_explained_and_one_without_timestamps_is_not_logged(
    ct: TransparencyServiceAsyncStub,
    pki: CertificateServiceAsyncStub,
    alice: Metadata,
    issued: certificate_pb2.Certificate,
) -> None:
    whole = await pki.GetIssued(certificate_pb2.GetIssuedRequest(serial=issued.serial), metadata=alice)
    ours = await ct.CheckCertificate(pb.CheckCertificateRequest(pem=whole.chain_pem), metadata=alice)
    assert (ours.state, len(ours.timestamps)) == ("logged", 1)
    authority = to_pem(chain_from_pem(whole.chain_pem, field="pem")[1])
    bare = await ct.CheckCertificate(pb.CheckCertificateRequest(pem=authority), metadata=alice)
    assert (bare.state, bare.why) == ("not_logged", "there is no timestamp of a log in it")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "serial"),
        ({"serial": ""}, "serial"),
        ({"serial": "zz"}, "serial"),
        ({"serial": "\x00"}, "serial"),
        ({"pem": ""}, "pem"),
        ({"pem": "-----BEGIN CERTIFICATE-----"}, "pem"),
        ({"pem": "-----BEGIN PRIVATE KEY-----"}, "pem"),
        ({"serial": "0a", "stapled": b"x"}, "stapled"),
        ({"serial": "0a", "tls": b"x"}, "tls"),
        ({"pem": "ours", "stapled": b"no response"}, "stapled"),
        ({"pem": "ours", "tls": b"\x00\x05no"}, "tls"),
    ],
)
async def test_what_cannot_be_checked_is_refused_with_its_field(
    ct: TransparencyServiceAsyncStub,
    pki: CertificateServiceAsyncStub,
    alice: Metadata,
    issued: certificate_pb2.Certificate,
    values: dict[str, Any],
    field: str,
) -> None:
    if values.get("pem") == "ours":
        whole = await pki.GetIssued(certificate_pb2.GetIssuedRequest(serial=issued.serial), metadata=alice)
        values = {**values, "pem": whole.chain_pem}
    refusal = await refused(ct.CheckCertificate(pb.CheckCertificateRequest(**values), metadata=alice))
    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (refusal.details() or "").split(":")[0] == field


async def test_a_proof_holds_offline_with_nothing_but_what_the_answer_holds(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate, tmp_path: Path
) -> None:
    found = await ct.GetProof(pb.GetProofRequest(serial=issued.serial), metadata=alice)
    assert (found.serial, found.log_id) == (issued.serial, own_log().log_id.hex())
    assert list(found.log_ids) == [found.log_id]
    assert proof_file.read(found.proof).index >= 0
    load_pem_public_key(found.log_key_pem.encode())
    assert len(chain_from_pem(found.certificate_pem, field="pem")) == 2
    names = ("certificate.pem", "proof", "key.pem", "verify_proof.py")
    contents = (found.certificate_pem, found.proof, found.log_key_pem, found.verify_script)
    for name, content in zip(names, contents, strict=True):
        (tmp_path / name).write_text(content)
    command = [sys.executable, "-I", names[3], *names[:3]]
    good = await in_thread(subprocess.run)(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout.count("PASS ")) == (0, 5), good.stdout
    (tmp_path / "proof").write_text(found.proof.replace(f"index {proof_file.read(found.proof).index}", "index 99"))
    bad = await in_thread(subprocess.run)(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert bad.returncode == 1


async def test_there_is_no_proof_of_what_is_not_there(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    for asked, code, field in (
        (pb.GetProofRequest(serial="zz"), grpc.StatusCode.INVALID_ARGUMENT, "serial"),
        (pb.GetProofRequest(serial="0a0b"), grpc.StatusCode.NOT_FOUND, "serial"),
        (pb.GetProofRequest(serial=issued.serial, log_id="00" * 32), grpc.StatusCode.NOT_FOUND, "log_id"),
        (pb.GetProofRequest(serial=issued.serial, log_id="\x00"), grpc.StatusCode.NOT_FOUND, "log_id"),
    ):
        refusal = await refused(ct.GetProof(asked, metadata=alice))
        assert (refusal.code(), (refusal.details() or "").split(":")[0]) == (code, field)


async def test_a_tenant_learns_nothing_of_the_certificates_of_others(
    ct: TransparencyServiceAsyncStub, token_for: TokenFor, issued: certificate_pb2.Certificate
) -> None:
    bank = await token_for("security", "bank")
    for call in (
        ct.GetProof(pb.GetProofRequest(serial=issued.serial), metadata=bank),
        ct.CheckCertificate(pb.CheckCertificateRequest(serial=issued.serial), metadata=bank),
        ct.CheckCertificate(pb.CheckCertificateRequest(serial=issued.serial, ask_logs=True), metadata=bank),
    ):
        refusal = await refused(call)
        assert refusal.code() is grpc.StatusCode.NOT_FOUND
        assert refusal.details() == f"serial: no certificate with serial {issued.serial} was issued here"


async def test_who_may_not_read_certificates_may_not_ask_about_logs_either(
    ct: TransparencyServiceAsyncStub, token_for: TokenFor, issued: certificate_pb2.Certificate
) -> None:
    workload = await token_for("workload")
    for call in (
        ct.GetProof(pb.GetProofRequest(serial=issued.serial), metadata=workload),
        ct.ListLogs(pb.ListLogsRequest(), metadata=workload),
        ct.ListFindings(pb.ListFindingsRequest(), metadata=workload),
        ct.GetBoard(pb.GetBoardRequest(), metadata=workload),
    ):
        assert (await refused(call)).code() is grpc.StatusCode.PERMISSION_DENIED
    unknown = ct.ListLogs(pb.ListLogsRequest())
    assert (await refused(unknown)).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_no_answer_holds_a_private_key(
    ct: TransparencyServiceAsyncStub, alice: Metadata, issued: certificate_pb2.Certificate
) -> None:
    answers = (
        await ct.GetProof(pb.GetProofRequest(serial=issued.serial), metadata=alice),
        await ct.CheckCertificate(pb.CheckCertificateRequest(serial=issued.serial), metadata=alice),
        await ct.ListLogs(pb.ListLogsRequest(), metadata=alice),
    )
    for answer in answers:
        assert not [secret for secret in SECRETS if secret in answer.SerializeToString()]
