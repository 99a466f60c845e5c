"""How a stream answers, over the wire, to hand-written clients of both forms."""

import asyncio
from typing import Any, Literal

import pytest

from gateway.xds.names import SHORT
from governance.traffic.values import Balancing
from tests.gateway.xds.fleets import FOUR, endpoint, fleet, governed
from tests.gateway.xds.wire import Client, Server, names_in, serving, settle, shorts

Mode = Literal["sotw", "delta"]
RING = Balancing(policy="ring_hash")
LEAST = Balancing(policy="least_request")
BOTH = pytest.mark.parametrize("mode", ["sotw", "delta"])


async def connect(server: Server, mode: Mode) -> Client:
    """An Envoy that holds everything."""
    client = server.client(mode, envoy=True)
    await client.take("cluster")
    await client.take("endpoint", "checkout")
    await client.take("listener")
    await client.take("route", "ingress")
    return client


@BOTH
async def test_a_change_goes_out_in_the_order_in_which_it_can_be_used(mode: Mode) -> None:
    async with serving(fleet(1, governed())) as server:
        client = await connect(server, mode)
        server.publish(fleet(2, governed(balancing=RING, revision=2)))
        seen = []
        for _ in range(3):
            seen.append(await client.read())
            await client.ack(seen[-1], *(["checkout"] if SHORT[seen[-1].type_url] == "endpoint" else []))
        assert shorts(seen) == ["cluster", "endpoint", "route"]


@BOTH
async def test_the_endpoints_of_a_changed_cluster_are_sent_again_to_an_envoy(mode: Mode) -> None:
    async with serving(fleet(1, governed())) as server:
        client = await connect(server, mode)
        server.publish(fleet(2, governed(balancing=LEAST, revision=2)))
        cluster, members = await client.read(), await client.read()
        assert shorts([cluster, members]) == ["cluster", "endpoint"]
        assert names_in(members) == ["checkout"]


async def test_routes_wait_until_an_envoy_has_warmed_the_clusters_they_name() -> None:
    async with serving(fleet(1, governed())) as server:
        client = await connect(server, "sotw")
        server.publish(fleet(2, governed(), governed("pay", revision=2)))
        cluster = await client.read()
        assert names_in(cluster) == ["checkout", "pay"]
        stream = server.one()
        await settle(lambda: stream.held, what="the routes to wait")
        await client.ask("endpoint", "checkout", "pay", response_nonce=stream.subscriptions[_full("endpoint")].nonce)
        members = await client.read()
        assert (shorts([members]), names_in(members)) == (["endpoint"], ["pay"])
        await client.ack(members, "checkout", "pay")
        await client.ack(cluster)
        assert shorts([await client.read()]) == ["route"]


def _full(short: str) -> str:
    return next(full for full, each in SHORT.items() if each == short)


@BOTH
async def test_a_cluster_goes_only_after_the_routes_that_named_it(mode: Mode) -> None:
    async with serving(fleet(1, governed(), governed("pay"))) as server:
        client = await connect(server, mode)
        server.publish(fleet(2, governed()))
        route = await client.read()
        assert shorts([route]) == ["route"]
        await client.ack(route, "ingress")
        cluster = await client.read()
        assert shorts([cluster]) == ["cluster"]
        assert cluster.removed_resources == ["pay"] if mode == "delta" else names_in(cluster) == ["checkout"]


@BOTH
async def test_while_an_answer_is_awaited_only_the_newest_state_waits(mode: Mode) -> None:
    async with serving(fleet(1, governed())) as server:
        client = server.client(mode)
        await client.ask("endpoint", "checkout")
        first = await client.read()
        for revision in range(2, 50):
            server.publish(
                fleet(revision, governed(endpoints=(endpoint("c0", port=revision, revision=revision),), revision=1))
            )
        await client.ack(first, "checkout")
        newest = await client.read()
        version = newest.system_version_info if mode == "delta" else newest.version_info
        assert version == "49"
        await client.ack(newest, "checkout")
        await settle(lambda: server.one().subscriptions[_full("endpoint")].acked_version == "49", what="the ACK")


