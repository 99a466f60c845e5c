"""RegistryService, over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from gateway.proto import common_pb2 as common
from gateway.proto import registry_pb2 as pb
from gateway.proto.registry_pb2_grpc import RegistryServiceStub
from tests.gateway.rpc.conftest import Metadata, TokenFor

if TYPE_CHECKING:  # these exist for the type checker alone
    from gateway.proto.registry_pb2_grpc import RegistryServiceAsyncStub


def stub_of(channel: grpc.aio.Channel) -> RegistryServiceAsyncStub:
    return RegistryServiceStub(channel)


async def add(
    stub: RegistryServiceAsyncStub, namespace: str, name: str, by: Metadata, *endpoints: str
) -> list[pb.RegisterEndpointResponse]:
    await stub.CreateService(pb.CreateServiceRequest(namespace=namespace, name=name), metadata=by)
    return [
        await stub.RegisterEndpoint(
            pb.RegisterEndpointRequest(
                namespace=namespace, service=name, name=each, host="127.0.0.1", port=7000 + n, zone="z1"
            ),
            metadata=by,
        )
        for n, each in enumerate(endpoints)
    ]


async def test_an_instance_registers_keeps_its_lease_and_sees_what_operators_changed(
    channel: grpc.aio.Channel, token_for: TokenFor
) -> None:
    stub, operator, workload = stub_of(channel), await token_for("operator"), await token_for("workload")
    await stub.CreateService(pb.CreateServiceRequest(namespace="shop", name="checkout"), metadata=operator)
    request = pb.RegisterEndpointRequest(
        namespace="shop", service="checkout", name="c0", host="127.0.0.1", port=7000, zone="z1"
    )
    registered = await stub.RegisterEndpoint(request, metadata=workload)
    change = pb.EndpointChange(name="c0", isolated=True, metadata={"note": "being mended"})
    await stub.UpdateEndpoints(
        pb.UpdateEndpointsRequest(namespace="shop", service="checkout", changes=[change]), metadata=operator
    )
    kept = await stub.KeepAlive(pb.KeepAliveRequest(lease_id=registered.lease_id), metadata=workload)
    assert (kept.endpoint.isolated, kept.endpoint.ttl_s) == (True, 30)
    assert kept.endpoint.metadata["note"] == "being mended"
    assert kept.lease_expires_at.ToDatetime() >= registered.lease_expires_at.ToDatetime()


async def test_a_lease_that_never_was_is_not_found(channel: grpc.aio.Channel, token_for: TokenFor) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub_of(channel).KeepAlive(pb.KeepAliveRequest(lease_id="none"), metadata=await token_for("workload"))
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND


async def test_pages_follow_each_other_without_gap_or_repetition(
    channel: grpc.aio.Channel, token_for: TokenFor
) -> None:
    stub, operator = stub_of(channel), await token_for("operator")
    for n in range(5):
        await stub.CreateService(pb.CreateServiceRequest(namespace="shop", name=f"s{n}"), metadata=operator)
    names, token = [], ""
    while True:
        page = common.PageRequest(page_size=2, page_token=token)
        answer = await stub.ListServices(pb.ListServicesRequest(page=page), metadata=operator)
        names += [service.name for service in answer.services]
        if not (token := answer.next_page_token):
            break
    assert names == ["s0", "s1", "s2", "s3", "s4"]


@pytest.mark.parametrize(
    ("page", "field"),
    [
        (common.PageRequest(page_size=1001), "page.page_size"),
        (common.PageRequest(page_size=-1), "page.page_size"),
        (common.PageRequest(page_token="bm9uc2Vuc2U"), "page.page_token"),
        (common.PageRequest(page_token="WzEsMl0"), "page.page_token"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    channel: grpc.aio.Channel, token_for: TokenFor, page: common.PageRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub_of(channel).ListServices(pb.ListServicesRequest(page=page), metadata=await token_for("viewer"))
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in (refusal.value.details() or "")


async def test_another_namespace_is_as_if_it_were_not_there(channel: grpc.aio.Channel, token_for: TokenFor) -> None:
    stub, operator, viewer = stub_of(channel), await token_for("operator"), await token_for("viewer", "shop")
    await add(stub, "shop", "checkout", operator, "c0")
    await add(stub, "bank", "ledger", operator, "l0")
    listed = await stub.ListServices(pb.ListServicesRequest(), metadata=viewer)
    assert [service.name for service in listed.services] == ["checkout"]
    texts = []
    for name in ("ledger", "no-such-service"):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await stub.GetService(pb.GetServiceRequest(namespace="bank", name=name), metadata=viewer)
        assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
        texts.append((refusal.value.details() or "").replace(name, "X"))
    assert texts[0] == texts[1]


async def test_an_operator_of_one_namespace_changes_nothing_in_another(
    channel: grpc.aio.Channel, token_for: TokenFor
) -> None:
    stub, elsewhere = stub_of(channel), await token_for("operator", "shop")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.CreateService(pb.CreateServiceRequest(namespace="bank", name="ledger"), metadata=elsewhere)
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED
