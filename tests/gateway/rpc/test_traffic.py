"""TrafficService and AuditService, over the wire."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from asgiref.sync import sync_to_async

from gateway.proto import audit_pb2, common_pb2
from gateway.proto import traffic_pb2 as pb
from gateway.proto.audit_pb2_grpc import AuditServiceStub
from gateway.proto.traffic_pb2_grpc import TrafficServiceStub
from governance.dataplane import observe
from governance.dataplane.observe import Sample
from governance.dataplane.values import Client, TypeSync
from governance.kernel.clock import now
from governance.ledger import queries as ledger
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.test_registry import add, stub_of

if TYPE_CHECKING:  # these exist for the type checker alone
    from gateway.proto.audit_pb2_grpc import AuditServiceAsyncStub
    from gateway.proto.traffic_pb2_grpc import TrafficServiceAsyncStub


def traffic(channel: grpc.aio.Channel) -> TrafficServiceAsyncStub:
    return TrafficServiceStub(channel)


def audit(channel: grpc.aio.Channel) -> AuditServiceAsyncStub:
    return AuditServiceStub(channel)


def switch(policy: str, **values: object) -> pb.SwitchBalancingRequest:
    return pb.SwitchBalancingRequest(
        namespace="shop",
        service="checkout",
        balancing=pb.Balancing(policy=policy, **values),  # type: ignore[arg-type]
    )


def connected(revision: int, acked: int) -> Client:
    at = now()
    cluster = TypeSync(type="cluster", sent_version=str(revision), acked_version=str(acked), sent_at=at, acked_at=at)
    return Client(
        name="n~1",
        node_id="n",
        kind="grpc-python",
        version="1.85.1",
        zone="z1",
        address="127.0.0.1",
        mode="sotw",
        lb_extensions=(),
        connected=True,
        connected_at=at,
        seen_at=at,
        types=(cluster,),
        services=("shop/checkout",),
        revision=revision,
    )


@pytest.fixture
async def operator(channel: grpc.aio.Channel, token_for: TokenFor) -> Metadata:
    """An operator's token, with the service shop/checkout of four instances in place."""
    token = await token_for("operator")
    await add(stub_of(channel), "shop", "checkout", token, "c0", "c1", "c2", "c3")
    return token


async def test_a_switch_is_validated_applied_listed_and_rolled_back(
    channel: grpc.aio.Channel, operator: Metadata
) -> None:
    stub = traffic(channel)
    request = switch("wrr", weights={"c0": 3})
    preview = await stub.ValidateBalancing(request, metadata=operator)
    assert preview.receipt.changed
    assert preview.intended[0].share_ppm["c0"] == 500_000

    first = await stub.SwitchBalancing(request, metadata=operator)
    await stub.SwitchBalancing(switch("ring_hash"), metadata=operator)
    back = pb.RollbackBalancingRequest(namespace="shop", service="checkout", to_revision=first.revision)
    restored = await stub.RollbackBalancing(back, metadata=operator)
    state = await stub.GetBalancing(pb.GetBalancingRequest(namespace="shop", service="checkout"), metadata=operator)
    assert (state.revision, state.balancing.policy) == (restored.revision, "weighted_round_robin")
    listed = await stub.ListBalancingRevisions(
        pb.ListBalancingRevisionsRequest(namespace="shop", service="checkout"), metadata=operator
    )
    assert [each.balancing.policy for each in listed.revisions] == [
        "weighted_round_robin",
        "ring_hash",
        "weighted_round_robin",
    ]
    assert {each.door for each in listed.revisions} == {"grpc"}