@BOTH
async def test_a_stale_nonce_is_ignored(mode: Mode) -> None:
    async with serving(fleet(1, governed())) as server:
        client = server.client(mode)
        await client.ask("cluster", "checkout")
        first = await client.read()
        await client.ack(first, "checkout")
        server.publish(fleet(2, governed(balancing=RING, revision=2)))
        second = await client.read()
        await client.nack(first, "late words", "checkout")
        await client.ack(second, "checkout")
        held = server.one().subscriptions[_full("cluster")]
        await settle(lambda: held.acked_version == "2", what="the ACK of the newest")
        assert (held.nacks, held.nack_version) == (0, "")


@BOTH
async def test_what_a_client_refused_is_never_sent_to_it_again(mode: Mode) -> None:
    async with serving(fleet(1, governed(), governed("pay"))) as server:
        client = server.client(mode)
        await client.take("cluster", "checkout", "pay")
        server.publish(fleet(2, governed(balancing=RING, revision=2), governed("pay")))
        bad = await client.read()
        await client.nack(bad, "checkout: field hash_function: unsupported", "checkout", "pay")
        held = server.one().subscriptions[_full("cluster")]
        await settle(lambda: held.nacks == 1, what="the NACK")
        server.publish(fleet(3, governed(balancing=RING, revision=2), governed("pay", balancing=LEAST, revision=3)))
        later = await client.read()
        refused = {resource_hash(each) for each in bad.resources if "checkout" in str(each)}
        assert not refused & {resource_hash(each) for each in later.resources}
        assert names_in(later) == (["pay"] if mode == "delta" else ["checkout", "pay"])
        await client.ack(later, "checkout", "pay")
        await settle(lambda: held.acked_version == "3", what="the ACK")
        assert (held.nack_version, held.nack_text) == ("2", "checkout: field hash_function: unsupported")


def resource_hash(resource: Any) -> bytes:
    return bytes(resource.SerializeToString())


@BOTH
async def test_after_a_refusal_new_content_is_sent_and_clears_it(mode: Mode) -> None:
    async with serving(fleet(1, governed())) as server:
        client = server.client(mode)
        await client.take("cluster", "checkout")
        server.publish(fleet(2, governed(balancing=RING, revision=2)))
        await client.nack(await client.read(), "no", "checkout")
        server.publish(fleet(3, governed(balancing=LEAST, revision=3)))
        await client.ack(await client.read(), "checkout")
        held = server.one().subscriptions[_full("cluster")]
        await settle(lambda: held.acked_version == "3", what="the ACK")
        assert (held.nack_version, held.nacks) == ("", 1)


@BOTH
async def test_going_back_to_what_was_accepted_needs_no_message_and_shows_no_refusal(mode: Mode) -> None:
    async with serving(fleet(1, governed())) as server:
        client = server.client(mode)
        await client.take("cluster", "checkout")
        server.publish(fleet(2, governed(balancing=RING, revision=2)))
        await client.nack(await client.read(), "no", "checkout")
        held = server.one().subscriptions[_full("cluster")]
        await settle(lambda: held.nacks == 1, what="the NACK")
        server.publish(fleet(3, governed(revision=3)))
        await settle(lambda: held.nack_version == "", what="the refusal to be over")
        server.publish(fleet(4, governed(balancing=RING, revision=4)))
        await settle(lambda: held.nack_version == "4", what="the same refusal, known beforehand")
        assert held.nacks == 1


@BOTH
async def test_a_service_that_nobody_knows_is_not_answered_with_another(mode: Mode) -> None:
    async with serving(fleet(1, governed())) as server:
        client = server.client(mode)
        await client.ask("listener", "nobody")
        answer = await client.read()
        assert names_in(answer) == []
        if mode == "delta":
            assert answer.removed_resources == ["nobody"]
        await client.ack(answer, "nobody")
        server.publish(fleet(2, governed(), governed("nobody", revision=2)))
        assert names_in(await client.read()) == ["nobody"]


