"""TransparencyService, over the wire: findings, gates, the names and the ports that are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from gateway.proto import common_pb2
from gateway.proto import transparency_pb2 as pb
from gateway.proto.transparency_pb2_grpc import TransparencyServiceStub
from governance.kernel.actor import EVERYWHERE
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import RecordFindings
from governance.pki.ct.standing import FindingKind, Noticed
from governance.pki.worker import WORKER
from tests.gateway.rpc.conftest import Metadata, TokenFor
from tests.gateway.rpc.wanted import in_thread, refused

if TYPE_CHECKING:  # these exist for the type checker alone
    from gateway.proto.certificate_pb2_grpc import CertificateServiceAsyncStub
    from gateway.proto.transparency_pb2_grpc import TransparencyServiceAsyncStub


@pytest.fixture
def ct(channel: grpc.aio.Channel, pki: CertificateServiceAsyncStub) -> TransparencyServiceAsyncStub:
    """TransparencyService, with an issuer in place."""
    return TransparencyServiceStub(channel)


def noticed(key: str, namespace: str = "shop", kind: FindingKind = "not_logged") -> Noticed:
    return Noticed(
        key=key, kind=kind, namespace=namespace, subject=f"{namespace}/cart", message="it is so", detail={"key": key}
    )


@in_thread
def record(*opened: Noticed, closed: tuple[str, ...] = ()) -> None:
    execute(RecordFindings(opened=opened, closed=closed), by=WORKER)


async def listed(ct: TransparencyServiceAsyncStub, who: Metadata, **asked: Any) -> list[pb.Finding]:
    return list((await ct.ListFindings(pb.ListFindingsRequest(**asked), metadata=who)).findings)


def terms(**values: Any) -> common_pb2.Mutation:
    return common_pb2.Mutation(**{"reason": "because", **values})


async def test_findings_are_listed_newest_first_page_by_page_and_by_kind(
    ct: TransparencyServiceAsyncStub, alice: Metadata
) -> None:
    for n in range(5):
        await record(noticed(f"not_logged:{n}", kind="not_logged" if n % 2 else "pending"))
    asked, pages = pb.ListFindingsRequest(page=common_pb2.PageRequest(page_size=2)), []
    while True:
        answer = await ct.ListFindings(asked, metadata=alice)
        pages.append([each.detail_json for each in answer.findings])
        if not answer.next_page_token:
            break
        asked.page.page_token = answer.next_page_token
    assert pages == [
        ['{"key":"not_logged:4"}', '{"key":"not_logged:3"}'],
        ['{"key":"not_logged:2"}', '{"key":"not_logged:1"}'],
        ['{"key":"not_logged:0"}'],
    ]
    assert [each.kind for each in await listed(ct, alice, kind="pending")] == ["pending"] * 3
    assert answer.revision == await in_thread(ledger.head_revision)()


async def test_a_finding_is_acknowledged_once_and_alarms_no_longer(
    ct: TransparencyServiceAsyncStub, alice: Metadata, bob: Metadata
) -> None:
    await record(noticed("not_logged:0a"))
    (found,) = await listed(ct, alice)
    assert (found.alarming, found.HasField("acknowledged_at")) == (True, False)
    asked = pb.AcknowledgeFindingRequest(id=found.id, mutation=terms(request_id="r1"))
    assert (await refused(ct.AcknowledgeFinding(asked, metadata=alice))).code() is grpc.StatusCode.PERMISSION_DENIED
    trial = pb.AcknowledgeFindingRequest(id=found.id, mutation=terms(validate_only=True))
    assert (await ct.AcknowledgeFinding(trial, metadata=bob)).changed
    assert (await listed(ct, alice))[0].alarming
    done = await ct.AcknowledgeFinding(asked, metadata=bob)
    assert (done.changed, done.thing) == (True, f"finding/{found.id}")
    assert (await ct.AcknowledgeFinding(asked, metadata=bob)).replayed
    entry = await in_thread(ledger.get)(done.revision)
    assert entry is not None
    assert (entry.namespace, entry.reason) == ("shop", "because")
    again = pb.AcknowledgeFindingRequest(id=found.id, mutation=terms())
    assert not (await ct.AcknowledgeFinding(again, metadata=bob)).changed
    stale = pb.AcknowledgeFindingRequest(id=found.id, mutation=terms(if_revision=done.revision - 1))
    assert (await refused(ct.AcknowledgeFinding(stale, metadata=bob))).code() is grpc.StatusCode.ABORTED
    counts = {
        state: len(await listed(ct, alice, state=state))
        for state in ("open", "alarming", "acknowledged", "closed", "all")
    }
    assert counts == {"open": 1, "alarming": 0, "acknowledged": 1, "closed": 0, "all": 1}
    await record(closed=("not_logged:0a",))
    assert [await listed(ct, alice), len(await listed(ct, alice, state="closed"))] == [[], 1]
    late = ct.AcknowledgeFinding(pb.AcknowledgeFindingRequest(id=found.id, mutation=terms()), metadata=bob)
    assert (await refused(late)).code() is grpc.StatusCode.ALREADY_EXISTS


async def test_a_tenant_sees_and_acknowledges_its_own_findings_alone(
    ct: TransparencyServiceAsyncStub, bob: Metadata, token_for: TokenFor
) -> None:
    await record(noticed("a:shop"), noticed("b:bank", "bank"), noticed("c:all", EVERYWHERE, "log_lies"))
    bank = await token_for("security", "bank")
    everything = {each.namespace: each.id for each in await listed(ct, bob)}
    assert everything.keys() == {"shop", "bank", EVERYWHERE}
    assert [each.namespace for each in await listed(ct, bank)] == ["bank"]
    for namespace in ("shop", EVERYWHERE):
        assert await listed(ct, bank, namespace=namespace) == []
        hidden = pb.AcknowledgeFindingRequest(id=everything[namespace], mutation=terms())
        refusal = await refused(ct.AcknowledgeFinding(hidden, metadata=bank))
        assert refusal.code() is grpc.StatusCode.NOT_FOUND
    mine = pb.AcknowledgeFindingRequest(id=everything["bank"], mutation=terms())
    assert (await ct.AcknowledgeFinding(mine, metadata=bank)).changed


async def test_a_gate_is_opened_with_a_reason_and_closed_without(
    ct: TransparencyServiceAsyncStub, alice: Metadata, bob: Metadata, token_for: TokenFor
) -> None:
    (gate,) = (await ct.ListGates(pb.ListGatesRequest(), metadata=alice)).gates
    assert (gate.issuer, gate.mode, gate.revision) == ("internal", "gate", 0)
    open_ = pb.SetGateRequest(mode="alarm", mutation=terms(request_id="g1", if_revision=0))
    for who in (alice, await token_for("security", "shop")):
        assert (await refused(ct.SetGate(open_, metadata=who))).code() is grpc.StatusCode.PERMISSION_DENIED
    silent = await refused(ct.SetGate(pb.SetGateRequest(mode="off"), metadata=bob))
    assert (silent.code(), (silent.details() or "").split(":")[0]) == (grpc.StatusCode.INVALID_ARGUMENT, "reason")
    trial = pb.SetGateRequest(mode="alarm", mutation=terms(validate_only=True))
    assert (await ct.SetGate(trial, metadata=bob)).changed
    done = await ct.SetGate(open_, metadata=bob)
    assert (await ct.SetGate(open_, metadata=bob)).replayed
    (gate,) = (await ct.ListGates(pb.ListGatesRequest(), metadata=alice)).gates
    assert (gate.mode, gate.revision) == ("alarm", done.revision)
    stale = pb.SetGateRequest(mode="off", mutation=terms(if_revision=0))
    assert (await refused(ct.SetGate(stale, metadata=bob))).code() is grpc.StatusCode.ABORTED
    assert (await ct.SetGate(pb.SetGateRequest(issuer="internal", mode="gate"), metadata=bob)).changed


async def test_watched_names_are_replaced_whole_and_told_to_those_who_may_read_everywhere(
    ct: TransparencyServiceAsyncStub, alice: Metadata, bob: Metadata, token_for: TokenFor
) -> None:
    asked = pb.WatchNamesRequest(names=["shop.example.org", "bank.example.org"], mutation=terms(request_id="w1"))
    bank = await token_for("security", "bank")
    for who in (alice, bank):
        assert (await refused(ct.WatchNames(asked, metadata=who))).code() is grpc.StatusCode.PERMISSION_DENIED
    trial = pb.WatchNamesRequest(names=["shop.example.org"], mutation=terms(validate_only=True))
    assert (await ct.WatchNames(trial, metadata=bob)).changed
    done = await ct.WatchNames(asked, metadata=bob)
    assert (await ct.WatchNames(asked, metadata=bob)).replayed
    found = await ct.GetWatched(pb.GetWatchedRequest(), metadata=alice)
    assert (list(found.names), found.revision) == (["bank.example.org", "shop.example.org"], done.revision)
    assert await ct.GetWatched(pb.GetWatchedRequest(), metadata=bank) == pb.WatchedNames()
    stale = pb.WatchNamesRequest(mutation=terms(if_revision=done.revision - 1))
    assert (await refused(ct.WatchNames(stale, metadata=bob))).code() is grpc.StatusCode.ABORTED
    assert (await ct.WatchNames(pb.WatchNamesRequest(), metadata=bob)).changed
    assert not (await ct.GetWatched(pb.GetWatchedRequest(), metadata=alice)).names


async def test_listeners_are_added_listed_and_removed_each_in_its_namespace(
    ct: TransparencyServiceAsyncStub, alice: Metadata, bob: Metadata, token_for: TokenFor
) -> None:
    bank = await token_for("security", "bank")
    asked = pb.AddListenerRequest(namespace="shop", address="10.0.0.1:443", mutation=terms(request_id="l1"))
    for who in (alice, bank):
        assert (await refused(ct.AddListener(asked, metadata=who))).code() is grpc.StatusCode.PERMISSION_DENIED
    trial = pb.AddListenerRequest(namespace="shop", address="10.0.0.1:443", mutation=terms(validate_only=True))
    assert (await ct.AddListener(trial, metadata=bob)).changed
    done = await ct.AddListener(asked, metadata=bob)
    again = await ct.AddListener(asked, metadata=bob)
    assert (again.replayed, again.thing) == (True, done.thing)
    twice = pb.AddListenerRequest(namespace="shop", address="10.0.0.1:443", mutation=terms())
    assert (await refused(ct.AddListener(twice, metadata=bob))).code() is grpc.StatusCode.ALREADY_EXISTS
    for address, server_name in (("[2001:db8::1]:8443", ""), ("10.0.0.1:443", "www.example.org")):
        more = pb.AddListenerRequest(namespace="shop", address=address, server_name=server_name)
        assert (await ct.AddListener(more, metadata=bob)).changed
    assert (await ct.AddListener(pb.AddListenerRequest(namespace="bank", address="vault:443"), metadata=bank)).changed
    page, seen = pb.ListListenersRequest(page=common_pb2.PageRequest(page_size=3)), []
    first = await ct.ListListeners(page, metadata=alice)
    page.page.page_token = first.next_page_token
    second = await ct.ListListeners(page, metadata=alice)
    seen = [(each.namespace, each.address, each.server_name) for each in (*first.listeners, *second.listeners)]
    assert seen == [
        ("bank", "vault:443", ""),
        ("shop", "10.0.0.1:443", ""),
        ("shop", "10.0.0.1:443", "www.example.org"),
        ("shop", "[2001:db8::1]:8443", ""),
    ]
    assert len((await ct.ListListeners(pb.ListListenersRequest(), metadata=bank)).listeners) == 1
    assert not (await ct.ListListeners(pb.ListListenersRequest(namespace="shop"), metadata=bank)).listeners
    one = done.thing.rpartition("/")[2]
    foreign = pb.RemoveListenerRequest(namespace="bank", id=one)
    assert (await refused(ct.RemoveListener(foreign, metadata=bank))).code() is grpc.StatusCode.NOT_FOUND
    gone = pb.RemoveListenerRequest(namespace="shop", id=one, mutation=terms(if_revision=done.revision))
    assert (await ct.RemoveListener(gone, metadata=bob)).changed
    gone.mutation.ClearField("if_revision")
    assert (await refused(ct.RemoveListener(gone, metadata=bob))).code() is grpc.StatusCode.NOT_FOUND


BAD: list[tuple[str, Any, str]] = [
    ("ListFindings", pb.ListFindingsRequest(kind="boredom"), "kind"),
    ("ListFindings", pb.ListFindingsRequest(state="\x00"), "state"),
    ("ListFindings", pb.ListFindingsRequest(page=common_pb2.PageRequest(page_size=1001)), "page.page_size"),
    ("ListFindings", pb.ListFindingsRequest(page=common_pb2.PageRequest(page_token="WyJ4Il0")), "page.page_token"),
    ("ListListeners", pb.ListListenersRequest(page=common_pb2.PageRequest(page_token="x")), "page.page_token"),
    ("AcknowledgeFinding", pb.AcknowledgeFindingRequest(id="\x00"), "id"),
    ("AcknowledgeFinding", pb.AcknowledgeFindingRequest(id="x" * 37), "id"),
    ("AcknowledgeFinding", pb.AcknowledgeFindingRequest(id="none"), "id"),
    ("SetGate", pb.SetGateRequest(mode="ajar"), "mode"),
    ("SetGate", pb.SetGateRequest(), "mode"),
    ("SetGate", pb.SetGateRequest(issuer="Nobody", mode="gate"), "issuer"),
    ("SetGate", pb.SetGateRequest(issuer="nobody", mode="gate"), "issuer"),
    ("WatchNames", pb.WatchNamesRequest(names=["org"]), "names"),
    ("WatchNames", pb.WatchNamesRequest(names=["*.example.org"]), "names"),
    ("WatchNames", pb.WatchNamesRequest(names=["a.org", "a.org"]), "names"),
    ("WatchNames", pb.WatchNamesRequest(names=[f"n{n}.org" for n in range(501)]), "names"),
    ("AddListener", pb.AddListenerRequest(address="10.0.0.1:443"), "namespace"),
    ("AddListener", pb.AddListenerRequest(namespace="shop"), "address"),
    ("AddListener", pb.AddListenerRequest(namespace="shop", address="10.0.0.1"), "address"),
    ("AddListener", pb.AddListenerRequest(namespace="shop", address="10.0.0.1:65536"), "address"),
    ("AddListener", pb.AddListenerRequest(namespace="shop", address="Host:443"), "address"),
    ("AddListener", pb.AddListenerRequest(namespace="shop", address="h:443", server_name="a b"), "server_name"),
    ("RemoveListener", pb.RemoveListenerRequest(namespace="shop", id="none"), "id"),
    ("RemoveListener", pb.RemoveListenerRequest(namespace="", id="none"), "namespace"),
]


@pytest.mark.parametrize(("method", "request_", "field"), BAD)
async def test_what_cannot_be_is_refused_with_its_field_and_leaves_no_fact(
    ct: TransparencyServiceAsyncStub, bob: Metadata, method: str, request_: Any, field: str
) -> None:
    before = await in_thread(ledger.head_revision)()
    refusal = await refused(getattr(ct, method)(request_, metadata=bob))
    assert refusal.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
    assert (refusal.details() or "").split(":")[0] == field
    assert await in_thread(ledger.head_revision)() == before
