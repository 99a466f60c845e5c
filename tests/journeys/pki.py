"""The demo fleet on mutual TLS, and what can be seen of its certificates from outside."""

import json
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.product import Product, eventually

API = "/governor.admin.v1.CertificateService/"
CALLERS = ("caller-z1", "caller-z2", "front")
SERVICES = ("checkout", "inventory", "payments")


@dataclass(frozen=True)
class Fleet:
    """A running product with its demo fleet, and a token that may do everything with certificates."""

    product: Product
    web: GrpcWeb

    @property
    def directory(self) -> Path:
        """Where the fleet keeps its files."""
        return self.product.data_dir / "demo"

    def ask(self, method: str, request: Any, answer: Any) -> Any:
        """One call of the certificate API."""
        return self.web.unary(API + method, request, answer)

    def certificate(self, name: str) -> pb.Certificate:
        found: pb.Certificate = self.ask(
            "GetCertificate", pb.GetCertificateRequest(namespace="default", name=name), pb.Certificate
        )
        return found

    def issue_now(self, name: str) -> str:
        """Have a certificate issued anew, and return its new serial once that is committed."""
        before = self.certificate(name).serial
        request = pb.IssueNowRequest(namespace="default", name=name, mutation=common_pb2.Mutation(reason="rotate"))
        self.ask("IssueNow", request, common_pb2.Receipt)
        eventually(lambda: self.certificate(name).serial != before, every_s=0.02, what=f"another issue of {name}")
        return self.certificate(name).serial

    def tallies(self) -> dict[str, dict[str, Any]]:
        """What each caller counted so far; each begins to tell after a second."""
        files = {name: self.directory / f"{name}.json" for name in CALLERS}
        eventually(lambda: all(file.exists() for file in files.values()), what="a tally of each caller")
        return {name: json.loads(file.read_text()) for name, file in files.items()}

    def total(self) -> int:
        return sum(tally["calls"] for tally in self.tallies().values())

    def lost(self) -> dict[str, tuple[Any, Any]]:
        """Errors and broken streams of each caller that has some."""
        found = {name: (tally["errors"], tally["streams_broken"]) for name, tally in self.tallies().items()}
        return {name: each for name, each in found.items() if each != ({}, 0)}

    def address(self, instance: str) -> tuple[str, int]:
        """Where an instance listens, or the Envoy, which is called front."""
        state = json.loads((self.directory / "fleet.json").read_text())
        host, _, port = (state["front"] if instance == "front" else state["instances"][instance]).rpartition(":")
        return host, int(port)

    def roots(self) -> str:
        answer = self.web.unary(
            "/governor.admin.v1.EnrolmentService/GetRoots", pb.GetRootsRequest(), pb.GetRootsResponse
        )
        return str(answer.roots_pem)

    def shown(self, instance: str, name: str, *, roots: str) -> list[x509.Certificate]:
        """The chain that a fresh handshake shows, after it was accepted by a client that trusts `roots` alone."""
        context = ssl.create_default_context(cadata=roots)
        context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
        context.set_alpn_protocols(["h2"])
        own = self.directory / "identities" / "caller-z1"
        context.load_cert_chain(own / "tls.crt", own / "tls.key")
        with (
            socket.create_connection(self.address(instance), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            chain: Sequence[Any] = secured._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
            return [x509.load_pem_x509_certificate(each.public_bytes().encode()) for each in chain]

    def shows(self, serial: str, instances: Sequence[str], name: str, *, within_s: float) -> None:
        """Wait until fresh handshakes with all `instances` show the certificate `serial`."""
        roots = self.roots()

        def seen() -> bool:
            return all(f"{self.shown(each, name, roots=roots)[0].serial_number:x}" == serial for each in instances)

        eventually(seen, within_s=within_s, every_s=0.05, what=f"serial {serial} in handshakes with {instances}")


def server_name(service: str) -> str:
    """The DNS name in the certificate of a service's servers."""
    return f"{service}.default.svc"
