"""Nothing serves that was not logged: seen on a whole fleet, from outside, with a log elsewhere that may lie."""

import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from gateway.proto import certificate_pb2 as certificates
from gateway.proto import common_pb2
from gateway.proto import transparency_pb2 as pb
from governance.pki.ct import loglist
from governance.pki.ct.logs import Log
from tests.fixtures.ctlog import CtLog
from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.product import ROOT, eventually, running
from tests.fixtures.telling import with_bit
from tests.journeys.pki import SERVICES, Fleet, server_name

API = "/governor.admin.v1.TransparencyService/"
# Ports and logs are looked at every 30 s; the rest is for a machine that is slow.
INTERVAL_S = 30.0 + 15.0
pytestmark = pytest.mark.timeout(600)


class Watched(Fleet):
    """The demo fleet, with what is asked of its transparency."""

    def findings(self, kind: str = "") -> list[pb.Finding]:
        answer = self.web.unary(API + "ListFindings", pb.ListFindingsRequest(kind=kind), pb.ListFindingsResponse)
        return list(answer.findings)

    def lies(self, kind: str) -> list[pb.Finding]:
        """What logs were caught at, of one kind."""
        return [each for each in self.findings("log_lies") if kind in each.detail_json]

    def board(self, kind: str) -> list[pb.BoardRow]:
        return list(self.web.unary(API + "GetBoard", pb.GetBoardRequest(kind=kind), pb.GetBoardResponse).rows)

    def reissue(self, name: str) -> None:
        request = certificates.IssueNowRequest(
            namespace="default", name=name, mutation=common_pb2.Mutation(reason="a journey")
        )
        self.ask("IssueNow", request, common_pb2.Receipt)

    def log(self, source: str) -> pb.Log:
        found = self.web.unary(API + "ListLogs", pb.ListLogsRequest(source=source), pb.ListLogsResponse)
        return next(iter(found.logs))


@pytest.fixture(scope="module")
def rome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CtLog]:
    """A log of somebody else, in which every certificate of the fleet has to be as well."""
    with CtLog() as log:
        yield log


