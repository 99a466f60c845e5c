"""What each kind of data plane is told of TLS, and what a trust and a bootstrap may say."""

import json
from typing import Any

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.core.v3.base_pb2 import Node
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.listener.tls_inspector.v3 import tls_inspector_pb2  # noqa: F401  (known to ParseDict)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext, UpstreamTlsContext
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from envoy.service.discovery.v3.discovery_pb2 import DiscoveryResponse
from google.protobuf.json_format import ParseDict

from gateway.xds.bootstrap import Demands, envoy_bootstrap, grpc_bootstrap
from gateway.xds.compile import Compiler
from gateway.xds.files import Certificates
from gateway.xds.fleet import Fleet
from gateway.xds.names import CLUSTER, LISTENER, ROUTE
from gateway.xds.node import Group, node_of
from gateway.xds.trust import Secret, Transport, Trust
from governance.kernel.errors import Invalid
from tests.gateway.xds.authority import DOMAIN, TestAuthority, uri
from tests.gateway.xds.fleets import endpoint, fleet, governed
from tests.gateway.xds.test_compile import compiled

FRONT, CHECKOUT = uri("front"), uri("checkout")
ENVOY, GRPC = Group(plane="envoy"), Group(plane="grpc")
BOTH = pytest.mark.parametrize("group", [ENVOY, GRPC], ids=["envoy", "grpc"])
DIRECTORY = Certificates(directory="/run/governor", trust_domain=DOMAIN)


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


def ingress(tls: str = "require", **more: Any) -> Group:
    """The group of an Envoy with an ingress, whose identity is FRONT."""
    return Group(
        plane="envoy",
        namespace="default",
        identity=FRONT,
        listen="127.0.0.1:10000",
        tls=tls,  # type: ignore[arg-type]
        **more,
    )


def made(served: Fleet, group: Group, kind: str) -> dict[str, Any]:
    messages = {LISTENER: Listener, ROUTE: RouteConfiguration}
    found = {}
    for name, item in Compiler().compile(served, group)[kind].items():
        found[name] = messages[kind]()
        DiscoveryResponse.FromString(item.sotw).resources[0].Unpack(found[name])
    return found


def mutual(authority: TestAuthority, *uris: str) -> Trust:
    return authority.trust(mutual={"default/checkout": uris or (CHECKOUT,)})


@BOTH
def test_a_service_of_which_nothing_is_said_is_spoken_to_in_plain_text(authority: TestAuthority, group: Group) -> None:
    served = fleet(1, governed(), governed("pay"), trust=mutual(authority))
    spoken = Compiler().compile(served, group)[CLUSTER]
    assert spoken["pay"].hash == Compiler().compile(fleet(1, governed("pay")), group)[CLUSTER]["pay"].hash
    assert spoken["checkout"].hash != Compiler().compile(fleet(1, governed()), group)[CLUSTER]["checkout"].hash


def test_an_envoy_takes_its_certificate_and_the_roots_from_the_stream_and_checks_whose_the_servers_is(
    authority: TestAuthority,
) -> None:
    other = uri("checkout-canary")
    context = UpstreamTlsContext()
    cluster = compiled(CLUSTER, ENVOY, governed(), trust=mutual(authority, CHECKOUT, other))
    cluster.transport_socket.typed_config.Unpack(context)
    common = context.common_tls_context
    assert [each.name for each in common.tls_certificate_sds_secret_configs] == ["workload"]
    assert common.combined_validation_context.validation_context_sds_secret_config.name == "trust"
    checks = common.combined_validation_context.default_validation_context.match_typed_subject_alt_names
    assert [each.matcher.exact for each in checks] == [CHECKOUT, other]
    assert (context.sni, list(common.alpn_protocols)) == ("checkout.default.svc", ["h2"])


def test_no_connection_of_an_envoy_outlives_the_renewal_of_its_certificate_by_much(authority: TestAuthority) -> None:
    for trust, life_s in ((mutual(authority), 300), (authority.trust(), 0)):
        (packed,) = compiled(CLUSTER, ENVOY, governed(), trust=trust).typed_extension_protocol_options.values()
        options = http_protocol_options_pb2.HttpProtocolOptions()
        packed.Unpack(options)
        assert options.common_http_protocol_options.max_connection_duration.seconds == life_s