async def test_a_viewer_sees_policies_and_switches_none(
    channel: grpc.aio.Channel, operator: Metadata, token_for: TokenFor
) -> None:
    viewer = await token_for("viewer")
    await traffic(channel).GetBalancing(pb.GetBalancingRequest(namespace="shop", service="checkout"), metadata=viewer)
    for method in (traffic(channel).SwitchBalancing, traffic(channel).ValidateBalancing):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await method(switch("ring_hash"), metadata=viewer)
        assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_watching_a_switch_shows_sent_then_acknowledged_then_observed(
    channel: grpc.aio.Channel, operator: Metadata
) -> None:
    store = sync_to_async(observe.clients, thread_sensitive=False)
    receipt = await traffic(channel).SwitchBalancing(switch("rr", timeout_ms=500), metadata=operator)
    await store("p", [connected(receipt.revision, 0)])
    request = pb.WatchSwitchRequest(namespace="shop", service="checkout", revision=receipt.revision, max_s=30)
    stream = traffic(channel).WatchSwitch(request, metadata=operator)
    first = await stream.read()
    assert isinstance(first, pb.SwitchProgress)
    assert (first.waiting, first.clients[0].delivery) == (1, pb.DELIVERY_SENT)
    assert not first.shares[0].HasField("observed_ppm")

    await store("p", [connected(receipt.revision, receipt.revision)])
    second = await stream.read()
    assert isinstance(second, pb.SwitchProgress)
    assert (second.acked, second.clients[0].delivery) == (1, pb.DELIVERY_ACKED)
    assert second.clients[0].HasField("acked_after_ms")

    began = receipt.at.ToDatetime(tzinfo=now().tzinfo) + timedelta(seconds=5)
    sample = Sample(
        started_at=began,
        at=began + timedelta(seconds=1),
        client="n~1",
        node_id="n",
        namespace="shop",
        service="checkout",
        endpoint="c0",
        issued=300,
        succeeded=300,
        errors=0,
        in_progress=0,
    )
    samples = [sample, replace(sample, endpoint="c1", issued=100, succeeded=100)]
    await sync_to_async(observe.loads, thread_sensitive=False)(samples)
    third = await stream.read()
    assert isinstance(third, pb.SwitchProgress)
    assert third.settled
    assert {share.endpoint: share.observed_ppm for share in third.shares}["c0"] == 750_000
    stream.cancel()


async def test_a_switch_that_a_connected_client_would_reject_needs_force(
    channel: grpc.aio.Channel, operator: Metadata
) -> None:
    await sync_to_async(observe.clients, thread_sensitive=False)("p", [connected(1, 1)])
    request = switch("least_request", strict=True)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await traffic(channel).SwitchBalancing(request, metadata=operator)
    assert "balancing.policy" in (refusal.value.details() or "")
    preview = await traffic(channel).ValidateBalancing(request, metadata=operator)
    assert preview.clients[0].verdict == pb.VERDICT_WOULD_REJECT
    request.force = True
    assert (await traffic(channel).SwitchBalancing(request, metadata=operator)).changed


async def test_the_tail_begins_where_it_is_told_and_goes_on(channel: grpc.aio.Channel, operator: Metadata) -> None:
    before = await sync_to_async(ledger.head_revision)()
    stream = audit(channel).TailEvents(audit_pb2.TailEventsRequest(after=before - 1), metadata=operator)
    first = await stream.read()
    await traffic(channel).SwitchBalancing(switch("ring_hash"), metadata=operator)
    second = await stream.read()
    assert isinstance(first, audit_pb2.Event)
    assert isinstance(second, audit_pb2.Event)
    assert (first.seq, second.seq, second.action) == (before, before + 1, "traffic.balancing.switch")
    stream.cancel()


async def test_events_are_listed_newest_first_and_by_filter(channel: grpc.aio.Channel, operator: Metadata) -> None:
    await traffic(channel).SwitchBalancing(switch("ring_hash"), metadata=operator)
    request = audit_pb2.ListEventsRequest(stream=audit_pb2.STREAM_CHANGES, action="registry")
    request.page.CopyFrom(common_pb2.PageRequest(page_size=2))
    page = await audit(channel).ListEvents(request, metadata=operator)
    assert [event.thing.rpartition("/")[2] for event in page.events] == ["c3", "c2"]
    request.page.page_token = page.next_page_token
    following = await audit(channel).ListEvents(request, metadata=operator)
    assert [event.thing.rpartition("/")[2] for event in following.events] == ["c1", "c0"]
