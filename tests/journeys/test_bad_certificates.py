"""Whatever is wrong with what is handed in is refused whole and by name, and what was served before is served on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from cryptography import x509

from gateway.proto import certificate_pb2 as pb
from gateway.proto import common_pb2
from governance.kernel.clock import now
from governance.pki.authority import Authority, Names, make_root, to_pem
from governance.pki.keys import make_key
from governance.pki.keys import to_pem as key_pem
from tests.fixtures.grpcweb import GrpcWeb, GrpcWebError
from tests.fixtures.leaves import issue
from tests.fixtures.product import Product, eventually, running
from tests.pki.forge import alternative
from tests.pki.test_requests import request as csr_with

API = "/governor.admin.v1.CertificateService/"
TILL = "spiffe://governor.internal/ns/shop/sa/till"


@dataclass(frozen=True)
class Scene:
    """A running product, and the certificate shop/web that it has issued."""

    product: Product
    web: GrpcWeb

    @property
    def serial(self) -> str:
        request = pb.GetCertificateRequest(namespace="shop", name="web")
        return str(self.web.unary(API + "GetCertificate", request, pb.Certificate).serial)

    @property
    def head(self) -> int:
        """How many facts there are."""
        request = pb.ListCertificatesRequest()
        return int(self.web.unary(API + "ListCertificates", request, pb.ListCertificatesResponse).revision)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running(tmp_path_factory.mktemp("bad") / "data") as product:
        scene = Scene(product, GrpcWeb(product.url, product.token("security")))
        spec = pb.CertificateSpec(secret_name="web", issuer="internal", dns_names=["web.shop.svc"])
        request = pb.RequestCertificateRequest(namespace="shop", name="web", spec=spec)
        scene.web.unary(API + "RequestCertificate", request, common_pb2.Receipt)
        eventually(lambda: scene.serial, what="the first issue")
        yield scene


@pytest.mark.parametrize(
    ("csr", "said"),
    [
        (lambda: csr_with(alternative(uris=[TILL, TILL + "-2"])), "has 2 URIs"),
        (lambda: csr_with(alternative(dns=["*.shop.svc"])), "wildcard '*.shop.svc'"),
        (lambda: csr_with(x509.BasicConstraints(ca=True, path_length=None)), "asks to be an authority"),
        (lambda: csr_with(alternative(dns=["till.shop.svc\x00.evil.example"])), "has the character U+0000"),
        (lambda: b"garbage", "csr"),
        (lambda: csr_with() + b"x" * 900_000, "16384"),
        (lambda: csr_with() + b"x" * 1_100_000, ""),  # the door itself takes no body of that size
    ],
    ids=["two URIs", "wildcard", "CA:TRUE", "NUL in a name", "garbage", "900 kB", "1.1 MB"],
)
def test_a_bad_request_gets_no_certificate_and_leaves_the_token_good(
    scene: Scene, csr: Callable[[], bytes], said: str
) -> None:
    asked = pb.CreateJoinTokenRequest(namespace="shop", workload="till")
    token = scene.web.unary(API + "CreateJoinToken", asked, pb.CreateJoinTokenResponse).secret
    before = scene.serial, scene.head
    refused = _join(scene, token, csr().decode())
    assert 400 <= refused.status_code < 500, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert said in refused.text
    assert (scene.serial, scene.head) == before
    assert _join(scene, token, csr_with().decode()).status_code == 200


def _join(scene: Scene, token: str, csr: str) -> httpx.Response:
    return httpx.post(f"{scene.product.url}/api/v1/workloads:join", json={"token": token, "csr": csr}, timeout=30)


def _root(*, ended: bool = False) -> Authority:
    key = make_key("ECDSA", 256)
    at, life = (now() - timedelta(days=20), timedelta(days=10)) if ended else (now(), timedelta(days=3650))
    return Authority(certificate=make_root(key, common_name="Partner CA", life=life, at=at), key=key)


EXPIRED = _root(ended=True)


LEAF_KEY = make_key("ECDSA", 256)
LEAF = issue(_root(), LEAF_KEY.public_key(), Names(dns=("web.example",)), life=timedelta(hours=1), at=now())


@pytest.mark.parametrize(
    ("certificate", "key", "field", "said"),
    [
        (lambda: to_pem(_root().certificate), lambda: _root().key, "key", "is not the key of"),
        (lambda: "garbage", lambda: _root().key, "certificate", "PEM"),
        (lambda: to_pem(LEAF), lambda: LEAF_KEY, "certificate", "is a leaf's"),
        (lambda: to_pem(EXPIRED.certificate), lambda: EXPIRED.key, "certificate", "expired at"),
    ],
    ids=["mismatched pair", "garbage", "leaf as CA", "expired issuer"],
)
def test_a_bad_authority_is_not_taken_over(
    scene: Scene, certificate: Callable[[], str], key: Callable[[], object], field: str, said: str
) -> None:
    before = scene.serial, scene.head
    request = pb.ImportIssuerRequest(
        name="partner",
        certificate=certificate(),
        key=key_pem(key()).decode(),  # type: ignore[arg-type]  # each is a private key
    )
    with pytest.raises(GrpcWebError) as refusal:
        scene.web.unary(API + "ImportIssuer", request, common_pb2.Receipt)
    assert said in refusal.value.violations[field]
    assert "PRIVATE KEY" not in refusal.value.message
    assert (scene.serial, scene.head) == before