def test_grpc_takes_both_from_its_files_and_is_given_the_matchers_that_it_heeds(authority: TestAuthority) -> None:
    context = UpstreamTlsContext()
    compiled(CLUSTER, GRPC, governed(), trust=mutual(authority)).transport_socket.typed_config.Unpack(context)
    common = context.common_tls_context
    checks = common.combined_validation_context.default_validation_context
    assert common.tls_certificate_provider_instance.instance_name == "workload"
    assert checks.ca_certificate_provider_instance.instance_name == "workload"
    assert [each.exact for each in checks.match_subject_alt_names] == [CHECKOUT]
    assert not checks.match_typed_subject_alt_names


def test_an_ingress_has_a_certificate_per_tenant_and_routes_to_the_services_of_that_tenant(
    authority: TestAuthority,
) -> None:
    shop = authority.secret("shop", dns=["shop.test", "www.shop.test"], consumers=[FRONT])
    bank = authority.secret("bank", namespace="bank", dns=["bank.test"], consumers=[FRONT])
    foreign = authority.secret("club", namespace="club", dns=["club.test"], consumers=[uri("other")])
    trust = authority.trust(shop, bank, foreign, default=authority.secret("nobody"))
    served = fleet(1, governed(), governed("pay", namespace="bank"), governed("bar", namespace="club"), trust=trust)
    listener = made(served, ingress(), LISTENER)["ingress"]
    names = {chain.name: list(chain.filter_chain_match.server_names) for chain in listener.filter_chains}
    assert names == {"shop": ["shop.test", "www.shop.test"], "bank.bank": ["bank.test"]}
    assert listener.default_filter_chain.name == "default-certificate"
    routes = made(served, ingress(), ROUTE)
    hosts = {name: [host.name for host in route.virtual_hosts] for name, route in routes.items()}
    assert hosts == {"ingress/default": ["checkout", "by-path"], "ingress/bank": ["pay.bank", "by-path"]}


def test_a_name_that_two_certificates_claim_stays_with_the_first(authority: TestAuthority) -> None:
    first = authority.secret("a", dns=["shop.test"], consumers=[FRONT])
    second = authority.secret("b", namespace="bank", dns=["shop.test", "bank.test"], consumers=[FRONT])
    third = authority.secret("c", namespace="club", dns=["shop.test"], consumers=[FRONT])
    served = fleet(1, governed(), trust=authority.trust(first, second, third))
    chains = made(served, ingress(), LISTENER)["ingress"].filter_chains
    names = {chain.name: list(chain.filter_chain_match.server_names) for chain in chains}
    assert names == {"a": ["shop.test"], "b.bank": ["bank.test"]}


@pytest.mark.parametrize("tls", ["require", "mutual"])
def test_an_ingress_without_a_certificate_stays_closed_rather_than_open_in_plain_text(
    authority: TestAuthority, tls: str
) -> None:
    served = fleet(1, governed(), trust=authority.trust(default=authority.secret("nobody")))
    assert made(served, ingress(tls), LISTENER) == made(served, ingress(tls), ROUTE) == {}


@pytest.mark.parametrize(("tls", "demanded"), [("require", False), ("mutual", True)])
def test_callers_show_a_certificate_where_it_is_demanded_and_resume_no_session_then(
    authority: TestAuthority, tls: str, demanded: bool
) -> None:
    shop = authority.secret("shop", dns=["shop.test"], consumers=[FRONT])
    (chain,) = made(fleet(1, governed(), trust=authority.trust(shop)), ingress(tls), LISTENER)["ingress"].filter_chains
    context = DownstreamTlsContext()
    chain.transport_socket.typed_config.Unpack(context)
    assert context.require_client_certificate.value is demanded
    assert context.disable_stateless_session_resumption is demanded
    roots = context.common_tls_context.validation_context_sds_secret_config.name
    assert roots == ("trust" if demanded else "")


