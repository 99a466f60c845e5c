"""The web app on a real socket, with an issuer whose certificates lead to it."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from django.conf import settings

from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import RequestCertificate
from governance.pki.pem import chain_from_pem, to_pem
from governance.pki.queries.authorities import roots_pem
from governance.pki.queries.certificates import certificate, issued
from governance.pki.setup import ensure_pki
from governance.pki.values import CertificateSpec
from governance.pki.worker import issue_due
from tests.gateway.live.conftest import Door, door
from tests.pki.openssl import Said, run, written

__all__ = ["Door", "door"]


@dataclass(frozen=True)
class Leaf:
    """A certificate that was issued, as files for openssl."""

    directory: Path
    chain: tuple[x509.Certificate, ...]

    @property
    def serial(self) -> str:
        return f"{self.chain[0].serial_number:x}"

    @property
    def authority(self) -> str:
        """The id of the authority that signed it, as its addresses have it."""
        return self.crl_url.rpartition("/")[2].removesuffix(".crl")

    @property
    def crl_url(self) -> str:
        points = self.chain[0].extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        return str(points[0].full_name[0].value)

    @property
    def ocsp_url(self) -> str:
        (access,) = self.chain[0].extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        return str(access.access_location.value)

    def ocsp(self, *options: str | Path) -> Said:
        """What `openssl ocsp` says; it asks at the address in the certificate unless told."""
        return run(
            *("ocsp", "-issuer", self.directory / "signer", "-cert", self.directory / "leaf"),
            *("-CAfile", self.directory / "roots", *options),
        )


@pytest.fixture
def leaf(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Leaf:
    """The newest issue of shop/cart, by an issuer that was set up for this door."""
    address = f"http://{door.address}/pki"
    monkeypatch.setattr(settings, "GOV", settings.GOV.model_copy(update={"pki_url": address}))
    ensure_pki()
    spec = CertificateSpec(secret_name="cart", issuer="internal", dns_names=("cart.shop.svc",))
    execute(RequestCertificate(namespace="shop", name="cart", spec=spec), by=SYSTEM)
    issue_due()
    found = certificate("shop", "cart")
    assert found is not None
    one = issued(found.serial)
    assert one is not None
    chain = chain_from_pem(one.chain_pem, field="chain")
    for name, content in (("leaf", to_pem(chain[0])), ("signer", to_pem(chain[1])), ("roots", roots_pem())):
        written(tmp_path / name, content)
    return Leaf(tmp_path, chain)
