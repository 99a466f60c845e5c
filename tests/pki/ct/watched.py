"""Ports that are looked at, and certificates that nobody here issued, for tests of the board."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from governance.kernel import clock
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import observe
from governance.pki.authority import signed
from governance.pki.commands import AddListener, IssueNow, SetTransport
from governance.pki.ct.board import Board, board, ports
from governance.pki.ct.differing import Kind, Row
from governance.pki.ct.standing import FindingView
from governance.pki.enrolment import join
from governance.pki.keys import PrivateKey, make_key
from governance.pki.keys import to_pem as key_pem
from governance.pki.names import Names
from governance.pki.queries.authorities import signer_of
from governance.pki.queries.findings import findings
from governance.pki.worker import issue_due
from governance.registry.commands import CreateService, RegisterEndpoint
from governance.registry.values import EndpointSpec, ServiceSpec
from tests.fixtures.leaves import issue
from tests.pki import forge
from tests.pki.conftest import clock_at, delivered, want
from tests.pki.ct.ports import Identity, identity
from tests.pki.joining import HERE, URI, csr, token

DAYS, MINUTES = timedelta(days=1), timedelta(minutes=1)
FORGED = Names(dns=("web.shop.svc",))


def issued(name: str = "web", *, namespace: str = "shop") -> Identity:
    """A certificate that is wanted and issued, as its consumers get it."""
    want(name, namespace=namespace, consumers=(URI,))
    issue_due()
    return fetched(name, namespace=namespace)


def fetched(name: str = "web", *, namespace: str = "shop") -> Identity:
    there = delivered(name, namespace)
    assert there is not None
    return Identity(chain_pem=there.chain_pem, key_pem=there.key_pem)


def forged() -> Identity:
    """Signed with the key of our issuer, which left no trace: neither in the tables nor in the log."""
    _, signer = signer_of("internal")
    key = make_key("ECDSA", 256)
    return identity(key, issue(signer, key.public_key(), FORGED, life=30 * DAYS, at=now()), *signer.chain)


def listen(address: str, *, namespace: str = "shop", server_name: str = "") -> str:
    """Let a port be looked at; returns the listener's id."""
    command = AddListener(namespace=namespace, address=address, server_name=server_name)
    execute(command, by=SYSTEM)
    return command.id


def serve(address: str, *, service: str = "checkout", namespace: str = "shop", endpoint: str = "one") -> None:
    """Let a service with mutual TLS have this endpoint."""
    host, _, port = address.rpartition(":")
    execute(CreateService(namespace=namespace, spec=ServiceSpec(namespace=namespace, name=service)), by=SYSTEM)
    mutual = SetTransport(namespace=namespace, service=service, mode="mutual", server_uris=(URI,))
    execute(mutual, by=SYSTEM)
    spec = EndpointSpec(name=endpoint, host=host, port=int(port), zone="a")
    execute(RegisterEndpoint(namespace=namespace, service=service, spec=spec), by=SYSTEM)


def board_now(*namespaces: str) -> Board:
    return board(namespaces or (EVERYWHERE,), at=now())


def rows(kind: Kind, *namespaces: str) -> list[Row]:
    return [each for each in board_now(*namespaces).rows if each.kind == kind]


def open_findings(kind: str) -> list[FindingView]:
    return findings(kind=kind)


@contextmanager
def later(by: timedelta) -> Iterator[None]:
    """Let so much more time have passed while the block runs."""
    moment = clock.now() + by
    with clock_at(moment):
        yield


def numbered(serial: int) -> Identity:
    """Signed with our key, and bearing a serial number of somebody's choice."""
    return _signed(signer_of("internal")[1].certificate.subject, serial)


def disguised() -> Identity:
    """Signed with our key, and saying that it was signed by somebody else."""
    return _signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Somebody Else")]), x509.random_serial_number())


def through_an_authority() -> Identity:
    """Signed by an authority that our key made and nobody here knows."""
    _, signer = signer_of("internal")
    above, key = make_key("ECDSA", 256), make_key("ECDSA", 256)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rogue Issuing")])
    rogue = signed(_dated(signer.certificate.subject, name, above), signer.key)
    leaf = signed(_dated(name, x509.Name([]), key), above)
    return identity(key, leaf, rogue, *signer.chain)


def _signed(issuer: x509.Name, serial: int) -> Identity:
    _, signer = signer_of("internal")
    key = make_key("ECDSA", 256)
    return identity(key, signed(_dated(issuer, x509.Name([]), key, serial), signer.key))


def _dated(issuer: x509.Name, subject: x509.Name, key: PrivateKey, serial: int = 0) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=serial or x509.random_serial_number(),
        not_valid_before=now() - DAYS,
        not_valid_after=now() + 30 * DAYS,
    )


def renewed(name: str = "web") -> None:
    """Let the certificate be issued anew."""
    execute(IssueNow(namespace="shop", name=name), by=SYSTEM, reason="a test")
    assert issue_due() == 1


def joined() -> Identity:
    """A workload's certificate, over its own key."""
    key = make_key("ECDSA", 256)
    return Identity(chain_pem=join(token(), csr(key=key), origin=HERE).chain_pem, key_pem=key_pem(key))


def stranger(name: str = "Elsewhere CA") -> Identity:
    authority = forge.authority(name, life=(now() - DAYS, now() + 9 * DAYS))
    leaf = forge.forge("leaf", by=authority, changes={}, life=(now() - DAYS, now() + DAYS))
    return identity(leaf.key, leaf.certificate, authority.certificate)


def hold(serial: str, process: str = "one") -> None:
    held = observe.Seen(consumer=URI, process=process, secret="shop/web", serial=serial, roots="", how="xds")
    observe.holdings([held], at=now())


def verdicts() -> list[tuple[str, str]]:
    """Of each port."""
    return [(each.port.address, each.verdict) for each in ports()]
