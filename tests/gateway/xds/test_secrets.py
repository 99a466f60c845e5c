"""How certificates are delivered, renewed and refused, over mutual TLS, to hand-written clients of both forms."""

import pytest

from gateway.xds.names import CLUSTER, SECRET
from gateway.xds.secrets import Held
from gateway.xds.trust import Secret
from tests.gateway.xds.authority import TestAuthority, uri
from tests.gateway.xds.fleets import fleet, governed
from tests.gateway.xds.rooms import Mode, room, secrets_in
from tests.gateway.xds.wire import names_in, settle

BOTH = pytest.mark.parametrize("mode", ["sotw", "delta"])
OURS, THEIRS = uri("checkout"), uri("front", "other")


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


@BOTH
async def test_a_workload_is_given_its_own_certificate_and_whom_to_trust(authority: TestAuthority, mode: Mode) -> None:
    own = authority.secret("checkout")
    async with room(authority, fleet(3, governed(), trust=authority.trust(own, revision=3))) as here:
        client = here.client(own, mode)
        given = secrets_in(await client.take("secret", "workload", "trust"))
        certificate = given["workload"].tls_certificate
        assert certificate.certificate_chain.inline_bytes == own.chain_pem
        assert certificate.private_key.inline_bytes == own.key_pem
        assert given["trust"].validation_context.trusted_ca.inline_bytes == authority.roots_pem


@BOTH
async def test_a_rotated_certificate_goes_out_at_once_to_its_consumers_alone(
    authority: TestAuthority, mode: Mode
) -> None:
    own, foreign = authority.secret("checkout"), authority.secret("front", namespace="other")
    async with room(authority, fleet(1, governed(), trust=authority.trust(own, foreign))) as here:
        ours, theirs = here.client(own, mode, node_id="ours"), here.client(foreign, mode, node_id="theirs")
        await ours.take("secret", "trust", "workload")
        await theirs.take("secret", "trust", "workload")
        fresh = authority.secret("checkout")
        here.server.publish(fleet(2, governed(), trust=authority.trust(fresh, foreign, revision=2)))
        answer = await ours.read()
        assert secrets_in(answer)["workload"].tls_certificate.certificate_chain.inline_bytes == fresh.chain_pem
        assert "trust" not in secrets_in(answer)
        streams = {each.node.id: each for each in here.server.streams if each.node}
        assert streams["theirs"].subscriptions[SECRET].sent_version == "1"
        assert streams["theirs"].up_to_date


async def test_who_is_no_consumer_any_more_is_told_so(authority: TestAuthority) -> None:
    own, shared = authority.secret("checkout"), authority.secret("tls", dns=["shop.test"], consumers=[OURS])
    async with room(authority, fleet(1, governed(), trust=authority.trust(own, shared))) as here:
        client = here.client(own, "delta")
        await client.take("secret", "tls", "workload")
        here.server.publish(fleet(2, governed(), trust=authority.trust(own, revision=2)))
        gone = await client.read()
        assert list(gone.removed_resources) == ["tls"]
        await client.ack(gone)
        assert {each.secret for each in here.server.streams.held()} == {"default/checkout"}


async def test_state_of_the_world_cannot_take_a_certificate_away_so_it_counts_as_held(authority: TestAuthority) -> None:
    own, shared = authority.secret("checkout"), authority.secret("tls", dns=["shop.test"], consumers=[OURS])
    async with room(authority, fleet(1, governed(), trust=authority.trust(own, shared))) as here:
        client = here.client(own, "sotw")
        await client.take("secret", "tls", "workload")
        here.server.publish(fleet(2, governed(), trust=authority.trust(own, revision=2)))
        await settle(lambda: len(here.server.streams.held()) == 2, what="both")
        assert here.server.one().up_to_date


@BOTH
async def test_what_was_acknowledged_is_known_per_stream(authority: TestAuthority, mode: Mode) -> None:
    own = authority.secret("checkout")
    trust = authority.trust(own)
    async with room(authority, fleet(1, governed(), trust=trust)) as here:
        client = here.client(own, mode, node_id="pod-1")
        await client.take("secret", "trust", "workload")
        first = Held(
            identity=OURS,
            stream=here.server.one().name,
            secret="default/checkout",
            serial=own.serial,
            roots=trust.roots_fingerprint,
        )
        await settle(lambda: here.server.streams.held() == [first], what="the first ACK")
        fresh, other = authority.secret("checkout"), TestAuthority("another root")
        both = authority.trust(fresh, revision=2)
        both = type(both)(
            revision=2,
            trust_domain=both.trust_domain,
            roots_pem=authority.roots_pem + other.roots_pem,
            secrets=both.secrets,
            require_identity=True,
        )
        here.server.publish(fleet(2, governed(), trust=both))
        newer = await client.read()
        assert here.server.streams.held() == [first]  # sent is not acknowledged
        await client.ack(newer, "trust", "workload")
        second = Held(
            identity=OURS,
            stream=here.server.one().name,
            secret="default/checkout",
            serial=fresh.serial,
            roots=both.roots_fingerprint,
        )
        await settle(lambda: here.server.streams.held() == [second], what="the second ACK")
        assert second.roots != first.roots


