"""Proxyless gRPC clients and xDS-enabled servers on mutual TLS, with certificates that agents renew as files."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.xds.bootstrap import grpc_bootstrap
from gateway.xds.fleet import Fleet
from gateway.xds.trust import Secret, Transport
from tests.gateway.xds.authority import TestAuthority, uri
from tests.gateway.xds.fleets import endpoint, fleet, governed
from tests.interop.fleet import Caller, caller, free_port, program, until
from tests.interop.tls_scene import Scene, handshake, scene

CHECKOUT = uri("checkout")


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


def served(authority: TestAuthority, revision: int, *ports: int, uris: tuple[str, ...] = (CHECKOUT,)) -> Fleet:
    """The service `checkout`, whose servers prove to be one of `uris`; certificates come as files here."""
    endpoints = [endpoint(f"c{port}", port=port, revision=revision) for port in ports]
    trust = authority.trust(revision=revision, mutual={"default/checkout": uris})
    return fleet(revision, governed(endpoints=endpoints, revision=revision), trust=trust)


def _bootstrap(directory: Path, here: Scene, node_id: str, secret: Secret) -> Path:
    certificates = here.authority.write(directory / node_id, secret)
    file = directory / f"{node_id}.json"
    file.write_text(json.dumps(grpc_bootstrap(here.address, node_id=node_id, certificates=certificates)))
    return file


@contextmanager
def server(directory: Path, here: Scene, node_id: str, secret: Secret, *, port: int) -> Iterator[None]:
    """An xDS-enabled server."""
    environ = {"GRPC_XDS_BOOTSTRAP": str(_bootstrap(directory, here, node_id, secret))}
    with program([sys.executable, "-m", "tests.interop.xds_server", f"127.0.0.1:{port}"], environ=environ):
        until(lambda: handshake(f"127.0.0.1:{port}").serial == secret.serial, what=f"{node_id} to serve")
        yield


@contextmanager
def client(directory: Path, here: Scene, node_id: str, secret: Secret) -> Iterator[Caller]:
    """A proxyless client."""
    file = _bootstrap(directory, here, node_id, secret)
    with caller("xds:///checkout", node_id=node_id, rate=200, streams=2, bootstrap=file, how="xds") as calling:
        yield calling


def test_files_that_are_swapped_renew_both_sides_and_cost_no_call(authority: TestAuthority, tmp_path: Path) -> None:
    ours, theirs, ports = authority.secret("caller"), backend(authority), (free_port(), free_port())
    with (
        scene(authority, served(authority, 1, *ports[:1])) as here,
        server(tmp_path, here, "server-1", theirs, port=ports[0]),
        client(tmp_path, here, "client", ours) as calling,
    ):
        until(lambda: set(calling.calls) == {ours.serial}, what="calls with the first certificate")
        renewed = authority.secret("caller"), backend(authority)
        authority.write(tmp_path / "client", renewed[0])
        authority.write(tmp_path / "server-1", renewed[1])
        written_at = time.monotonic()
        address = f"127.0.0.1:{ports[0]}"
        until(lambda: handshake(address).serial == renewed[1].serial, what="the server's new certificate")
        until(lambda: time.monotonic() - written_at > 2.5, what="the client's next look at its files")
        here.publish(served(authority, 2, *ports))  # a server serves once it is registered
        with server(tmp_path, here, "server-2", backend(authority), port=ports[1]):
            until(lambda: calling.calls[renewed[0].serial] > 200, what="calls with the new certificate")
            assert set(calling.calls) == {ours.serial, renewed[0].serial}
            assert (calling.errors, calling.broken) == ({}, 0)
            here.publish(served(authority, 3, *ports[:1]))
            before = calling.total
            until(lambda: calling.total > before + 200, what="calls after the second server has left")
            assert (calling.errors, calling.broken) == ({}, 0)


def backend(authority: TestAuthority) -> Secret:
    """A certificate of the servers of `checkout`."""
    return authority.secret("checkout", uris=[CHECKOUT], dns=["checkout.default.svc"])


def test_a_server_with_a_certificate_of_the_same_authority_for_another_workload_gets_no_call(
    authority: TestAuthority, tmp_path: Path
) -> None:
    port = free_port()
    impostor = authority.secret("impostor", dns=["checkout.default.svc"], uris=[uri("impostor")])
    with (
        scene(authority, served(authority, 1, port, uris=(uri("impostor"),))) as here,
        server(tmp_path, here, "server", impostor, port=port),
        client(tmp_path, here, "client", authority.secret("caller")) as calling,
    ):
        here.publish(served(authority, 2, port))
        until(lambda: bool(calling.errors), what="an error")
        assert all("SANs from certificate did not match" in text for text in calling.errors)


def test_a_server_goes_from_plain_text_to_mutual_tls_without_a_restart(
    authority: TestAuthority, tmp_path: Path
) -> None:
    port = free_port()
    secret = backend(authority)
    plain = Transport(namespace="default", service="checkout", mode="plaintext")
    mutual = served(authority, 2, port)
    trust = type(mutual.trust)(
        revision=1,
        trust_domain=mutual.trust.trust_domain,
        roots_pem=authority.roots_pem,
        transports={("default", "checkout"): plain},
        require_identity=True,
    )
    first = fleet(1, governed(endpoints=[endpoint(f"c{port}", port=port)]), trust=trust)
    with scene(authority, first) as here:
        environ = {"GRPC_XDS_BOOTSTRAP": str(_bootstrap(tmp_path, here, "server", secret))}
        own = authority.secret("caller")
        file = _bootstrap(tmp_path, here, "client", own)
        with (
            program([sys.executable, "-m", "tests.interop.xds_server", f"127.0.0.1:{port}"], environ=environ),
            caller("xds:///checkout", node_id="c", rate=100, streams=0, bootstrap=file, how="xds") as calling,
        ):
            until(lambda: set(calling.calls) == {"nobody"}, what="calls in plain text")
            here.publish(mutual)
            until(lambda: handshake(f"127.0.0.1:{port}").serial == secret.serial, what="TLS on the same port")
            until(lambda: own.serial in calling.calls, what="calls on mutual TLS")