def test_a_server_of_a_service_with_a_transport_has_a_listener_and_others_have_none(authority: TestAuthority) -> None:
    one = [endpoint("c0", port=7000)]
    plain = Transport(namespace="default", service="pay", mode="plaintext")
    trust = mutual(authority)
    trust = Trust(trust_domain=DOMAIN, transports={**trust.transports, ("default", "pay"): plain})
    served = fleet(
        1,
        governed(endpoints=one),
        governed("pay", endpoints=[endpoint("p0", port=7001)]),
        governed("bar", endpoints=[endpoint("b0", port=7002)]),
        trust=trust,
    )
    listeners = {name: each for name, each in made(served, GRPC, LISTENER).items() if name.startswith("server/")}
    assert set(listeners) == {"server/127.0.0.1:7000", "server/127.0.0.1:7001"}
    chain = listeners["server/127.0.0.1:7000"].default_filter_chain
    context = DownstreamTlsContext()
    chain.transport_socket.typed_config.Unpack(context)
    assert context.require_client_certificate.value
    assert context.common_tls_context.tls_certificate_provider_instance.instance_name == "workload"
    assert not listeners["server/127.0.0.1:7001"].default_filter_chain.HasField("transport_socket")


def _envoy(**metadata: object) -> Any:
    message = Node(id="e", user_agent_name="envoy")
    message.metadata.update({"governor": {"listen": "127.0.0.1:10000", **metadata}})
    return message


def test_a_node_says_what_its_ingress_demands_and_its_certificate_where_it_belongs() -> None:
    group = node_of(_envoy(tls="require", alpn=["h2", "spdy"], namespace="bank"), identity=FRONT).group
    assert group == ingress(alpn=("h2",))


@pytest.mark.parametrize("tls", ["Require", "yes", True, None, ["require"]])
def test_an_ingress_whose_demands_are_unclear_is_not_opened(tls: object) -> None:
    assert node_of(_envoy(tls=tls), identity=FRONT).group == Group(plane="envoy", namespace="default")


def _secret(name: str = "shop", **more: Any) -> Secret:
    return Secret(namespace="default", name=name, chain_pem=b"c", key_pem=b"k", serial="1", **more)


@pytest.mark.parametrize("name", ["workload", "trust", "default-certificate", "UPPER", ""])
def test_a_secret_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        _secret(name)


def test_a_trust_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(Invalid, match="default/shop more than once"):
        Trust(trust_domain=DOMAIN, secrets=(_secret(), _secret()))
    with pytest.raises(Invalid, match="trust_domain"):
        Trust(require_identity=True)
    with pytest.raises(Invalid, match="server_uris"):
        Transport(namespace="default", service="checkout", mode="mutual")
    with pytest.raises(Invalid, match="neither mutual nor plaintext"):
        Transport(namespace="default", service="checkout", mode="off")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "words"),
    [({"tls": "on"}, "not one of off, require, mutual"), ({"alpn": ("h2",)}, "needs tls")],
)
def test_demands_that_cannot_be_met_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        Demands(**values)


def test_certificates_are_found_from_wherever_a_process_was_started() -> None:
    with pytest.raises(Invalid, match="not an absolute path"):
        Certificates(directory="certificates")


def test_an_envoy_bootstrap_checks_who_the_control_plane_is() -> None:
    content = envoy_bootstrap(
        "cp.test:15010",
        node_id="e",
        certificates=DIRECTORY,
        demands=Demands(tls="mutual", alpn=("h2",)),
        listen="[::]:1",
    )
    bootstrap: Any = ParseDict(content, Bootstrap())
    (cluster,) = bootstrap.static_resources.clusters
    context = UpstreamTlsContext()
    cluster.transport_socket.typed_config.Unpack(context)
    checks = context.common_tls_context.combined_validation_context.default_validation_context
    (matcher,) = checks.match_typed_subject_alt_names
    assert matcher.matcher.exact == "spiffe://demo.test/ns/governor/sa/control-plane"
    assert node_of(_like(bootstrap.node), identity=FRONT).group.tls == "mutual"


def _like(node: Any) -> Any:
    node.user_agent_name = "envoy"
    return node


def test_a_grpc_bootstrap_names_the_files_for_both_ends() -> None:
    content = json.loads(json.dumps(grpc_bootstrap("cp.test:15010", node_id="g", certificates=DIRECTORY)))
    (credentials,) = content["xds_servers"][0]["channel_creds"]
    assert credentials["type"] == "tls"
    assert credentials["config"] == content["certificate_providers"]["workload"]["config"]
    assert credentials["config"]["private_key_file"] == "/run/governor/tls.key"
    assert "certificate_providers" not in grpc_bootstrap("cp.test:15010", node_id="g")
