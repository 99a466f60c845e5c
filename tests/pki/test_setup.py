"""What a start finds and puts right before the doors open."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from django.conf import settings

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Unavailable
from governance.ledger.execute import execute
from governance.pki.commands import DeleteCertificate, RequestCertificate, RevokeCertificate
from governance.pki.keyring import key_encryption_key
from governance.pki.queries.authorities import signer_of
from governance.pki.setup import ensure_pki
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import DAY, clock_at, delivered, everything_recorded, head, leaf_of, newest_fact, seen, want
from tests.pki.spoiling import imported, seal_otherwise, spoil_authority, spoil_key

OURS = ("control-plane", "governor")


def _set(**values: Any) -> None:
    """Start from now on with other settings."""
    settings.GOV = settings.GOV.model_copy(update=values)


def test_a_second_start_changes_nothing(pki: House) -> None:
    before = head()
    assert not ensure_pki()
    assert head() == before


def _revoke() -> None:
    execute(RevokeCertificate(namespace="governor", serial=seen(*OURS).serial, replace=False), by=SYSTEM)


def _delete() -> None:
    execute(DeleteCertificate(namespace="governor", name="control-plane"), by=SYSTEM)


@pytest.mark.parametrize(
    "spoil",
    [_revoke, _delete, lambda: spoil_key(*OURS), lambda: seal_otherwise(*OURS)],
    ids=["revoked", "deleted", "an altered key", "another's key"],
)
def test_our_own_certificate_is_issued_at_once_when_nobody_can_be_shown_it(
    pki: House, spoil: Callable[[], None]
) -> None:
    before = seen(*OURS).serial
    spoil()
    assert ensure_pki()
    assert seen(*OURS).serial != before
    assert delivered(*OURS) is not None


def test_after_a_long_sleep_our_own_certificates_are_issued_at_once(pki: House) -> None:
    with clock_at(now() + 100 * DAY):
        assert ensure_pki()
        for name in ("control-plane", "nobody"):
            assert seen(name, "governor").ready(now()).holds


def test_our_own_certificate_gets_the_names_that_the_settings_ask_for(pki: House) -> None:
    before = seen(*OURS)
    _set(allowed_hosts="governor.example.org", http_addr="192.0.2.7:80", grpc_addr="grpc.example.org:8443")
    assert ensure_pki()
    assert seen(*OURS).serial != before.serial
    shown = leaf_of(*OURS).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = set(shown.get_values_for_type(x509.DNSName))
    assert {"localhost", "governor.example.org", "grpc.example.org"} <= names
    addresses = {str(each) for each in shown.get_values_for_type(x509.IPAddress)}
    assert {"127.0.0.1", "192.0.2.7"} <= addresses
    assert "the settings ask for it" in everything_recorded()


def test_what_was_asked_for_beyond_the_settings_stays(pki: House) -> None:
    spec = seen(*OURS).spec
    more = replace(spec, dns_names=(*spec.dns_names, "status.example.org"), duration_s=30 * 86_400)
    execute(RequestCertificate(namespace="governor", name="control-plane", spec=more), by=SYSTEM)
    issue_due()
    before = head()
    assert not ensure_pki()
    assert head() == before, "two machines with different settings would take turns in changing it"


def test_a_name_that_a_tenant_has_already_is_no_reason_not_to_start(
    pki: House, caplog: pytest.LogCaptureFixture
) -> None:
    want(dns_names=("shop.example.org",))
    before = seen(*OURS)
    _set(allowed_hosts="shop.example.org")
    assert not ensure_pki()
    assert seen(*OURS) == before
    assert "shop.example.org" in next(each.getMessage() for each in caplog.records if each.levelname == "ERROR")


def test_an_authority_that_cannot_sign_is_no_reason_not_to_start(pki: House) -> None:
    spoil_authority(imported())
    with clock_at(now() + timedelta(days=20)):
        ensure_pki()


def test_without_a_signer_a_start_goes_on_with_what_there_is(pki: House) -> None:
    _revoke()
    spoil_authority(signer_of("internal")[0])
    ensure_pki()
    assert newest_fact().action == "pki.certificate.fail"
    assert delivered("nobody", "governor") is not None


def test_a_start_with_another_key_encryption_key_makes_nothing(pki: House) -> None:
    _set(key_encryption_key="0" * 64)
    key_encryption_key.cache_clear()
    before = head()
    with pytest.raises(Unavailable, match="GOV_KEY_ENCRYPTION_KEY is another than"):
        ensure_pki()
    assert head() == before
