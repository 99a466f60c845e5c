"""CertificateService, over the wire: who signs, what is imported, and how a root is replaced."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from governance.compliance import queries as compliance
from governance.compliance.stream import calls
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from governance.pki import authority as ca
from governance.pki.keys import make_key, to_pem
from governance.pki.worker import issue_due
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.wanted import SECRETS, in_thread, refused, request

if TYPE_CHECKING:  # it exists for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub


@pytest.fixture
def elsewhere() -> ca.Authority:
    """A signer below a root, made elsewhere."""
    at, key = now(), make_key("ECDSA", 256)
    root_key = make_key("ECDSA", 256)
    root = ca.Authority(
        certificate=ca.make_root(root_key, common_name="Old root", life=timedelta(days=3650), at=at), key=root_key
    )
    made = ca.make_intermediate(root, key.public_key(), common_name="Old CA", life=timedelta(days=900), at=at)
    return ca.Authority(certificate=made, key=key, chain=(made,))


def imported(authority: ca.Authority, **values: object) -> pb.ImportIssuerRequest:
    return pb.ImportIssuerRequest(
        **{
            "name": "old",
            "certificate": ca.to_pem(*authority.chain),
            "key": to_pem(authority.key).decode(),
            **values,
        }  # type: ignore[arg-type]
    )


async def test_authorities_are_listed_with_what_they_signed_and_where_to_ask(
    pki: CertificateServiceAsyncStub, alice: Metadata, issued: pb.Certificate
) -> None:
    found = await pki.ListAuthorities(pb.ListAuthoritiesRequest(), metadata=alice)
    root, signer = found.authorities
    assert (root.kind, signer.kind, signer.parent, signer.state) == ("root", "intermediate", root.id, "active")
    assert signer.issued >= 3
    assert signer.live == signer.issued
    assert signer.crl_url.endswith(f"/pki/{signer.id}.crl")
    assert found.roots_pem == root.pem
    (issuer,) = (await pki.ListIssuers(pb.ListIssuersRequest(), metadata=alice)).issuers
    assert (issuer.name, issuer.signer) == ("internal", signer.id)


async def test_an_imported_authority_signs_and_nothing_anywhere_holds_its_key(
    pki: CertificateServiceAsyncStub, alice: Metadata, bob: Metadata, elsewhere: ca.Authority
) -> None:
    asked = imported(elsewhere, namespaces=["shop"], dns_names=["shop.svc"])
    receipt = await pki.ImportIssuer(asked, metadata=bob)
    assert (receipt.thing, receipt.changed) == ("issuer/old", True)
    spec = pb.CertificateSpec(issuer="old", dns_names=["cart.shop.svc"], duration_s=86_400)
    await pki.RequestCertificate(request(spec=spec), metadata=alice)
    await in_thread(issue_due)()
    made = await pki.GetCertificate(pb.GetCertificateRequest(namespace="shop", name="cart"), metadata=alice)
    got = await pki.GetIssued(pb.GetIssuedRequest(serial=made.serial), metadata=alice)
    assert ca.to_pem(elsewhere.certificate) in got.chain_pem
    key = to_pem(elsewhere.key).decode().splitlines()[1]
    assert calls().flush(20)
    recorded = await in_thread(compliance.after)(0, limit=10_000)
    entry = await in_thread(ledger.get)(receipt.revision)
    assert [each for each in recorded if each.action == "rpc.CertificateService.ImportIssuer"]
    assert key not in str((recorded, entry, receipt))
    assert not [secret for secret in SECRETS if secret.decode() in str((recorded, entry, receipt))]


async def test_a_key_with_a_passphrase_is_opened_by_it_alone(
    pki: CertificateServiceAsyncStub, bob: Metadata, elsewhere: ca.Authority
) -> None:
    locked = elsewhere.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")
    ).decode()
    for passphrase in ("", "open barley"):
        refusal = await refused(pki.ImportIssuer(imported(elsewhere, key=locked, passphrase=passphrase), metadata=bob))
        assert (refusal.details() or "").startswith("key: ")
    opened = imported(elsewhere, key=locked, passphrase="open sesame")
    assert (await pki.ImportIssuer(opened, metadata=bob)).changed


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Old CA"}, "name"),
        ({"certificate": "nothing"}, "certificate"),
        ({"key": to_pem(make_key("ECDSA", 256)).decode()}, "key"),
        ({"max_duration_s": 200 * 86_400}, "max_duration_s"),
        ({"max_duration_s": 60}, "max_duration_s"),
        ({"namespaces": ["No Name"]}, "namespaces"),
        ({"dns_names": ["*.shop.svc"]}, "dns_names"),
        ({"name": "internal"}, "name"),
    ],
)
async def test_an_authority_that_cannot_be_used_is_refused_with_its_field(
    pki: CertificateServiceAsyncStub, bob: Metadata, elsewhere: ca.Authority, values: dict[str, object], field: str
) -> None:
    refusal = await refused(pki.ImportIssuer(imported(elsewhere, **values), metadata=bob))
    assert (refusal.details() or "").split(":")[0] == field
    assert b"PRIVATE KEY" not in (refusal.details() or "").encode()


async def test_the_same_authority_is_imported_once(
    pki: CertificateServiceAsyncStub, bob: Metadata, elsewhere: ca.Authority
) -> None:
    assert (await pki.ImportIssuer(imported(elsewhere), metadata=bob)).changed
    twice = await refused(pki.ImportIssuer(imported(elsewhere, name="again"), metadata=bob))
    assert (twice.code(), (twice.details() or "").split(":")[0]) == (grpc.StatusCode.ALREADY_EXISTS, "certificate")


async def test_a_root_is_replaced_step_by_step_or_not_at_all(
    pki: CertificateServiceAsyncStub, alice: Metadata, bob: Metadata, issued: pb.Certificate
) -> None:
    tried = pb.PrepareRotationRequest(mutation=common_pb2.Mutation(validate_only=True))
    assert (await pki.PrepareRotation(tried, metadata=bob)).changed
    assert not (await pki.GetRotation(pb.GetRotationRequest(), metadata=alice)).HasField("open")
    await pki.PrepareRotation(pb.PrepareRotationRequest(), metadata=bob)
    under_way = (await pki.GetRotation(pb.GetRotationRequest(), metadata=alice)).open
    assert (under_way.phase, under_way.gate.step, under_way.gate.open) == ("prepared", "distributing", True)
    skipped = await refused(pki.AdvanceRotation(pb.AdvanceRotationRequest(to="retired"), metadata=bob))
    assert skipped.code() is grpc.StatusCode.ALREADY_EXISTS
    for step in ("distributing", "activated", "reissuing"):
        await pki.AdvanceRotation(pb.AdvanceRotationRequest(to=step), metadata=bob)
    waiting = (await pki.GetRotation(pb.GetRotationRequest(), metadata=alice)).open.gate
    assert "shop/cart" in waiting.missing
    closed = await refused(pki.AdvanceRotation(pb.AdvanceRotationRequest(to="retired"), metadata=bob))
    assert "shop/cart" in (closed.details() or "")
    assert (await pki.AbortRotation(pb.AbortRotationRequest(), metadata=bob)).changed
    after = await pki.GetRotation(pb.GetRotationRequest(), metadata=alice)
    assert (after.HasField("open"), [each.phase for each in after.ended]) == (False, ["aborted"])


async def test_a_tenant_is_told_of_its_own_consumers_and_issuers_and_of_no_counts(
    pki: CertificateServiceAsyncStub,
    bob: Metadata,
    token_for: TokenFor,
    issued: pb.Certificate,
    elsewhere: ca.Authority,
) -> None:
    await pki.ImportIssuer(imported(elsewhere, namespaces=["shop", "mall"]), metadata=bob)
    await pki.PrepareRotation(pb.PrepareRotationRequest(), metadata=bob)
    for step in ("distributing", "activated", "reissuing"):
        await pki.AdvanceRotation(pb.AdvanceRotationRequest(to=step), metadata=bob)
    bank, shop = await token_for("operator", "bank"), await token_for("operator", "shop")
    foreign = (await pki.GetRotation(pb.GetRotationRequest(), metadata=bank)).open
    assert (foreign.phase, list(foreign.gate.missing)) == ("reissuing", [])
    assert "shop" not in str(foreign)
    own = (await pki.GetRotation(pb.GetRotationRequest(), metadata=shop)).open
    assert list(own.gate.missing) == ["shop/cart"]
    seen = await pki.ListAuthorities(pb.ListAuthoritiesRequest(), metadata=bank)
    assert {each.issuer for each in seen.authorities} == {"internal"}
    assert not any(each.HasField("issued") or each.HasField("live") for each in seen.authorities)
    assert [each.name for each in (await pki.ListIssuers(pb.ListIssuersRequest(), metadata=bank)).issuers] == [
        "internal"
    ]
    (_, old) = (await pki.ListIssuers(pb.ListIssuersRequest(), metadata=shop)).issuers
    assert (old.name, list(old.namespaces)) == ("old", ["shop"])
    hidden = pki.GetRotation(pb.GetRotationRequest(issuer="old"), metadata=bank)
    assert (await refused(hidden)).code() is grpc.StatusCode.NOT_FOUND


async def test_authorities_are_for_security_to_change(
    pki: CertificateServiceAsyncStub, alice: Metadata, token_for: TokenFor, elsewhere: ca.Authority
) -> None:
    officer = await token_for("security", "shop")
    for who in (alice, officer):
        for call in (
            pki.ImportIssuer(imported(elsewhere), metadata=who),
            pki.PrepareRotation(pb.PrepareRotationRequest(), metadata=who),
            pki.AdvanceRotation(pb.AdvanceRotationRequest(to="distributing"), metadata=who),
            pki.AbortRotation(pb.AbortRotationRequest(), metadata=who),
        ):
            assert (await refused(call)).code() is grpc.StatusCode.PERMISSION_DENIED
