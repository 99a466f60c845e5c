"""How govctl connects to a port of mutual TLS, and what it says when it cannot."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from gateway.agent import identity as own
from gateway.enrol import joined
from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import RevokeCertificate
from governance.pki.setup import ensure_pki
from tests.cli.conftest import Govctl, MakeToken
from tests.fixtures.house import House
from tests.fixtures.processes import LIMIT_S, Start, grpc_address, start

__all__ = ["grpc_address", "start"]


@pytest.fixture
def house(house: House) -> House:
    """A house whose gRPC port demands certificates."""
    return House(house.data_dir, {**house.environ, "GOV_GRPC_TLS": "mutual"})


@pytest.fixture
def identity(house: House, tmp_path: Path) -> Path:
    """The directory of a workload's certificate."""
    ensure_pki()
    own.store(tmp_path / "identity", joined("default", "govctl", reason="test"))
    return tmp_path / "identity"


@pytest.fixture
def secured(identity: Path, start: Start, grpc_address: str, token_of: MakeToken) -> Govctl:
    """govctl in the hands of a viewer, without any certificate yet."""
    start("xds")
    found = own.load(identity)
    credentials = grpc.ssl_channel_credentials(found.roots_pem, found.pair.key_pem, found.pair.chain_pem)
    with grpc.secure_channel(grpc_address, credentials) as channel:
        grpc.channel_ready_future(channel).result(LIMIT_S)
    return Govctl(grpc_address, token_of("vera", "viewer"))


def test_a_certificate_opens_the_port_wherever_it_is_named(secured: Govctl, identity: Path, tmp_path: Path) -> None:
    given = secured("services", "--cert-dir", str(identity), "-o", "json")
    assert (given.code, given.json) == (0, [])
    # What was typed goes before what stands in the environment.
    assert secured("services", "--cert-dir", str(identity), GOVCTL_PLAINTEXT="1").code == 0
    assert secured("services", GOVCTL_CERT_DIR=str(identity)).code == 0
    home = tmp_path / "home" / "governor"
    home.mkdir(parents=True)
    (home / "govctl").symlink_to(identity)
    assert secured("services", XDG_CONFIG_HOME=str(home.parent)).code == 0
    # With a certificate and no token it acts for the workload, which may see services and no certificates.
    assert secured("services", GOVCTL_CERT_DIR=str(identity), GOVCTL_TOKEN="").code == 0
    assert secured("cert", "list", GOVCTL_CERT_DIR=str(identity), GOVCTL_TOKEN="").code == 3


def test_who_cannot_connect_is_told_in_one_line_what_may_help(secured: Govctl, identity: Path, tmp_path: Path) -> None:
    roots = identity / "ca.crt"
    plain = secured("services", "--plaintext", GOVCTL_CERT_DIR=str(identity))
    assert (plain.code, "if it speaks TLS, give --cert-dir or --ca-file" in plain.err) == (6, True)
    bare = secured("services", "--ca-file", str(roots))
    assert (bare.code, "it wants a certificate: give --cert-dir" in bare.err) == (6, True)
    for said in (plain, bare):
        assert said.err.count("\n") == 1, said.err
    execute(RevokeCertificate(namespace="default", serial=own.load(identity).pair.serial), by=SYSTEM)
    revoked = secured("services", "--cert-dir", str(identity))
    assert (revoked.code, "was revoked" in revoked.err) == (3, True)


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    nowhere, empty, text = Govctl("127.0.0.1:1", ""), tmp_path / "empty", tmp_path / "text"
    empty.mkdir()
    text.write_text("hello")
    for words in (
        ("--cert-dir", str(tmp_path / "none")),
        ("--cert-dir", str(empty)),
        ("--ca-file", str(tmp_path / "none")),
        ("--ca-file", str(text)),
        ("--plaintext", "--ca-file", str(text)),
    ):
        assert nowhere("services", *words).code == 2, words


def test_tls_against_a_port_of_plain_text_says_so(identity: Path) -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    plain = Govctl(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", "")
    server.start()
    said = plain("services", "--cert-dir", str(identity))
    assert (said.code, "it speaks plain text: give --plaintext" in said.err) == (6, True)
    assert said.err.count("\n") == 1, said.err
    assert plain("services", "--plaintext").code == 1
    server.stop(None).wait()
