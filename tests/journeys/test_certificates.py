"""Certificates of a whole fleet are renewed, revoked and moved to another root under traffic, and no call is lost."""

import re
import ssl
import time
from collections.abc import Iterator

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.agent import identity as own
from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2, demo_pb2
from governance.pki.keys import make_key
from tests.fixtures.grpcweb import GrpcWeb, GrpcWebError
from tests.fixtures.product import eventually, running
from tests.journeys.pki import SERVICES, Fleet, server_name

CALLS = 20_000
SEEN_S = 2.0
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The product with its demo fleet on mutual TLS, called six times as much as usual."""
    data = tmp_path_factory.mktemp("certificates") / "data"
    with running(data, "--demo", "--load", "6", environ={"GOV_GRPC_TLS": "mutual"}) as product:
        token = product.manage("token", "--role", "security", "--role", "operator", "--expires", "1h").strip()
        yield Fleet(product, GrpcWeb(product.url, token))


def test_three_rotations_of_every_certificate_cost_no_call_and_break_no_stream(fleet: Fleet) -> None:
    for _ in range(3):
        for service in SERVICES:
            instances = [f"{service}-{number}" for number in range(1, 5)]
            fleet.shows(fleet.issue_now(service), instances, server_name(service), within_s=SEEN_S)
        fleet.shows(fleet.issue_now("shop"), ["front"], "shop.localhost", within_s=SEEN_S)
        fleet.issue_now("front")  # what the Envoy shows to the servers
    eventually(lambda: fleet.total() >= CALLS, within_s=300, every_s=1, what=f"{CALLS} calls")
    assert fleet.lost() == {}
    assert all(tally["stream_messages"] > 0 for tally in fleet.tallies().values())


@pytest.mark.soak
def test_twenty_thousand_calls_of_each_caller_survive_a_rotation_every_second(fleet: Fleet) -> None:
    """Envoy by SDS, proxyless gRPC by files, servers by hot credentials: each caller by itself."""
    calls = {name: tally["calls"] for name, tally in fleet.tallies().items()}
    turns = 0
    while min(tally["calls"] - calls[name] for name, tally in fleet.tallies().items()) < CALLS:
        fleet.issue_now((*SERVICES, "shop", "front")[turns % 5])
        turns += 1
    assert turns > 50
    assert fleet.lost() == {}


def _join(fleet: Fleet, workload: str) -> own.Identity:
    request = pb.CreateJoinTokenRequest(namespace="default", workload=workload)
    token = fleet.ask("CreateJoinToken", request, pb.CreateJoinTokenResponse)
    key = make_key("ECDSA", 256)
    answer = fleet.web.unary(
        "/governor.admin.v1.EnrolmentService/Join",
        pb.JoinRequest(token=token.secret, csr=own.asked(key)),
        pb.Enrolled,
    )
    return own.granted(key, answer.chain_pem.encode(), answer.roots_pem.encode())


def _channel(identity: own.Identity, target: str, *, name: str = "") -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(identity.roots_pem, identity.pair.key_pem, identity.pair.chain_pem)
    options = [("grpc.ssl_target_name_override", name)] if name else []
    # A pool of its own: each channel makes a handshake of its own.
    return grpc.secure_channel(target, credentials, options=[*options, ("grpc.use_local_subchannel_pool", 1)])


def _code(channel: grpc.Channel) -> grpc.StatusCode:
    place = channel.unary_unary(
        "/governor.demo.v1.Checkout/PlaceOrder", demo_pb2.Order.SerializeToString, demo_pb2.Done.FromString
    )
    try:
        place(demo_pb2.Order(customer="mallory"), timeout=5)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_a_revoked_workload_is_refused_within_two_seconds_on_old_and_new_connections(fleet: Fleet) -> None:
    intruder = _join(fleet, "intruder")
    host, port = fleet.address("checkout-1")
    with (
        _channel(intruder, fleet.product.grpc) as to_control_plane,
        _channel(intruder, f"{host}:{port}", name=server_name("checkout")) as to_server,
    ):
        watching = health_pb2_grpc.HealthStub(to_control_plane).Watch(health_pb2.HealthCheckRequest())
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
        assert _code(to_server) is grpc.StatusCode.OK

        request = pb.RevokeCertificateRequest(
            serial=intruder.pair.serial, cause="keyCompromise", mutation=common_pb2.Mutation(reason="stolen")
        )
        fleet.ask("RevokeCertificate", request, common_pb2.Receipt)
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as ended:
            for _ in watching:
                pass
        assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "was revoked" in str(ended.value.details())
        eventually(lambda: _code(to_server) is grpc.StatusCode.UNAUTHENTICATED, every_s=0.02, what="a refusal")
        with _channel(intruder, f"{host}:{port}", name=server_name("checkout")) as fresh:
            assert _code(fresh) is grpc.StatusCode.UNAUTHENTICATED
        with _channel(intruder, fleet.product.grpc) as fresh, pytest.raises(grpc.RpcError) as refused:
            health_pb2_grpc.HealthStub(fresh).Check(health_pb2.HealthCheckRequest(), timeout=5)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert time.monotonic() - began < SEEN_S
    assert fleet.lost() == {}


def _advance(fleet: Fleet, to: str) -> str:
    """Take a step of the rotation; returns why it was refused, empty when it was taken."""
    request = pb.AdvanceRotationRequest(to=to, mutation=common_pb2.Mutation(reason="replace the root"))
    try:
        fleet.ask("AdvanceRotation", request, common_pb2.Receipt)
    except GrpcWebError as refusal:
        return refusal.message
    return ""


def _trusting(fleet: Fleet, roots: str) -> bool:
    """Whether a client that trusts these roots alone accepts a server and the Envoy."""
    try:
        fleet.shown("checkout-1", server_name("checkout"), roots=roots)
        fleet.shown("front", "shop.localhost", roots=roots)
    except ssl.SSLCertVerificationError:
        return False
    return True


def test_the_root_is_replaced_under_traffic_and_whoever_lags_is_waited_for(fleet: Fleet) -> None:
    old = fleet.roots()
    sleeper = _join(fleet, "sleeper")
    fleet.ask("PrepareRotation", pb.PrepareRotationRequest(), common_pb2.Receipt)
    assert _advance(fleet, "distributing") == ""
    both = fleet.roots()
    assert len(x509.load_pem_x509_certificates(both.encode())) == 2
    new = both.replace(old, "")

    assert _trusting(fleet, old)
    assert not _trusting(fleet, new)
    refusal = _advance(fleet, "activated")
    assert sleeper.uri in refusal, refusal
    eventually(lambda: "caller-z1" not in _advance(fleet, "activated"), what="all but the sleeper")
    awake = pb.SetWorkloadRequest(namespace="default", name="sleeper", enabled=False)
    fleet.ask("SetWorkload", awake, common_pb2.Receipt)
    eventually(lambda: _advance(fleet, "activated") == "", every_s=0.5, what="the new signer to sign")

    assert _advance(fleet, "reissuing") == ""
    assert _advance(fleet, "retired") != ""  # nobody can be that fast
    eventually(lambda: _trusting(fleet, new), every_s=0.5, what="chains below the new root")
    assert _trusting(fleet, old)  # by the new root that the old one signed
    assert _trusting(fleet, both)
    eventually(lambda: _advance(fleet, "retired") == "", within_s=120, every_s=1, what="the old root to be retired")

    assert fleet.roots() == new
    calls = fleet.total()
    eventually(lambda: fleet.total() > calls + 1000, within_s=60, what="calls after the old root is gone")
    assert fleet.lost() == {}


def test_no_private_key_lies_anywhere_in_clear(fleet: Fleet) -> None:
    """In the databases, logs and files of the whole run, but for the directories of those who own a key."""
    told = fleet.product.manage("shell", "-c", "from tests.journeys.clear_keys import tell; tell()").split()
    scalars = [line for line in told if re.fullmatch("[0-9a-f]{64}", line)]
    assert len(scalars) >= 10
    files = [path for path in fleet.product.data_dir.rglob("*") if path.is_file() and "identities" not in path.parts]
    content = b"\0".join([*(path.read_bytes() for path in files), "\n".join(fleet.product.lines).encode()])
    assert len(content) > 1_000_000
    assert b"PRIVATE KEY" not in content.replace(b"BEGIN PRIVATE KEY-----[", b"")
    for scalar in scalars:
        assert bytes.fromhex(scalar) not in content
        assert scalar.encode() not in content
