"""The same certificate, asked for at each of the three doors, is the same: receipt, fact, refusal, answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from gateway.proto.certificate_pb2_grpc import CertificateServiceStub
from governance.access import tokens
from governance.access.commands import CreatePerson, CreateToken, GrantRole
from governance.access.values import RoleGrant, TokenSpec
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.setup import ensure_pki
from governance.pki.worker import issue_due
from tests.fixtures.grpcweb import GrpcWeb, GrpcWebError
from tests.fixtures.processes import LIMIT_S, Start, grpc_address, start
from tests.gateway.live.conftest import Door

__all__ = ["grpc_address", "start"]

SERVICE = "/governor.admin.v1.CertificateService/"
SPEC: dict[str, Any] = {"dns_names": ["cart.shop.svc"], "duration_s": 86_400}
# The receipt, or the refused fields.
Answer = tuple[dict[str, Any], list[str]]


def request(spec: Mapping[str, Any], request_id: str) -> pb.RequestCertificateRequest:
    return pb.RequestCertificateRequest(
        namespace="shop",
        name="cart",
        spec=pb.CertificateSpec(**spec),
        mutation=common_pb2.Mutation(request_id=request_id),
    )


def told(receipt: common_pb2.Receipt) -> dict[str, Any]:
    found = {name: getattr(receipt, name) for name in ("revision", "changed", "replayed")}
    return {**found, "after": json.loads(receipt.after_json)}


@dataclass(frozen=True)
class Native:
    """The native port."""

    channel: grpc.Channel
    token: str

    def __call__(self, spec: Mapping[str, Any], request_id: str = "") -> Answer:
        stub: Any = CertificateServiceStub(self.channel)
        sent = (("authorization", f"Bearer {self.token}"),)
        try:
            return told(stub.RequestCertificate(request(spec, request_id), metadata=sent, timeout=20)), []
        except grpc.RpcError as error:
            bad, call = error_details_pb2.BadRequest(), cast(grpc.Call, error)
            assert any(detail.Unpack(bad) for detail in rpc_status.from_call(call).details)
            return {}, [each.field.removeprefix("spec.") for each in bad.field_violations]


@dataclass(frozen=True)
class Web:
    """gRPC-Web."""

    client: GrpcWeb

    def __call__(self, spec: Mapping[str, Any], request_id: str = "") -> Answer:
        try:
            receipt = self.client.unary(f"{SERVICE}RequestCertificate", request(spec, request_id), common_pb2.Receipt)
        except GrpcWebError as error:
            return {}, [field.removeprefix("spec.") for field in error.violations]
        return told(receipt), []


@dataclass(frozen=True)
class Rest:
    """JSON."""

    url: str
    token: str

    def __call__(self, spec: Mapping[str, Any], request_id: str = "") -> Answer:
        sent = {"authorization": f"Bearer {self.token}", **({"idempotency-key": request_id} if request_id else {})}
        answer = httpx.put(f"{self.url}/api/v1/certificates/shop/cart", json=dict(spec), headers=sent)
        body = answer.json()
        if answer.status_code >= 400:
            return {}, [each["field"] for each in body["errors"]]
        return {name: body[name] for name in ("revision", "changed", "replayed", "after")}, []


Doors = tuple[Native, Web, Rest]


@pytest.fixture
def token(door: Door) -> str:
    """An operator's, with an issuer in place."""
    ensure_pki()
    execute(CreatePerson(username="olga", must_change_password=False), by=SYSTEM)
    execute(GrantRole(username="olga", role="operator", namespace=EVERYWHERE), by=SYSTEM)
    secret = tokens.make()
    spec = TokenSpec(name="ci", grants=(RoleGrant(role="operator"),), lifetime_s=3600)
    execute(CreateToken(owner="olga", spec=spec, digest=tokens.digest(secret)), by=SYSTEM)
    return secret


@pytest.fixture
def doors(token: str, door: Door, start: Start, grpc_address: str) -> Iterator[Doors]:
    """The native port in a process of its own, gRPC-Web and REST in this one; one token opens all of them."""
    start("xds")
    url = f"http://{door.address}"
    with grpc.insecure_channel(grpc_address) as channel:
        grpc.channel_ready_future(channel).result(LIMIT_S)
        yield Native(channel, token), Web(GrpcWeb(url, token)), Rest(url, token)


def test_the_doors_make_the_same_of_the_same_request(doors: Doors) -> None:
    first, _ = doors[0](SPEC, "r1")
    assert first["changed"]
    head = ledger.head_revision()
    for ask in doors:
        again, _ = ask(SPEC, "r1")
        assert again == {**first, "replayed": True}
        unchanged, _ = ask(SPEC)
        assert (unchanged["changed"], unchanged["after"]) == (False, first["after"])
    assert ledger.head_revision() == head
    entry = ledger.get(first["revision"])
    assert entry is not None
    assert (entry.actor, entry.action) == ("olga/ci", "pki.certificate.request")


def test_the_doors_refuse_the_same_with_the_same_fields_and_leave_no_fact(doors: Doors) -> None:
    head = ledger.head_revision()
    for wrong, fields in (
        ({**SPEC, "duration_s": 60}, ["duration_s"]),
        ({**SPEC, "uris": ["spiffe://governor.internal/ns/bank/sa/cart"]}, ["uris"]),
        ({**SPEC, "renew_before_s": 600, "renew_before_pct": 5}, ["renew_before_pct"]),
        ({**SPEC, "private_key": {"algorithm": "Ed25519"}}, ["private_key.algorithm"]),
        ({**SPEC, "issuer": "nobody"}, ["issuer"]),
    ):
        assert [ask(wrong)[1] for ask in doors] == [fields] * 3, wrong
    assert ledger.head_revision() == head


def test_a_change_at_one_door_is_seen_at_the_others(doors: Doors, door: Door, token: str) -> None:
    native, web, rest = doors
    wider = {**SPEC, "dns_names": ["cart.shop.svc", "basket.shop.svc"]}
    web(SPEC)
    rest(wider)
    assert issue_due() == 1
    get = pb.GetCertificateRequest(namespace="shop", name="cart")
    seen = GrpcWeb(f"http://{door.address}", token).unary(f"{SERVICE}GetCertificate", get, pb.Certificate)
    assert (list(seen.spec.dns_names), seen.number, seen.state) == (wider["dns_names"], 1, "ok")
    receipt, _ = native(wider)
    assert not receipt["changed"]
