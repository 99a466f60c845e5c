"""What each identity is shown and may fetch, over mutual TLS, to hand-written clients of both forms."""

from contextlib import suppress

import grpc
import pytest

from tests.gateway.xds.authority import TestAuthority, uri
from tests.gateway.xds.fleets import fleet, governed
from tests.gateway.xds.rooms import Mode, room, secrets_in
from tests.gateway.xds.wire import Client, names_in, serving, settle

BOTH = pytest.mark.parametrize("mode", ["sotw", "delta"])
OURS, THEIRS = uri("checkout"), uri("front", "other")


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


async def refusal(client: Client) -> tuple[grpc.StatusCode, str]:
    """How a stream ended that was refused, before its first request or after it."""
    with suppress(grpc.aio.AioRpcError):
        await client.ask("cluster")
    return await client.code(), await client.call.details()


@BOTH
async def test_a_certificate_of_others_does_not_exist(authority: TestAuthority, mode: Mode) -> None:
    own, shared = authority.secret("checkout"), authority.secret("tls", dns=["shop.test"], consumers=[OURS])
    foreign = authority.secret("front", namespace="other")
    hidden = authority.secret("hidden", dns=["hidden.test"], consumers=[THEIRS])
    trust = authority.trust(own, shared, foreign, hidden)
    async with room(authority, fleet(1, governed(), trust=trust)) as here:
        client = here.client(own, mode)
        asked = ("front.other", "hidden", "hidden.default", "nobody", "tls")
        await client.ask("secret", *asked)
        answer = await client.read()
        assert set(secrets_in(answer)) == {"tls"}
        if mode == "delta":
            assert set(answer.removed_resources) == {"front.other", "hidden", "hidden.default", "nobody"}


@BOTH
async def test_who_asks_for_every_secret_gets_its_own(authority: TestAuthority, mode: Mode) -> None:
    own, foreign = authority.secret("checkout"), authority.secret("front", namespace="other")
    async with room(authority, fleet(1, governed(), trust=authority.trust(own, foreign))) as here:
        client = here.client(own, mode)
        await client.ask("secret", "*", "trust")
        assert set(secrets_in(await client.read())) == {"checkout", "workload", "trust"}


@BOTH
@pytest.mark.parametrize("envoy", [True, False], ids=["envoy", "grpc"])
async def test_another_namespace_does_not_exist(authority: TestAuthority, mode: Mode, envoy: bool) -> None:
    own, foreign = authority.secret("checkout"), authority.secret("front", namespace="other")
    served = fleet(1, governed(), governed("pay", namespace="other"), trust=authority.trust(own, foreign))
    async with room(authority, served) as here:
        ours, theirs = here.client(own, mode, envoy=envoy), here.client(foreign, mode, envoy=envoy)
        assert names_in(await ours.take("cluster", "*")) == ["checkout"]
        assert names_in(await theirs.take("cluster", "*")) == ["pay.other"]
        await theirs.ask("endpoint", "checkout", "pay.other")
        assert names_in(await theirs.read()) == ["pay.other"]


async def test_what_a_node_says_of_itself_opens_nothing(authority: TestAuthority) -> None:
    own, foreign = authority.secret("checkout"), authority.secret("front", namespace="other")
    served = fleet(1, governed(), trust=authority.trust(own, foreign))
    async with room(authority, served) as here:
        client = here.client(foreign, node_id=OURS)
        client.node.cluster = "default"
        client.node.metadata.update({"governor": {"namespace": "default", "identity": OURS}})
        assert names_in(await client.take("cluster", "*")) == []


