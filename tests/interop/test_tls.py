"""Certificates rotate, are revoked and are kept apart, as real Envoys and real gRPC clients and servers see it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from gateway.proto import demo_pb2 as pb
from gateway.xds.bootstrap import Demands, envoy_bootstrap
from gateway.xds.fleet import Fleet
from gateway.xds.names import CLUSTER, ROUTE
from gateway.xds.trust import Secret, Trust
from tests.gateway.xds.authority import TestAuthority, uri
from tests.gateway.xds.fleets import endpoint, fleet, governed
from tests.interop.fleet import GRPC_SERVICE, caller, envoy_of, free_port, until
from tests.interop.tls_scene import Scene, Server, handshake, scene

SOON_S = 2.0
FRONT, CHECKOUT = uri("front"), uri("checkout")
TLS = Demands(tls="require")


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture(scope="module")
def nobody(authority: TestAuthority) -> Secret:
    return authority.secret("nobody", dns=["nobody.invalid"])


def backend(authority: TestAuthority) -> Secret:
    """A certificate of the servers of `checkout`."""
    return authority.secret("checkout", uris=[CHECKOUT], dns=["checkout.default.svc"])


def tenant(authority: TestAuthority, name: str = "shop", namespace: str = "default", consumer: str = FRONT) -> Secret:
    """A certificate that the Envoy shows for `name`.test."""
    return authority.secret(f"{name}-tls", namespace=namespace, dns=[f"{name}.test"], consumers=[consumer])


def trusting(
    authority: TestAuthority, revision: int, *secrets: Secret, crls_pem: bytes = b"", default: Secret | None = None
) -> Trust:
    """What stands at `revision`, with mutual TLS for `checkout`."""
    mutual = {"default/checkout": [CHECKOUT]}
    return authority.trust(*secrets, revision=revision, mutual=mutual, crls_pem=crls_pem, default=default)


def served(trust: Trust, *servers: Server) -> Fleet:
    """The service `checkout` on `servers`, and one of another namespace."""
    revision = trust.revision
    endpoints = [endpoint(each.name, port=each.port, revision=revision) for each in servers]
    service = governed(endpoints=endpoints, revision=revision, grpc_services=(GRPC_SERVICE,))
    return fleet(revision, service, governed("pay", namespace="other", endpoints=()), trust=trust)


@contextmanager
def front(directory: Path, here: Scene, secret: Secret, *, delta: bool = True, demands: Demands = TLS) -> Iterator[str]:
    """An Envoy with this certificate; yields the address of its ingress once it is open."""
    listen = f"127.0.0.1:{free_port()}"
    certificates = here.authority.write(directory / "front", secret)
    content = envoy_bootstrap(
        here.address, node_id="front", listen=listen, delta=delta, demands=demands, certificates=certificates
    )
    with envoy_of(directory, "front", content):
        until(lambda: _answers(listen), what="the ingress")
        yield listen


def _answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def soon(true: Callable[[], bool], *, what: str) -> None:
    """Wait until `true`, which takes less than two seconds."""
    until(true, what=what, limit_s=SOON_S)


@pytest.mark.parametrize("delta", [True, False], ids=["delta", "sotw"])
def test_three_rotations_cost_no_call_and_no_stream_and_new_connections_show_the_new_certificate(
    authority: TestAuthority, tmp_path: Path, delta: bool
) -> None:
    own, shown = authority.secret("front"), tenant(authority)
    with scene(authority, served(trusting(authority, 1, own, shown))) as here:
        servers = [here.server("c0", backend(authority))]
        here.publish(served(trusting(authority, 2, own, shown), *servers))
        (tmp_path / "roots.pem").write_bytes(authority.roots_pem)
        how = f"{tmp_path / 'roots.pem'},shop.test"
        with (
            front(tmp_path, here, own, delta=delta) as ingress,
            caller(ingress, node_id="caller", rate=400, streams=2, how=how) as calling,
        ):
            assert handshake(ingress, name="shop.test").serial == shown.serial
            for revision in (3, 5, 7):
                own, shown = authority.secret("front"), tenant(authority)
                here.publish(served(trusting(authority, revision, own, shown), *servers))
                soon(here.acknowledged(own, shown), what=f"the ACK of {revision}")
                soon(lambda: handshake(ingress, name="shop.test").serial == shown.serial, what="its serial")  # noqa: B023
                fresh = here.server(f"c{revision}", backend(authority))
                servers.append(fresh)
                here.publish(served(trusting(authority, revision + 1, own, shown), *servers))
                until(lambda: fresh.callers.total() > 200, what="calls of the new server")  # noqa: B023
                assert set(fresh.callers) == {own.serial}
            enough = calling.total + 1000
            until(lambda: calling.total > max(3000, enough), what="thousands of calls")
            assert (calling.errors, calling.broken) == ({}, 0)
            assert calling.messages > 0


@pytest.mark.parametrize("delta", [True, False], ids=["delta", "sotw"])
def test_a_pair_that_does_not_fit_is_refused_and_what_follows_is_not(
    authority: TestAuthority, nobody: Secret, tmp_path: Path, delta: bool
) -> None:
    own, shown = authority.secret("front"), tenant(authority)
    with (
        scene(authority, served(trusting(authority, 1, own, shown))) as here,
        front(tmp_path, here, own, delta=delta) as ingress,
    ):
        until(here.acknowledged(own, shown), what="the first certificates")
        other = authority.secret("front")
        bad, fresh = replace(other, key_pem=own.key_pem), tenant(authority)
        here.publish(served(trusting(authority, 2, bad, fresh)))
        until(lambda: here.sync("front").refused == ("secret:workload",), what="the refusal")
        said = here.sync("front")
        assert "KEY_VALUES_MISMATCH" in said.nack_text
        assert "PRIVATE" not in said.nack_text
        soon(here.acknowledged(own, fresh), what="the certificate of the other tenant")
        assert handshake(ingress, name="shop.test").serial == fresh.serial
        here.publish(served(trusting(authority, 3, bad, fresh, crls_pem=authority.crl())))
        soon(lambda: here.sync("front").acked_version == "3", what="other roots")
        here.publish(served(trusting(authority, 4, other, fresh)))
        soon(here.acknowledged(other, fresh), what="the certificate with its own key")
        assert here.sync("front").refused == ()


def test_each_name_has_the_certificate_of_its_tenant_and_reaches_its_services_alone(
    authority: TestAuthority, nobody: Secret, tmp_path: Path
) -> None:
    own, shop, bank = authority.secret("front"), tenant(authority), tenant(authority, "bank", "other")
    everyone = trusting(authority, 1, own, shop, bank, default=nobody)
    with scene(authority, served(everyone)) as here:
        server = here.server("c0", backend(authority))
        here.publish(served(trusting(authority, 2, own, shop, bank, default=nobody), server))
        with front(tmp_path, here, own) as ingress:
            assert handshake(ingress, name="shop.test").serial == shop.serial
            assert handshake(ingress, name="bank.test").serial == bank.serial
            assert handshake(ingress, name="unknown.test").serial == nobody.serial
            assert handshake(ingress).serial == nobody.serial
            assert [handshake(ingress, "-alpn", each, name="shop.test").alpn for each in ("h2", "http/1.1")] == [
                "h2",
                "http/1.1",
            ]
            place = "/governor.demo.v1.Checkout/PlaceOrder"
            assert place_order(authority, ingress, "shop.test", place) == "OK"
            assert place_order(authority, ingress, "bank.test", place) == "UNIMPLEMENTED"
            assert place_order(authority, ingress, "nobody.invalid", place) == "UNKNOWN"  # of 421
            here.publish(served(trusting(authority, 3, own, shop, default=nobody), server))
            soon(lambda: handshake(ingress, name="bank.test").serial == nobody.serial, what="the end of a tenant")
            assert handshake(ingress, name="shop.test").serial == shop.serial


def test_an_envoy_of_another_namespace_holds_nothing_of_ours(
    authority: TestAuthority, nobody: Secret, tmp_path: Path
) -> None:
    own, theirs = authority.secret("front"), authority.secret("edge", namespace="other")
    shop, bank = tenant(authority), tenant(authority, "bank", "other", uri("edge", "other"))
    trust = trusting(authority, 1, own, theirs, shop, bank, default=nobody)
    with scene(authority, served(trust)) as here, front(tmp_path, here, theirs) as ingress:
        assert handshake(ingress, name="bank.test").serial == bank.serial
        assert handshake(ingress, name="shop.test").serial == nobody.serial
        assert here.sync("front", CLUSTER).resources == ("pay.other",)
        assert here.sync("front", ROUTE).resources == ("ingress/other",)
        assert {each.serial for each in here.held()} == {bank.serial, nobody.serial}


def place_order(authority: TestAuthority, ingress: str, name: str, method: str) -> str:
    """How a call through the ingress ended, for a client that asks for the server `name`."""
    named = [("grpc.ssl_target_name_override", name)]
    with grpc.secure_channel(ingress, authority.channel_credentials(), options=named) as channel:
        call = channel.unary_unary(method, pb.Order.SerializeToString, pb.Done.FromString)
        try:
            call(pb.Order(), timeout=10)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"


def test_a_listener_for_grpc_alone_lets_no_http_1_in(authority: TestAuthority, nobody: Secret, tmp_path: Path) -> None:
    own, shop = authority.secret("front"), tenant(authority)
    with scene(authority, served(trusting(authority, 1, own, shop))) as here:
        demands = Demands(tls="require", alpn=("h2",))
        with front(tmp_path, here, own, demands=demands) as ingress:
            assert handshake(ingress, "-alpn", "h2", name="shop.test").serial == shop.serial
            assert handshake(ingress, "-alpn", "http/1.1", name="shop.test").serial == ""
            assert handshake(ingress, name="shop.test").serial == ""


def test_a_revoked_client_is_refused_by_an_envoy_that_demands_certificates(
    authority: TestAuthority, nobody: Secret, tmp_path: Path
) -> None:
    own, shop = authority.secret("front"), tenant(authority)
    good, bad = authority.secret("good"), authority.secret("bad")
    with (
        scene(authority, served(trusting(authority, 1, own, shop))) as here,
        front(tmp_path, here, own, demands=Demands(tls="mutual")) as ingress,
    ):
        assert "certificate_required" in spoken(tmp_path, ingress, None).replace(" ", "_")
        assert spoken(tmp_path, ingress, bad) == spoken(tmp_path, ingress, good) == ""
        here.publish(served(trusting(authority, 2, own, shop, crls_pem=authority.crl(bad))))
        soon(lambda: "revoked" in spoken(tmp_path, ingress, bad), what="the refusal")
        assert spoken(tmp_path, ingress, good) == ""


def spoken(directory: Path, ingress: str, secret: Secret | None) -> str:
    """The alert in which a handshake as `secret` ended, and a request over it; empty when there was none."""
    options = ["-quiet", "-ign_eof"]
    if secret is not None:
        (directory / f"{secret.name}.pem").write_bytes(secret.chain_pem + secret.key_pem)
        options += ["-cert", str(directory / f"{secret.name}.pem")]
    return handshake(ingress, *options, name="shop.test", say="GET / HTTP/1.0\r\n\r\n").alert
