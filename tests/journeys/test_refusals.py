"""A bad policy is refused alike at every door: with its field and reason, one refusal event, and no fact."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2, status_pb2

from gateway.proto import audit_pb2, common_pb2, traffic_pb2, traffic_pb2_grpc
from tests.fixtures.grpcweb import GrpcWebError
from tests.fixtures.product import eventually, problem
from tests.journeys.conftest import Shop

SWITCH = "/governor.admin.v1.TrafficService/SwitchBalancing"
LIST_EVENTS = "/governor.admin.v1.AuditService/ListEvents"


@dataclass
class Ask:
    """One switch that is asked for."""

    policy: str = "round_robin"
    weights: dict[str, int] = field(default_factory=dict)
    timeout_ms: int | None = None
    if_revision: int | None = None
    request_id: str = ""

    def message(self) -> traffic_pb2.SwitchBalancingRequest:
        return traffic_pb2.SwitchBalancingRequest(
            namespace="shop",
            service="checkout",
            balancing=traffic_pb2.Balancing(policy=self.policy, weights=self.weights, timeout_ms=self.timeout_ms),
            mutation=common_pb2.Mutation(if_revision=self.if_revision, request_id=self.request_id),
        )


@dataclass(frozen=True)
class Refusal:
    """What a door answered: the field without the request's own nesting, and the words."""

    code: str
    field: str
    message: str


Door = Callable[[Shop, Ask], Refusal | None]
_HTTP = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 409: "ALREADY_EXISTS", 412: "ABORTED"}
_CODES = {code.value[0]: code.name for code in grpc.StatusCode}


def _plain(field_name: str) -> str:
    return field_name.removeprefix("balancing.").removeprefix("mutation.")


def grpc_web(shop: Shop, ask: Ask) -> Refusal | None:
    try:
        shop.web.unary(SWITCH, ask.message(), common_pb2.Receipt)
    except GrpcWebError as refused:
        name, message = next(iter(refused.violations.items()))
        return Refusal(_CODES[refused.code], _plain(name), message)
    return None


def native(shop: Shop, ask: Ask) -> Refusal | None:
    with grpc.insecure_channel(shop.product.grpc) as channel:
        stub = traffic_pb2_grpc.TrafficServiceStub(channel)
        try:
            stub.SwitchBalancing(ask.message(), metadata=(("authorization", f"Bearer {shop.operator}"),), timeout=30)
        except grpc.RpcError as refused:
            trailers = {entry[0]: entry[1] for entry in refused.trailing_metadata()}  # type: ignore[index]
            status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
            bad = error_details_pb2.BadRequest()
            assert any(detail.Unpack(bad) for detail in status.details)
            first = bad.field_violations[0]
            return Refusal(refused.code().name, _plain(first.field), first.description)
    return None


def rest(shop: Shop, ask: Ask) -> Refusal | None:
    body: dict[str, Any] = {"service": "shop/checkout", "policy_name": ask.policy, "request_id": ask.request_id}
    body |= {"weights": ask.weights} if ask.weights else {}
    body |= {"timeout_ms": ask.timeout_ms} if ask.timeout_ms is not None else {}
    body |= {"resource_version": ask.if_revision} if ask.if_revision is not None else {}
    answer = httpx.post(
        f"{shop.product.url}/admin/v1/lb/config:update",
        content=json.dumps(body),
        headers={"content-type": "application/json", "authorization": f"Bearer {shop.operator}"},
        timeout=30,
    )
    if answer.is_success:
        return None
    errors: Any = problem(answer)["errors"]
    renamed = {"policy_name": "policy", "resource_version": "if_revision"}
    name = errors[0]["field"]
    return Refusal(_HTTP[answer.status_code], renamed.get(name, name), errors[0]["message"])


DOORS = pytest.mark.parametrize("door", [grpc_web, native, rest])


def _refused(shop: Shop) -> list[int]:
    request = audit_pb2.ListEventsRequest(stream=audit_pb2.STREAM_CALLS, outcome="refused")
    request.page.page_size = 1000
    events = shop.audit.unary(LIST_EVENTS, request, audit_pb2.ListEventsResponse).events
    return [event.seq for event in events]


def _facts(shop: Shop) -> int:
    """How often balancing changed; other facts, such as flips of health, come and go meanwhile."""
    request = audit_pb2.ListEventsRequest(stream=audit_pb2.STREAM_CHANGES, action="traffic")
    request.page.page_size = 1000
    return len(shop.audit.unary(LIST_EVENTS, request, audit_pb2.ListEventsResponse).events)


def _check_refused(shop: Shop, door: Door, ask: Ask, code: str, name: str, words: str) -> None:
    facts, refused = _facts(shop), _refused(shop)
    refusal = door(shop, ask)
    assert refusal is not None, "it was not refused"
    assert (refusal.code, refusal.field) == (code, name)
    assert words in refusal.message
    eventually(lambda: len(_refused(shop)) > len(refused), what="the refusal event")
    assert len(_refused(shop)) == len(refused) + 1
    assert _facts(shop) == facts


@DOORS
@pytest.mark.parametrize(
    ("ask", "name", "words"),
    [
        (Ask(policy="fastest"), "policy", "is not one of"),
        (Ask("wrr", dict.fromkeys(["c0", "c1", "c2", "c3"], 0)), "weights", "are all 0"),
        (Ask("wrr", {"nobody": 1}), "weights[nobody]", "has no instance"),
        (Ask(timeout_ms=-1), "timeout_ms", "10 to 60000"),
    ],
    ids=["unknown name", "all weights 0", "weights naming no endpoint", "negative timeout"],
)
def test_a_bad_policy_is_refused_alike_at_every_door(shop: Shop, door: Door, ask: Ask, name: str, words: str) -> None:
    _check_refused(shop, door, ask, "INVALID_ARGUMENT", name, words)


@DOORS
def test_a_stale_revision_is_refused_alike_at_every_door(shop: Shop, door: Door) -> None:
    for policy in ("least_request", "ring_hash"):
        assert grpc_web(shop, Ask(policy)) is None
    _check_refused(shop, door, Ask("pick_first", if_revision=1), "ABORTED", "if_revision", "changed at revision")


@DOORS
def test_a_request_id_with_other_content_is_refused_alike_at_every_door(shop: Shop, door: Door) -> None:
    timeout_ms = {"grpc_web": 501, "native": 502, "rest": 503}[door.__name__]  # so that each first one is a change
    first, other = Ask(timeout_ms=timeout_ms, request_id=f"r-{timeout_ms}"), Ask("zone_aware")
    assert grpc_web(shop, first) is None
    other.request_id = first.request_id
    _check_refused(shop, door, other, "ALREADY_EXISTS", "request_id", "another command")


def test_the_details_of_a_refusal_are_what_grpc_clients_read(shop: Shop) -> None:
    with pytest.raises(GrpcWebError) as refusal:
        shop.web.unary(SWITCH, Ask(policy="fastest").message(), common_pb2.Receipt)
    raw = refusal.value.trailers["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(base64.b64decode(raw + "=" * (-len(raw) % 4)))
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert (info.domain, info.reason) == ("governor", "INVALID")
