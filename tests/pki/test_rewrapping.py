"""A new key-encryption key takes over from the old one, while everything goes on."""

import io
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Forbidden, Invalid
from governance.kernel.permissions import ROLES
from governance.ledger import queries as ledger_queries
from governance.ledger.execute import execute
from governance.pki.commands import RevokeCertificate, RewrapKeys, Rewrapped
from governance.pki.keyring import key_encryption_key, of_issued, opened, opened_key, rewrapped, sealed
from governance.pki.keys import make_key
from governance.pki.models import Issued
from governance.pki.queries.authorities import signer_of
from governance.pki.queries.certificates import sealed_key_of
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import head, keys_kept, nothing_secret_is_recorded, of_namespace, seen, want
from tests.pki.kek import KEY, OTHER, given


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """The key is read once in a process; the next test has another."""
    yield
    key_encryption_key.cache_clear()


def rewrap() -> str:
    """What `manage.py rewrap_keys` says."""
    out = io.StringIO()
    call_command("rewrap_keys", stdout=out)
    return out.getvalue()


def test_every_key_moves_to_a_new_key_encryption_key_and_the_old_one_can_go(pki: House) -> None:
    want()
    assert issue_due() == 1
    first, before, keys = settings.GOV.key_encryption_key, head(), len(keys_kept())
    private = opened_key(sealed_of(seen().serial), context=of_issued(seen().serial))
    given(key_encryption_key=OTHER, key_encryption_key_old=first)
    assert rewrap().startswith(f"{keys} private keys")
    assert [(fact.action, fact.actor) for fact in ledger_queries.after(before)] == [("pki.keys.rewrap", "system")] * 3
    assert nothing_secret_is_recorded()
    given(key_encryption_key_old="")
    assert opened_key(sealed_of(seen().serial), context=of_issued(seen().serial)).public_key() == private.public_key()
    assert signer_of("internal")[1].key.key_size == 256
    before = head()
    assert rewrap().startswith("0 private keys")
    assert head() == before, "done again it changes nothing"


def test_a_key_that_nothing_opens_stays_and_holds_up_no_other(pki: House) -> None:
    for name in ("lost", "web"):
        want(name)
    assert issue_due() == 2
    first = settings.GOV.key_encryption_key
    given(key_encryption_key=KEY)
    lost = sealed(make_key("ECDSA", 256), context=of_issued(seen("lost").serial))
    Issued.objects.filter(pk=seen("lost").serial).update(sealed_key=lost)
    given(key_encryption_key=OTHER, key_encryption_key_old=first)
    with pytest.raises(CommandError, match="1 private keys stay as they are"):
        rewrap()
    assert sealed_of(seen("lost").serial) == lost
    given(key_encryption_key_old="")
    assert opened(sealed_of(seen().serial), context=of_issued(seen().serial))


def test_a_key_that_was_given_up_meanwhile_does_not_come_back(pki: House, bob: Actor) -> None:
    want()
    assert issue_due() == 1
    serial, first = seen().serial, settings.GOV.key_encryption_key
    given(key_encryption_key=OTHER, key_encryption_key_old=first)
    was = sealed_of(serial)
    command = RewrapKeys(kind="issued", items=(Rewrapped(of=serial, was=was, now=rewrapped(was)),))
    execute(RevokeCertificate(namespace="shop", serial=serial, cause="keyCompromise"), by=bob)
    assert not execute(command, by=SYSTEM).changed
    assert sealed_key_of(serial) is None
    assert was.hex() not in repr(command)


def test_only_the_system_moves_keys(pki: House, alice: Actor, bob: Actor) -> None:
    command = RewrapKeys(kind="issued", items=(Rewrapped(of="7f3a", was=b"", now=b""),))
    for actor in (alice, bob, of_namespace("ada", *ROLES, namespace="*")):
        with pytest.raises(Forbidden):
            execute(command, by=actor)
    for items in ((), command.items * 501):
        with pytest.raises(Invalid):
            RewrapKeys(kind="issued", items=items)


def sealed_of(serial: str) -> bytes:
    kept = sealed_key_of(serial)
    assert kept is not None
    return kept
