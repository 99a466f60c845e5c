"""What data planes get, whatever happens to single certificates."""

from collections.abc import Callable

import pytest
from django.conf import settings

from gateway.xds.trust import Trust
from gateway.xds.trusted import TrustReader
from governance.kernel.actor import SYSTEM
from governance.kernel.errors import Unavailable
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import DeleteCertificate, IssueNow, RevokeCertificate
from governance.pki.keyring import key_encryption_key
from governance.pki.models import Certificate
from governance.pki.setup import ensure_pki
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import seen, want
from tests.pki.joining import URI
from tests.pki.spoiling import seal_otherwise, spoil_key


def _reserved_name() -> None:
    Certificate.objects.filter(namespace="shop", name="web").update(secret_name="workload")


SPOILT = pytest.mark.parametrize("spoil", [spoil_key, seal_otherwise, _reserved_name])


class Following:
    """A reader with the revision up to which it has read."""

    def __init__(self) -> None:
        self._reader = TrustReader()
        self._revision = ledger.head_revision()
        self.trust: Trust = self._reader.read(self._revision)

    def catch_up(self) -> None:
        entries = ledger.after(self._revision)
        self._revision = entries[-1].revision
        self.trust = self._reader.changed(self._revision, entries) or self.trust

    def serials(self) -> dict[str, str]:
        return {secret.name: secret.serial for secret in self.trust.secrets}


@pytest.fixture
def two(house: House) -> House:
    """A house in which shop/web and shop/till are in force, for one consumer."""
    ensure_pki()
    for name in ("web", "till"):
        want(name, dns_names=(f"{name}.shop.svc",), consumers=(URI,))
    assert issue_due() == 2
    return house


def _renew(name: str) -> None:
    execute(IssueNow(namespace="shop", name=name), by=SYSTEM)
    issue_due()


@SPOILT
def test_a_start_leaves_out_what_cannot_be_read(two: House, spoil: Callable[[], None]) -> None:
    spoil()
    assert set(Following().serials()) == {"till"}


@SPOILT
def test_the_last_good_secret_stays_and_the_others_go_on(two: House, spoil: Callable[[], None]) -> None:
    following = Following()
    before = following.serials()
    for name in ("web", "till"):
        _renew(name)
    spoil()
    following.catch_up()
    after = following.serials()
    assert after["web"] == before["web"] != seen("web").serial
    assert after["till"] == seen("till").serial != before["till"]


def test_it_gets_the_new_one_once_that_can_be_read(two: House) -> None:
    following = Following()
    _renew("web")
    spoil_key()
    following.catch_up()
    _renew("web")
    following.catch_up()
    assert following.serials()["web"] == seen("web").serial


def test_a_last_good_secret_ends_when_its_certificate_does(two: House) -> None:
    following = Following()
    for name in ("web", "till"):
        _renew(name)
        spoil_key(name)
    following.catch_up()
    assert set(following.serials()) == {"web", "till"}
    execute(DeleteCertificate(namespace="shop", name="web"), by=SYSTEM)
    execute(RevokeCertificate(namespace="shop", serial=seen("till").serial, replace=False), by=SYSTEM)
    following.catch_up()
    assert following.serials() == {}


def test_a_last_good_secret_gives_way_to_another_of_its_name(two: House) -> None:
    following = Following()
    _renew("web")
    Certificate.objects.filter(namespace="shop", name="web").update(secret_name="workload")
    want("new", secret_name="web", dns_names=("new.shop.svc",), consumers=(URI,))
    issue_due()
    following.catch_up()
    assert following.serials() == {"web": seen("new").serial, "till": seen("till").serial}


def test_nobodys_certificate_stays_when_it_cannot_be_read(two: House) -> None:
    following = Following()
    before = following.trust.default
    assert before is not None
    execute(IssueNow(namespace="governor", name="nobody"), by=SYSTEM)
    issue_due()
    spoil_key("nobody", "governor")
    following.catch_up()
    assert following.trust.default == before


def test_a_start_with_another_key_encryption_key_says_so(two: House) -> None:
    settings.GOV = settings.GOV.model_copy(update={"key_encryption_key": "0" * 64})
    key_encryption_key.cache_clear()
    with pytest.raises(Unavailable, match="GOV_KEY_ENCRYPTION_KEY is another than"):
        Following()
