"""What is read from the node of a first message, and what our bootstraps put there."""

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.core.v3.base_pb2 import Node
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2  # noqa: F401  (known to ParseDict)
from google.protobuf.json_format import ParseDict

from gateway.xds.bootstrap import envoy_bootstrap, grpc_bootstrap
from gateway.xds.node import Group, node_of


@pytest.mark.parametrize(
    ("agent", "version", "kind", "shown"),
    [
        ("gRPC C-core linux", "C-core 58.0.0 Python 1.85.1", "grpc-python", "1.85.1"),
        ("gRPC C-core linux", "C-core 58.0.0", "grpc-cpp", "C-core 58.0.0"),
        ("gRPC Go", "1.85.0", "grpc-go", "1.85.0"),
        ("gRPC Java", "1.80.0", "grpc-java", "1.80.0"),
        ("something", "1", "unknown", "1"),
    ],
)
def test_the_kind_and_version_of_a_grpc_client(agent: str, version: str, kind: str, shown: str) -> None:
    node = node_of(Node(id="n", user_agent_name=agent, user_agent_version=version))
    assert (node.kind, node.version, node.group) == (kind, shown, Group(plane="grpc"))


def test_an_envoy_lists_what_it_can_balance_with() -> None:
    message = Node(id="e", user_agent_name="envoy")
    message.user_agent_build_version.version.major_number = 1
    message.user_agent_build_version.version.minor_number = 40
    message.extensions.add(name="envoy.load_balancing_policies.maglev", category="envoy.load_balancing_policies")
    message.extensions.add(name="envoy.filters.http.cors", category="envoy.filters.http")
    node = node_of(message)
    assert (node.kind, node.version) == ("envoy", "1.40.0")
    assert node.lb_extensions == ("envoy.load_balancing_policies.maglev",)


@pytest.mark.parametrize("listen", [None, 3, "nowhere", "127.0.0.1:0", "127.0.0.1:99999"])
def test_an_address_that_is_none_asks_for_no_ingress(listen: object) -> None:
    message = Node(id="e", user_agent_name="envoy")
    message.metadata.update({"governor": {"listen": listen}})
    assert node_of(message).group.listen == ""


def test_a_node_without_anything_is_an_unknown_grpc_client() -> None:
    assert node_of(Node()).group == Group(plane="grpc")


def test_the_envoy_bootstrap_is_one_and_says_where_to_listen() -> None:
    made = envoy_bootstrap(
        "127.0.0.1:8443", node_id="edge", zone="z1", listen="127.0.0.1:10000", origins=["http://127.0.0.1:8000"]
    )
    node = ParseDict(made, Bootstrap()).node
    node.user_agent_name = "envoy"
    group = Group(plane="envoy", zone="z1", listen="127.0.0.1:10000", origins=("http://127.0.0.1:8000",))
    assert node_of(node).group == group


def test_the_grpc_bootstrap_names_the_zone_and_the_language() -> None:
    made = grpc_bootstrap("127.0.0.1:8443", node_id="pod-1", zone="z2", language="python")
    node = ParseDict(made["node"], Node(user_agent_name="gRPC C-core linux"))
    assert (node_of(node).kind, node_of(node).group.zone) == ("grpc-python", "z2")
    assert made["xds_servers"][0]["server_uri"] == "127.0.0.1:8443"
