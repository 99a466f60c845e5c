"""Whatever happens to one certificate, the others are delivered."""

from collections.abc import Callable

import pytest
from django.conf import settings

from governance.kernel.actor import SYSTEM
from governance.kernel.errors import Invalid, Unavailable
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import RevokeCertificate
from governance.pki.keyring import key_encryption_key
from governance.pki.models import Certificate, Issued
from governance.pki.queries.delivery import check_keys, deliverables, delivery, touched, unreadable_total
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import head, seen, want
from tests.pki.joining import URI
from tests.pki.spoiling import imported, seal_otherwise, spoil_authority, spoil_key


def _of_row(**values: object) -> Callable[[], None]:
    def spoil() -> None:
        Issued.objects.filter(pk=seen().serial).update(**values)

    return spoil


def _names() -> list[str]:
    return [each.name for each in deliverables()]


@pytest.fixture
def two(pki: House) -> House:
    """A house in which shop/web and shop/till are in force, for one consumer."""
    for name in ("web", "till"):
        want(name, dns_names=(f"{name}.shop.svc",), consumers=(URI,))
    assert issue_due() == 2
    return pki


@pytest.mark.parametrize(
    "spoil",
    [spoil_key, seal_otherwise, _of_row(sealed_key=b"?"), _of_row(chain_pem=""), _of_row(dns_names=7)],
    ids=["an altered key", "another's key", "no key at all", "no certificate", "a number for names"],
)
def test_one_that_cannot_be_read_keeps_no_other_from_anybody(
    two: House, spoil: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    assert _names() == ["till", "web"]
    spoil()
    before = unreadable_total._value.get()
    read = delivery()
    assert ([each.name for each in read.found], read.left_out) == (["till"], frozenset({("shop", "web")}))
    assert unreadable_total._value.get() == before + 1
    said = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert len(said) == 1
    assert "shop/web" in said[0]
    assert "PRIVATE" not in said[0]
    assert deliverables(only=[("shop", "web")]) == []


def test_one_whose_row_names_no_consumers_in_a_list_is_nobodys(two: House) -> None:
    Certificate.objects.filter(namespace="shop", name="web").update(spec=["?"])
    assert _names() == ["till"]


def test_what_is_for_one_consumer_is_found_by_its_whole_name(two: House) -> None:
    longer = f"{URI}-2"
    want("longer", dns_names=("longer.shop.svc",), consumers=(longer,))
    want("nobodys", dns_names=("nobodys.shop.svc",))
    issue_due()
    assert [each.name for each in deliverables(consumer=URI)] == ["till", "web"]
    assert [each.name for each in deliverables(consumer=longer)] == ["longer"]
    assert deliverables(consumer=URI.replace("checkout", "check_ut")) == []
    assert [each.name for each in deliverables(only=[("shop", "web"), ("shop", "longer")], consumer=URI)] == ["web"]
    assert deliverables(only=[]) == []


def test_a_key_that_another_consumer_needs_is_not_opened(two: House, caplog: pytest.LogCaptureFixture) -> None:
    spoil_key()
    assert deliverables(consumer=f"{URI}-2") == []
    assert not caplog.records


def test_keys_that_are_sealed_with_another_key_encryption_key_are_found_out(two: House) -> None:
    check_keys()
    settings.GOV = settings.GOV.model_copy(update={"key_encryption_key": "0" * 64})
    key_encryption_key.cache_clear()
    with pytest.raises(Unavailable, match="GOV_KEY_ENCRYPTION_KEY is another than"):
        check_keys()


def test_an_unusable_key_encryption_key_is_found_out(two: House) -> None:
    settings.GOV = settings.GOV.model_copy(update={"key_encryption_key": "short"})
    key_encryption_key.cache_clear()
    with pytest.raises(Invalid):
        check_keys()


def test_single_keys_that_do_not_open_are_not_taken_for_all(two: House) -> None:
    spoil_authority(imported())
    for spoil in (spoil_key, seal_otherwise):
        spoil()
        check_keys()


def test_without_any_key_nothing_is_found_fault_with(house: House) -> None:
    check_keys()


def test_what_a_revocation_takes_with_it_is_touched_as_well(two: House) -> None:
    stolen, also = seen().serial, seen("till").serial
    Issued.objects.filter(pk__in=(stolen, also)).update(key_id="7f3a")
    execute(RevokeCertificate(namespace="shop", serial=stolen, cause="keyCompromise"), by=SYSTEM)
    (fact,) = ledger.after(head() - 1)
    assert touched([fact]) == {("shop", "web"), ("shop", "till")}
    assert deliverables() == []
