"""The dashboard over HTTPS: the right certificate for each name, changed while it serves."""

import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from governance.pki.setup import ensure_pki
from tests.fixtures.grpcweb import GrpcWeb
from tests.fixtures.house import House
from tests.fixtures.product import ROOT, Product, eventually, running

API = "/governor.admin.v1.CertificateService/"
OURS = "spiffe://governor.internal/ns/governor/sa/control-plane"


@dataclass(frozen=True)
class Edge:
    """A running product and its HTTPS port."""

    product: Product
    web: GrpcWeb
    port: int
    roots: str

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.roots)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def shown(self, name: str | None) -> tuple[x509.Certificate, str | None]:
        """The certificate that a handshake asking for `name` gets, and the protocol that was chosen."""
        context = self.context()
        context.check_hostname = False
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
            assert der is not None
            return x509.load_der_x509_certificate(der), secured.selected_alpn_protocol()

    def serial(self, name: str) -> str:
        return f"{self.shown(name)[0].serial_number:x}"

    def newest(self, namespace: str, name: str) -> str:
        request = pb.GetCertificateRequest(namespace=namespace, name=name)
        return str(self.web.unary(API + "GetCertificate", request, pb.Certificate).serial)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with running(tmp_path_factory.mktemp("https") / "data") as product:
        web = GrpcWeb(product.url, product.token("security"))
        found = re.search(r"https://localhost:(\d+)/", "\n".join(product.lines))
        assert found is not None
        answer = web.unary("/governor.admin.v1.EnrolmentService/GetRoots", pb.GetRootsRequest(), pb.GetRootsResponse)
        yield Edge(product, web, int(found[1]), answer.roots_pem)


def _names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(found.get_values_for_type(x509.DNSName))


def test_each_name_gets_its_tenants_certificate_and_an_unknown_one_that_of_nobody(edge: Edge) -> None:
    for tenant in ("acme", "bolt"):
        spec = pb.CertificateSpec(
            secret_name="dashboard",
            issuer="internal",
            dns_names=[f"{tenant}.example", f"*.{tenant}.example"],
            consumers=[OURS],
        )
        request = pb.RequestCertificateRequest(namespace=tenant, name="dashboard", spec=spec)
        edge.web.unary(API + "RequestCertificate", request, common_pb2.Receipt)
    for tenant in ("acme", "bolt"):
        for name in (f"{tenant}.example", f"eu.{tenant}.example"):
            eventually(lambda name=name, tenant=tenant: f"{tenant}.example" in _names(edge.shown(name)[0]))  # type: ignore[misc]
    assert "localhost" in _names(edge.shown("localhost")[0])
    for unknown in ("gone.example", "acme.example.evil.example", None):
        assert _names(edge.shown(unknown)[0]) == ["nobody.invalid"]


def test_a_tenants_bad_certificates_keep_nobody_elses_from_being_shown(edge: Edge) -> None:
    bad = {
        "nameless": pb.CertificateSpec(uris=["spiffe://governor.internal/ns/acme/sa/nameless"]),
        "first": pb.CertificateSpec(dns_names=["twice.acme.example"]),
        "second": pb.CertificateSpec(dns_names=["twice.acme.example", "never.acme.example"]),
        "third": pb.CertificateSpec(dns_names=["third.bolt.example"]),
    }
    for name, spec in bad.items():
        spec.MergeFrom(pb.CertificateSpec(secret_name=name, issuer="internal", consumers=[OURS]))
        namespace = "bolt" if name == "third" else "acme"
        request = pb.RequestCertificateRequest(namespace=namespace, name=name, spec=spec)
        edge.web.unary(API + "RequestCertificate", request, common_pb2.Receipt)
    for name in ("third.bolt.example", "twice.acme.example"):
        eventually(lambda name=name: _names(edge.shown(name)[0]) == [name])  # type: ignore[misc]
    assert "localhost" in _names(edge.shown("localhost")[0])
    eventually(lambda: "cannot be shown on the HTTPS port" in "\n".join(edge.product.lines))


def test_http_1_1_is_what_is_agreed_on(edge: Edge) -> None:
    assert edge.shown("localhost")[1] == "http/1.1"


def test_a_new_certificate_is_shown_without_a_restart_and_open_connections_go_on(edge: Edge) -> None:
    children = edge.product.children()
    with httpx.Client(base_url=f"https://localhost:{edge.port}", verify=edge.context()) as client:
        assert client.get("/healthz").json() == {"alive": True}
        for _ in range(3):
            before = edge.newest("governor", "control-plane")
            request = pb.IssueNowRequest(namespace="governor", name="control-plane")
            edge.web.unary(API + "IssueNow", request, common_pb2.Receipt)
            eventually(lambda before=before: edge.newest("governor", "control-plane") != before, every_s=0.02)  # type: ignore[misc]
            serial = edge.newest("governor", "control-plane")
            eventually(lambda serial=serial: edge.serial("localhost") == serial, within_s=2.0, every_s=0.02)  # type: ignore[misc]
            assert client.get("/healthz").json() == {"alive": True}
    assert edge.product.children() == children


def test_pages_and_the_admin_api_answer_over_tls(edge: Edge) -> None:
    url = f"https://localhost:{edge.port}"
    with httpx.Client(verify=edge.context(), timeout=30, headers={"origin": url}) as client:
        page = client.get(f"{url}/accounts/login/")
        assert page.status_code == 200
        secured = GrpcWeb(url, edge.web.token, client)
        found = secured.unary(API + "ListIssuers", pb.ListIssuersRequest(), pb.ListIssuersResponse)
        assert [issuer.name for issuer in found.issuers] == ["internal"]
        signed_in = _sign_in(client, url, page)
        assert signed_in.status_code == 200, signed_in.text
        assert "/accounts/login" not in str(signed_in.url)


def _sign_in(client: httpx.Client, url: str, page: httpx.Response) -> httpx.Response:
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token is not None
    form = {"login": "admin", "password": "correct horse battery staple", "csrfmiddlewaretoken": token[1]}
    headers = {"referer": f"{url}/accounts/login/", "origin": url}
    return client.post(f"{url}/accounts/login/", data=form, headers=headers, follow_redirects=True)


def test_a_start_with_another_key_encryption_key_says_so_in_one_sentence(tmp_path: Path) -> None:
    with running(tmp_path / "data"):
        pass
    environ = {"GOV_KEY_ENCRYPTION_KEY": "0" * 64}
    with (
        pytest.raises(AssertionError, match="GOV_KEY_ENCRYPTION_KEY is another than"),
        running(tmp_path / "data", environ=environ),
    ):
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _greeted(port: int) -> str:
    """The first name of the certificate that a handshake with the port gets; empty when there is no handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            return _names(x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b""))[0]
    except (ssl.SSLError, ConnectionError):
        return ""


def test_the_dashboard_answers_in_plain_http_until_there_is_a_certificate(house: House) -> None:
    http, https = _free_port(), _free_port()
    environ = {**house.environ, "GOV_HTTP_ADDR": f"127.0.0.1:{http}", "GOV_HTTPS_ADDR": f"127.0.0.1:{https}"}
    command = [sys.executable, "manage.py", "web"]
    web = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        eventually(lambda: _alive(http), what="plain HTTP")
        assert _greeted(https) == ""
        ensure_pki()
        eventually(lambda: _greeted(https) == "localhost", what="HTTPS, without a restart")
    finally:
        web.send_signal(signal.SIGTERM)
        said, _ = web.communicate(timeout=20)
    assert "HTTPS is closed until there are usable certificates" in said


def _alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False