@BOTH
async def test_in_plain_text_all_services_are_shown_and_no_secret(authority: TestAuthority, mode: Mode) -> None:
    own = authority.secret("checkout")
    trust = authority.trust(own)
    open_trust = type(trust)(
        revision=1, trust_domain=trust.trust_domain, roots_pem=trust.roots_pem, secrets=trust.secrets
    )
    async with serving(fleet(1, governed(), governed("pay", namespace="other"), trust=open_trust)) as server:
        client = server.client(mode, envoy=True)
        assert set(names_in(await client.take("cluster", "*"))) == {"checkout", "pay.other"}
        await client.ask("secret", "workload", "trust", "checkout")
        if mode == "delta":
            assert set((await client.read()).removed_resources) == {"workload", "trust", "checkout"}
        await client.ask("endpoint", "checkout")
        assert names_in(await client.read()) == ["checkout"]  # and not a secret before it


@pytest.mark.parametrize(
    ("uris", "dns", "words"),
    [
        ([], ["checkout.test"], "has 0 URIs"),
        (["spiffe://other.test/ns/default/sa/checkout"], [], "not of the form"),
        (["spiffe://demo.test/checkout"], [], "not of the form"),
        (["spiffe://demo.test/ns/default/sa/checkout/more"], [], "not of the form"),
    ],
)
async def test_a_certificate_that_names_no_workload_of_ours_is_refused(
    authority: TestAuthority, uris: list[str], dns: list[str], words: str
) -> None:
    stranger = authority.secret("stranger", uris=uris, dns=dns)
    async with room(authority, fleet(1, governed(), trust=authority.trust())) as here:
        code, said = await refusal(here.client(stranger))
        assert (code, words in said) == (grpc.StatusCode.UNAUTHENTICATED, True)


async def test_where_an_identity_is_required_nobody_gets_in_without_a_certificate(authority: TestAuthority) -> None:
    async with room(authority, fleet(1, governed(), trust=authority.trust()), demand=False) as here:
        code, said = await refusal(here.client(None))
        assert (code, "client certificate" in said) == (grpc.StatusCode.UNAUTHENTICATED, True)


async def test_a_key_is_shown_nowhere(authority: TestAuthority) -> None:
    own = authority.secret("checkout")
    served = fleet(1, governed(), trust=authority.trust(own, default=authority.secret("nobody")))
    async with room(authority, served) as here:
        client = here.client(own)
        await client.take("secret", "workload", "trust")
        stream = here.server.one()
        await settle(lambda: bool(stream.holdings()), what="the ACK")
        shown = repr(
            (served, stream.secrets, stream.subscriptions, stream.snapshot, stream.client(), stream.holdings())
        )
        line = own.key_pem.decode().splitlines()[1]
        assert line not in shown
        assert "PRIVATE KEY" not in shown


async def test_streams_of_one_identity_share_their_secrets_and_of_one_namespace_their_snapshot(
    authority: TestAuthority,
) -> None:
    one, two = authority.secret("checkout"), authority.secret("pay")
    async with room(authority, fleet(1, governed(), trust=authority.trust(one, two))) as here:
        clients = [here.client(secret, envoy=False, node_id=f"n{n}") for n, secret in enumerate((one, one, two))]
        for client in clients:
            await client.take("cluster", "checkout")
        streams = {each.node.id: each for each in here.server.streams if each.node}
        assert len({id(each.snapshot) for each in streams.values()}) == 1
        assert streams["n0"].secrets is streams["n1"].secrets
        assert streams["n0"].secrets is not streams["n2"].secrets


async def test_a_client_reports_load_of_what_it_is_shown_alone(authority: TestAuthority) -> None:
    shared = authority.secret("tls", namespace="club", dns=["club.test"], consumers=[OURS])
    services = governed(), governed("pay", namespace="other"), governed("bar", namespace="club")
    async with room(authority, fleet(1, *services, trust=authority.trust(shared))) as here:
        shown = here.server.streams.shown
        assert shown(OURS) == ["checkout", "bar.club"]
        assert shown(THEIRS) == ["pay.other"]
        assert shown(uri("somebody", "nowhere")) == []
        assert shown("") == ["checkout", "pay.other", "bar.club"]
