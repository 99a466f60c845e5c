"""CertificateService, over the wire: certificates wanted, issued, taken back, judged, signed for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from governance.ledger import queries as ledger
from governance.pki.keys import make_key
from governance.pki.names import Names
from governance.pki.requests import make_request
from governance.pki.worker import issue_due
from tests.gateway.rpc.conftest import Metadata
from tests.gateway.rpc.wanted import CART, in_thread, refused, request

if TYPE_CHECKING:  # it exists for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub


async def test_a_certificate_is_requested_issued_read_and_listed(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: pb.Certificate
) -> None:
    assert (issued.number, issued.state, issued.urgency) == (1, "ok", pb.URGENCY_OK)
    assert (issued.ready.holds, issued.ready.reason, issued.issuing.holds) == (True, "Ready", False)
    assert list(issued.spec.dns_names) == ["cart.shop.svc"]
    assert (issued.spec.secret_name, issued.spec.issuer, issued.spec.duration_s) == ("cart", "internal", 90 * 86_400)
    assert not issued.spec.HasField("renew_before_s")
    page = await pki.ListCertificates(pb.ListCertificatesRequest(namespace="shop"), metadata=alice)
    assert [each.name for each in page.certificates] == ["cart"]
    assert page.revision == await in_thread(ledger.head_revision)()
    listed = await pki.ListIssued(pb.ListIssuedRequest(namespace="shop", name="cart"), metadata=alice)
    assert [(each.serial, each.number) for each in listed.issued] == [(issued.serial, 1)]


async def test_a_dry_run_says_whether_a_change_issues_anew_and_changes_nothing(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: pb.Certificate
) -> None:
    wider = pb.CertificateSpec()
    wider.CopyFrom(CART)
    wider.dns_names.append("basket.shop.svc")
    preview = await pki.RequestCertificate(request(spec=wider, validate_only=True), metadata=alice)
    assert preview.changed
    assert '"reason":"RequestChanged"' in preview.after_json
    later = pb.CertificateSpec(renew_before_pct=50)
    later.MergeFrom(CART)
    quiet = await pki.RequestCertificate(request(spec=later, validate_only=True), metadata=alice)
    assert '"reason":""' in quiet.after_json
    now = await pki.GetCertificate(pb.GetCertificateRequest(namespace="shop", name="cart"), metadata=alice)
    assert (now.revision, now.generation) == (issued.revision, 1)


async def test_certificates_are_listed_by_state_page_by_page(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: pb.Certificate
) -> None:
    for name in ("a", "b", "c"):
        await pki.RequestCertificate(request(name, pb.CertificateSpec(dns_names=[f"{name}.shop.svc"])), metadata=alice)
    asked = pb.ListCertificatesRequest(namespace="shop", state="due", page=common_pb2.PageRequest(page_size=2))
    first = await pki.ListCertificates(asked, metadata=alice)
    asked.page.page_token = first.next_page_token
    second = await pki.ListCertificates(asked, metadata=alice)
    assert [each.name for each in (*first.certificates, *second.certificates)] == ["a", "b", "c"]
    assert second.next_page_token == ""
    wrong = await refused(pki.ListCertificates(pb.ListCertificatesRequest(state="late"), metadata=alice))
    assert "is not one of expired, revoked" in (wrong.details() or "")


async def test_a_revoked_certificate_is_replaced_and_its_chain_does_not_hold_any_more(
    pki: CertificateServiceAsyncStub, alice: Metadata, bob: Metadata, issued: pb.Certificate
) -> None:
    asked = pb.VerifyChainRequest(serial=issued.serial, name="cart.shop.svc")
    good = await pki.VerifyChain(asked, metadata=alice)
    assert (good.ok, good.reason, good.openssl, len(good.steps)) == (True, "ok", "OK", 3)
    shouted = ":".join(f"{byte:02X}" for byte in bytes.fromhex(issued.serial.zfill(40)))
    revocation = pb.RevokeCertificateRequest(serial=shouted, cause="keyCompromise")
    assert (await refused(pki.RevokeCertificate(revocation, metadata=alice))).code() is (
        grpc.StatusCode.PERMISSION_DENIED
    )
    assert (await pki.RevokeCertificate(revocation, metadata=bob)).changed
    bad = await pki.VerifyChain(asked, metadata=alice)
    assert (bad.ok, bad.reason, bad.openssl, bad.steps[0].revoked) == (
        False,
        "revoked",
        "certificate revoked",
        "keyCompromise",
    )
    await in_thread(issue_due)()
    now = await pki.GetCertificate(pb.GetCertificateRequest(namespace="shop", name="cart"), metadata=alice)
    assert (now.number, now.revoked_reason) == (2, "")
    assert now.serial != issued.serial


async def test_a_chain_is_judged_as_it_is_given(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: pb.Certificate
) -> None:
    found = await pki.GetIssued(pb.GetIssuedRequest(serial=issued.serial), metadata=alice)
    leaf = found.chain_pem.split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    alone = await pki.VerifyChain(pb.VerifyChainRequest(pem=leaf), metadata=alice)
    assert (alone.ok, alone.reason) == (False, "unknown_issuer")
    other = pb.VerifyChainRequest(pem=found.chain_pem, name="till.shop.svc")
    assert (await pki.VerifyChain(other, metadata=alice)).reason == "name_mismatch"
    identity = pb.VerifyChainRequest(
        pem=found.chain_pem, purpose="client", name="spiffe://governor.internal/ns/shop/sa/cart"
    )
    assert (await pki.VerifyChain(identity, metadata=alice)).ok
    for bad, field in (
        (pb.VerifyChainRequest(), "serial"),
        (pb.VerifyChainRequest(pem="none"), "pem"),
        (pb.VerifyChainRequest(pem=found.chain_pem, purpose="both"), "purpose"),
        (pb.VerifyChainRequest(pem=found.chain_pem, name="*.shop.svc"), "name"),
        (pb.VerifyChainRequest(pem=found.chain_pem, name="\u202e"), "name"),
    ):
        refusal = await refused(pki.VerifyChain(bad, metadata=alice))
        assert (refusal.code(), (refusal.details() or "").split(":")[0]) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_a_request_over_somebodys_own_key_is_signed_once_and_can_be_revoked(
    pki: CertificateServiceAsyncStub, alice: Metadata, bob: Metadata
) -> None:
    csr = make_request(make_key("ECDSA", 256), Names(dns=("printer.shop.svc",)))
    asked = pb.SignCertificateRequestRequest(
        namespace="shop",
        name="printer",
        csr=csr,
        dns_names=["printer.shop.svc"],
        duration_s=86_400,
        mutation=common_pb2.Mutation(request_id="r1", reason="a printer"),
    )
    first = await pki.SignCertificateRequest(asked, metadata=alice)
    assert (first.issued.holder, first.receipt.action) == ("request/shop/printer", "pki.request.sign")
    again = await pki.SignCertificateRequest(asked, metadata=alice)
    assert (again.receipt.replayed, again.issued.chain_pem) == (True, first.issued.chain_pem)
    verdict = await pki.VerifyChain(
        pb.VerifyChainRequest(serial=first.issued.serial, name="printer.shop.svc"), metadata=alice
    )
    assert verdict.ok
    listed = await pki.ListIssued(
        pb.ListIssuedRequest(namespace="shop", name="printer", kind="request"), metadata=alice
    )
    assert [each.serial for each in listed.issued] == [first.issued.serial]
    revoked = await pki.RevokeCertificate(pb.RevokeCertificateRequest(serial=first.issued.serial), metadata=bob)
    assert revoked.changed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"csr": b"nonsense"}, "csr"),
        ({"dns_names": ["other.shop.svc"]}, "csr"),
        ({"uris": ["spiffe://governor.internal/ns/bank/sa/till"]}, "uris"),
        ({"issuer": "nobody"}, "issuer"),
        ({"name": "No Name"}, "secret_name"),
        ({"duration_s": 60}, "duration_s"),
        ({"usages": ["code signing"]}, "usages"),
    ],
)
async def test_what_may_not_be_signed_is_refused_with_its_field_and_leaves_no_fact(
    pki: CertificateServiceAsyncStub, alice: Metadata, changes: dict[str, Any], field: str
) -> None:
    before = await in_thread(ledger.head_revision)()
    values: dict[str, Any] = {
        "namespace": "shop",
        "name": "printer",
        "csr": make_request(make_key("ECDSA", 256), Names(dns=("printer.shop.svc",))),
        "dns_names": ["printer.shop.svc"],
    }
    refusal = await refused(
        pki.SignCertificateRequest(pb.SignCertificateRequestRequest(**{**values, **changes}), metadata=alice)
    )
    assert (refusal.details() or "").split(":")[0] == field
    assert await in_thread(ledger.head_revision)() == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"dns_names": []}, "spec.dns_names"),
        ({"dns_names": ["UPPER.shop.svc"]}, "spec.dns_names"),
        ({"duration_s": 10**9}, "spec.duration_s"),
        ({"renew_before_s": 600, "renew_before_pct": 10}, "spec.renew_before_pct"),
        ({"private_key": pb.KeySpec(algorithm="Ed25519")}, "spec.private_key.algorithm"),
        ({"private_key": pb.KeySpec(algorithm="RSA", size=1024)}, "spec.private_key.size"),
        ({"windows": [pb.RenewalWindow(cron="often", duration_s=600)]}, "spec.windows"),
        ({"uris": ["spiffe://governor.internal/ns/bank/sa/till"]}, "spec.uris"),
        ({"consumers": ["spiffe://elsewhere/ns/shop/sa/cart"]}, "spec.consumers"),
    ],
)
async def test_a_spec_that_cannot_be_kept_is_refused_with_its_field(
    pki: CertificateServiceAsyncStub, alice: Metadata, values: dict[str, Any], field: str
) -> None:
    spec = pb.CertificateSpec(**{"dns_names": ["cart.shop.svc"], **values})
    refusal = await refused(pki.RequestCertificate(request(spec=spec), metadata=alice))
    assert (refusal.code(), (refusal.details() or "").split(":")[0]) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_a_stale_change_is_refused_and_the_next_one_goes_through(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: pb.Certificate
) -> None:
    old = request(spec=pb.CertificateSpec(dns_names=["x.shop.svc"]), if_revision=issued.revision - 1)
    assert (await refused(pki.RequestCertificate(old, metadata=alice))).code() is grpc.StatusCode.ABORTED
    old.mutation.if_revision = issued.revision
    assert (await pki.RequestCertificate(old, metadata=alice)).changed
    assert await in_thread(issue_due)() == 1
    once = pb.IssueNowRequest(namespace="shop", name="cart")
    assert (await pki.IssueNow(once, metadata=alice)).changed
    assert await in_thread(issue_due)() == 1
    gone = await pki.DeleteCertificate(pb.DeleteCertificateRequest(namespace="shop", name="cart"), metadata=alice)
    assert gone.after_json == ""
    assert (await refused(pki.IssueNow(once, metadata=alice))).code() is grpc.StatusCode.NOT_FOUND


async def test_the_forecast_counts_each_renewal_on_its_day(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: pb.Certificate
) -> None:
    found = await pki.Forecast(pb.ForecastRequest(namespace="shop"), metadata=alice)
    day = (issued.renew_at.ToDatetime() - found.since.ToDatetime()).days
    assert (len(found.renewals), sum(found.renewals), found.renewals[day]) == (90, 1, 1)
    assert len((await pki.Forecast(pb.ForecastRequest(days=7), metadata=alice)).renewals) == 7
    for days in (-1, 367):
        assert (await refused(pki.Forecast(pb.ForecastRequest(days=days), metadata=alice))).code() is (
            grpc.StatusCode.INVALID_ARGUMENT
        )