@pytest.fixture(scope="module")
def fleet(rome: CtLog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("transparency")
    logs = directory / "logs.json"
    logs.write_text(loglist.to_json([rome.log()]))
    environ = {"GOV_GRPC_TLS": "mutual", "GOV_CT_LOGS": str(logs)}
    with running(directory / "data", "--demo", environ=environ) as product:
        token = product.manage("token", "--role", "security", "--role", "operator", "--expires", "1h").strip()
        yield Watched(product, GrpcWeb(product.url, token))


def _openssl(fleet: Watched, instance: str, name: str, logs: str, directory: Path) -> str:
    """What `openssl s_client -ct` says of the timestamps that a handshake shows."""
    known, host_port = directory / "known.cnf", ":".join(map(str, fleet.address(instance)))
    known.write_text(logs)
    roots = directory / "roots.pem"
    roots.write_text(fleet.roots())
    own = fleet.directory / "identities" / "caller-z1"
    done = subprocess.run(
        [
            *("openssl", "s_client", "-connect", host_port, "-servername", name, "-alpn", "h2", "-ct"),
            *("-ctlogfile", known, "-CAfile", roots, "-cert", own / "tls.crt", "-key", own / "tls.key"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout


def _own_log(fleet: Watched) -> Log:
    """Our log as its own list entry describes it to everybody."""
    content = httpx.get(f"{fleet.product.url}/pki/ct/internal/log.v3.json").content
    (log,) = loglist.read(content, source="listed").logs
    return log


def test_openssl_calls_the_timestamps_of_the_fleet_valid_and_those_of_a_log_it_does_not_know_unknown(
    fleet: Watched, rome: CtLog, tmp_path: Path
) -> None:
    ours = _own_log(fleet)
    both, stranger = loglist.openssl_conf([ours, rome.log()]), loglist.openssl_conf([ours])
    places = [(f"{service}-1", server_name(service)) for service in SERVICES] + [("front", "shop.localhost")]
    for instance, name in places:
        said = _openssl(fleet, instance, name, both, tmp_path)
        assert re.findall(r"SCT validation status: (\w+)", said) == ["valid", "valid"], said
    said = _openssl(fleet, "front", "shop.localhost", stranger, tmp_path)
    assert sorted(re.findall(r"SCT validation status: (\w+ ?\w*)", said)) == ["unknown log", "valid"]


def test_the_proof_of_a_certificate_holds_offline_with_the_standard_library_alone(
    fleet: Watched, tmp_path: Path
) -> None:
    serial = fleet.certificate("checkout").serial
    evidence = fleet.web.unary(API + "GetProof", pb.GetProofRequest(serial=serial), pb.LogEvidence)
    files = {
        "certificate.pem": evidence.certificate_pem,
        "proof": evidence.proof,
        "log-key.pem": evidence.log_key_pem,
        "verify_proof.py": evidence.verify_script,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert _verified(tmp_path) == 0
    altered = evidence.proof.replace("index ", "index 1")
    (tmp_path / "proof").write_text(altered)
    assert _verified(tmp_path) == 1


def _verified(directory: Path) -> int:
    command = [sys.executable, "-I", "-S", "verify_proof.py", "certificate.pem", "proof", "log-key.pem"]
    return subprocess.run(command, cwd=directory, timeout=60, check=False).returncode


@contextmanager
def _shown(pem: str, directory: Path) -> Iterator[str]:
    """A TLS port that shows this certificate, as host:port."""
    file = directory / "rogue.pem"
    file.write_text(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            while True:
                try:
                    plain, _ = door.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as secured:
                        secured.recv(1)
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{door.getsockname()[1]}"


def test_a_certificate_signed_behind_the_products_back_is_named_within_one_interval(
    fleet: Watched, tmp_path: Path
) -> None:
    pem = subprocess.run(
        [sys.executable, "-m", "tests.journeys.rogue", "checkout.default.svc"],
        cwd=ROOT,
        env=dict(fleet.product.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    serial = f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:x}"
    with _shown(pem, tmp_path) as address:
        request = pb.AddListenerRequest(
            namespace="default",
            address=address,
            server_name="checkout.default.svc",
            mutation=common_pb2.Mutation(reason="is this ours?"),
        )
        fleet.web.unary(API + "AddListener", request, common_pb2.Receipt)
        finding = eventually(
            lambda: next((each for each in fleet.findings("served_not_issued") if serial in each.detail_json), None),
            within_s=INTERVAL_S,
            what=f"a finding about {serial}",
        )
        assert finding is not None
        assert finding.alarming
        assert [row.serial for row in fleet.board("served_not_issued")] == [serial]
    # What the fleet itself shows is all issued here.
    assert {row.subject for row in fleet.board("served_not_issued")} <= {address, f"{address} (checkout.default.svc)"}


def test_a_certificate_whose_entry_is_missing_is_not_served_until_the_log_shows_it(fleet: Watched, rome: CtLog) -> None:
    old = fleet.certificate("inventory").serial
    rome.holds = True
    fleet.reissue("inventory")
    waiting = eventually(lambda: fleet.certificate("inventory").pending.serial, what="a pending issue")
    finding = eventually(lambda: fleet.findings("pending"), what="an alarm")
    assert waiting in finding[0].detail_json
    roots = fleet.roots()
    shown = fleet.shown("inventory-1", server_name("inventory"), roots=roots)[0]
    assert (f"{shown.serial_number:x}", fleet.certificate("inventory").serial) == (old, old)
    rome.holds = False
    rome.sign()
    instances = [f"inventory-{number}" for number in range(1, 5)]
    fleet.shows(waiting, instances, server_name("inventory"), within_s=20)
    eventually(lambda: not fleet.findings("pending"), what="the end of the alarm")
    assert fleet.lost() == {}


def test_a_log_that_lies_is_named_and_nothing_is_put_in_force_on_its_word(fleet: Watched, rome: CtLog) -> None:
    old = fleet.certificate("payments").serial
    rome.tell(r"tile/0/.*", with_bit(5))
    fleet.reissue("payments")
    eventually(lambda: fleet.certificate("payments").pending.serial, what="a pending issue")
    lie = eventually(lambda: fleet.lies("wrong_tile"), within_s=INTERVAL_S, what="the lie, named")
    assert rome.name in lie[0].message + lie[0].subject
    assert fleet.log("pinned").lie == "wrong_tile"
    assert fleet.certificate("payments").serial == old
    rome.be_honest()
    eventually(lambda: fleet.certificate("payments").serial != old, within_s=INTERVAL_S, what="the new issue in force")

    now_served = fleet.certificate("payments").serial
    rome.fork(len(rome.records) - 1)
    rome.holds = True
    fleet.reissue("payments")
    eventually(lambda: fleet.lies("forked"), within_s=INTERVAL_S, what="the fork, named")
    evidence = fleet.log("pinned")
    assert evidence.lie == "forked"
    assert set(evidence.lie_evidence) >= {"first", "second"}
    assert fleet.certificate("payments").serial == now_served
    assert fleet.lost() == {}
