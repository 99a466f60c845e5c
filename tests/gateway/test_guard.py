"""What a gRPC server of ours shows and whom it lets in, whatever happens to its certificate."""

from datetime import timedelta

import pytest
from django.conf import settings

from gateway.guard import Guard
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Unavailable
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import IssueNow, RevokeCertificate
from governance.pki.keyring import key_encryption_key
from governance.pki.setup import ensure_pki
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import clock_at, seen, want
from tests.pki.spoiling import spoil_key

OURS = ("control-plane", "governor")


def _started() -> Guard:
    """One that has read what stands; what comes later it is told."""
    guard = Guard("test")
    guard.start()
    guard.stop()
    return guard


def _serial(guard: Guard) -> str:
    assert guard.own is not None
    return guard.own.serial


def test_it_starts_after_a_sleep_longer_than_its_certificates_life(house: House) -> None:
    ensure_pki()
    with clock_at(now() + timedelta(days=100)):
        ensure_pki()
        guard = _started()
    assert _serial(guard) == seen(*OURS).serial


def test_its_own_that_does_not_open_any_more_stays_and_revocations_are_still_known(house: House) -> None:
    ensure_pki()
    guard, revision = _started(), ledger.head_revision()
    before = _serial(guard)
    want()
    execute(IssueNow(namespace="governor", name="control-plane"), by=SYSTEM)
    issue_due()
    spoil_key(*OURS)
    revoked = seen().serial
    execute(RevokeCertificate(namespace="shop", serial=revoked), by=SYSTEM)
    guard._apply(ledger.after(revision))
    assert revoked in guard.revoked
    assert _serial(guard) == before != seen(*OURS).serial


def test_a_start_without_a_certificate_says_which_is_missing(house: House) -> None:
    with pytest.raises(Unavailable, match="no usable certificate governor/control-plane"):
        Guard("test").start()


def test_a_start_with_another_key_encryption_key_says_so(house: House) -> None:
    ensure_pki()
    settings.GOV = settings.GOV.model_copy(update={"key_encryption_key": "0" * 64})
    key_encryption_key.cache_clear()
    with pytest.raises(Unavailable, match="GOV_KEY_ENCRYPTION_KEY is another than"):
        Guard("test").start()