@BOTH
async def test_a_refused_certificate_leaves_the_one_before_in_force(authority: TestAuthority, mode: Mode) -> None:
    own = authority.secret("checkout")
    async with room(authority, fleet(1, governed(), trust=authority.trust(own))) as here:
        client = here.client(own, mode)
        await client.take("secret", "workload")
        here.server.publish(fleet(2, governed(), trust=authority.trust(authority.secret("checkout"), revision=2)))
        await client.nack(await client.read(), "workload: key values mismatch", "workload")
        held = here.server.one().subscriptions[SECRET]
        await settle(lambda: held.nacks == 1, what="the NACK")
        assert [each.serial for each in here.server.streams.held()] == [own.serial]
        shown = here.server.one().client()
        assert shown is not None
        (sync,) = (each for each in shown.types if each.type == "secret")
        assert (sync.nack_version, sync.refused, sync.resources) == ("2", ("secret:workload",), ("workload",))


async def test_a_returning_delta_client_is_known_by_what_it_holds(authority: TestAuthority) -> None:
    own = authority.secret("checkout")
    async with room(authority, fleet(1, governed(), trust=authority.trust(own))) as here:
        first = here.client(own, "delta")
        held = {each.name: each.version for each in (await first.take("secret", "workload")).resources}
        first.leave()
        await settle(lambda: not list(here.server.streams), what="the end of the first stream")
        back = here.client(own, "delta")
        await back.ask("secret", "workload", initial_resource_versions=held)
        await settle(lambda: [each.serial for each in here.server.streams.held()] == [own.serial], what="its word")


async def test_a_service_that_turns_to_mutual_tls_is_compiled_anew(authority: TestAuthority) -> None:
    own = authority.secret("checkout")
    async with room(authority, fleet(1, governed(), governed("pay"), trust=authority.trust(own))) as here:
        client = here.client(own, "delta")
        first = {each.name: each.version for each in (await client.take("cluster", "*")).resources}
        mutual = authority.trust(own, revision=2, mutual={"default/checkout": [OURS]})
        here.server.publish(fleet(2, governed(), governed("pay"), trust=mutual))
        changed = await client.read()
        assert names_in(changed) == ["checkout"]
        assert changed.resources[0].version != first["checkout"]
        assert here.server.one().snapshot is not None
        assert here.server.one().subscriptions[CLUSTER].sent_version == "2"


def tenants(authority: TestAuthority) -> dict[str, Secret]:
    """New certificates for the DNS names of three tenants."""
    return {name: authority.secret(name, dns=[f"{name}.test"], consumers=[OURS]) for name in ("a", "b", "c")}


@BOTH
async def test_of_several_refused_certificates_each_is_tried_by_itself_so_that_one_bad_one_holds_up_no_other(
    authority: TestAuthority, mode: Mode
) -> None:
    own, first, second = authority.secret("checkout"), tenants(authority), tenants(authority)
    asked = ("trust", *first)
    async with room(authority, fleet(1, governed(), trust=authority.trust(own, *first.values()))) as here:
        client = here.client(own, mode)
        await client.take("secret", *asked)
        later = authority.trust(own, *second.values(), revision=2, crls_pem=authority.crl())
        here.server.publish(fleet(2, governed(), trust=later))
        refused = await client.read()
        assert set(secrets_in(refused)) == {*asked}
        await client.nack(refused, "KEY_VALUES_MISMATCH", *asked)
        restored = await client.read()
        chains = {n: each.tls_certificate.certificate_chain.inline_bytes for n, each in secrets_in(restored).items()}
        assert {name: chains[name] for name in first} == {name: each.chain_pem for name, each in first.items()}
        await client.ack(restored, *asked)
        seen: list[str] = []
        while len(seen) < 5:
            answer = await client.read()
            seen += secrets_in(answer)
            if seen == ["trust", "a", "b"]:
                await client.nack(answer, "KEY_VALUES_MISMATCH", *asked)
            else:
                await client.ack(answer, *asked)
        assert seen == ["trust", "a", "b", "b", "c"]  # b as it was before stands between
        stream = here.server.one()
        await settle(lambda: stream.up_to_date and stream.subscriptions[SECRET].in_flight is None, what="the rest")
        running = {each.secret: each.serial for each in stream.holdings()}
        wanted = {"a": second["a"], "b": first["b"], "c": second["c"]}
        assert running == {each.path: each.serial for each in wanted.values()}
        assert stream.subscriptions[SECRET].report().refused == ("secret:b",)


async def test_a_refusal_that_quotes_the_key_is_kept_without_its_words(authority: TestAuthority) -> None:
    own = authority.secret("checkout")
    async with room(authority, fleet(1, governed(), trust=authority.trust(own))) as here:
        client = here.client(own)
        await client.ask("secret", "workload")
        answer = await client.read()
        await client.nack(answer, f"bad secret: {secrets_in(answer)['workload']}", "workload")
        held = here.server.one().subscriptions[SECRET]
        await settle(lambda: held.nacks == 1, what="the NACK")
        shown = repr((held, here.server.one().client()))
        assert "quote the secret" in shown
        assert "PRIVATE KEY" not in shown
        assert own.key_pem.decode().splitlines()[1] not in shown