async def test_a_client_gets_what_it_asks_for_and_no_more() -> None:
    services = [governed(f"s{n}") for n in range(20)]
    async with serving(fleet(1, *services)) as server:
        client = server.client()
        assert names_in(await client.take("cluster", "s3", "s7")) == ["s3", "s7"]
        server.publish(fleet(2, *services[:4], governed("s4", balancing=RING, revision=2), *services[5:]))
        server.publish(fleet(3, *services[:7], governed("s7", balancing=RING, revision=3), *services[8:]))
        answer = await client.read()
        assert (answer.version_info, names_in(answer)) == ("3", ["s3", "s7"])


async def test_a_returning_delta_client_is_sent_only_what_changed_meanwhile() -> None:
    async with serving(fleet(1, governed(), governed("pay"))) as server:
        first = server.client("delta", envoy=True)
        held = {each.name: each.version for each in (await first.take("cluster")).resources}
        first.leave()
        server.publish(fleet(2, governed(), governed("pay", balancing=RING, revision=2)))
        back = server.client("delta", envoy=True)
        await back.ask("cluster", initial_resource_versions={**held, "gone": "x"})
        answer = await back.read()
        assert (names_in(answer), list(answer.removed_resources)) == (["pay"], ["gone"])


async def test_an_unknown_type_is_answered_with_nothing() -> None:
    async with serving(fleet(1, governed())) as server:
        client = server.client()
        await client.ask("type.googleapis.com/envoy.service.runtime.v3.Runtime", "r")
        assert list((await client.read()).resources) == []


async def test_a_reconnecting_client_is_a_new_stream_of_the_same_node() -> None:
    async with serving(fleet(1, governed())) as server:
        client = server.client(node_id="pod-1")
        await client.take("cluster", "checkout")
        first = server.one()
        client.leave()
        await settle(lambda: not list(server.streams), what="the end of the stream")
        again = server.client(node_id="pod-1")
        await again.take("cluster", "checkout")
        second = server.one()
        assert first.name != second.name
        assert {first.name.split("~")[0], second.name.split("~")[0]} == {"pod-1"}
        ended = first.client()
        assert ended is not None
        assert not ended.connected


async def test_a_client_is_shown_with_what_it_was_sent_and_acknowledged() -> None:
    async with serving(fleet(7, governed())) as server:
        client = server.client(node_id="pod-1")
        answer = await client.take("cluster", "checkout")
        await settle(lambda: server.one().subscriptions[_full("cluster")].acked_version == "7", what="the ACK")
        server.publish(fleet(9, governed(), governed("other", revision=9)))
        shown = server.one().client()
        assert shown is not None
        (cluster,) = shown.types
        assert (shown.node_id, shown.kind, shown.services) == ("pod-1", "grpc-go", ("default/checkout",))
        assert (cluster.sent_version, cluster.acked_version, cluster.nonce) == ("7", "7", answer.nonce)
        assert shown.revision == 9  # nothing of what it sees changed


async def test_zones_are_sent_their_own_endpoints() -> None:
    async with serving(fleet(1, governed(balancing=Balancing(policy="zone_aware"), endpoints=FOUR))) as server:
        clients = [server.client(node_id=zone) for zone in ("z1", "z2")]
        for client, zone in zip(clients, ("z1", "z2"), strict=True):
            client.node.locality.zone = zone
        answers = [await client.take("endpoint", "checkout") for client in clients]
        assert answers[0].resources[0].value != answers[1].resources[0].value


async def test_ending_the_service_ends_every_stream_cleanly() -> None:
    async with serving(fleet(1, governed())) as server:
        clients = [server.client(node_id=f"n{n}") for n in range(20)]
        await asyncio.gather(*(client.take("cluster", "checkout") for client in clients))
        await server.service.close()
        codes = [str(await client.code()) for client in clients]
    assert set(codes) == {"StatusCode.OK"}
