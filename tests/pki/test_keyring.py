"""Where the key that seals all others comes from, and that without it nothing opens."""

import base64
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from governance.environment import BadEnvironment, read_environment
from governance.kernel.errors import Invalid, Unavailable
from governance.pki import keyring
from governance.pki.keyring import (
    default_place,
    key_encryption_key,
    of_authority,
    of_issued,
    opened,
    opened_key,
    sealed,
)
from governance.pki.keys import make_key, to_pem
from tests.fixtures.house import House
from tests.pki.kek import KEY, OTHER, given


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """The key is read once in a process; each of these tests is as a process of its own."""
    key_encryption_key.cache_clear()
    yield
    key_encryption_key.cache_clear()


@pytest.fixture
def configured(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A house without any setting about keys; returns the user's configuration directory."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    given(key_encryption_key="", key_passphrase="")
    return tmp_path / "config"


def test_what_is_sealed_opens_for_what_it_belongs_to_alone(house: House) -> None:
    key = make_key("ECDSA", 256)
    kept = sealed(key, context=of_issued("7f3a"))
    assert opened(kept, context=of_issued("7f3a")) == to_pem(key)
    assert opened_key(kept, context=of_issued("7f3a")).public_key() == key.public_key()
    assert to_pem(key).splitlines()[1] not in kept
    for other in (of_issued("7f3b"), of_authority("7f3a")):
        with pytest.raises(Invalid):
            opened(kept, context=other)


def test_sealing_twice_looks_different_each_time(house: House) -> None:
    key = make_key("ECDSA", 256)
    assert sealed(key, context="a") != sealed(key, context="a")


def test_a_key_from_the_settings_opens_what_it_sealed_and_no_other_does(configured: Path) -> None:
    given(key_encryption_key=KEY)
    kept = sealed(make_key("ECDSA", 256), context="a")
    given(key_encryption_key=base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(Unavailable, match="which is not here") as refusal:
        opened(kept, context="a")
    assert KEY not in str(refusal.value)
    given(key_encryption_key=bytes(range(32)).hex())
    assert opened(kept, context="a").startswith(b"-----BEGIN PRIVATE KEY-----")
    assert not configured.exists(), "no key is made where one is given"


def test_a_passphrase_gives_the_same_key_in_every_process_of_an_installation(configured: Path) -> None:
    given(key_passphrase="correct horse battery staple")
    kept = sealed(make_key("ECDSA", 256), context="a")
    key_encryption_key.cache_clear()
    assert opened(kept, context="a")
    given(trust_domain="elsewhere.org")
    with pytest.raises(Unavailable):
        opened(kept, context="a")


def test_without_settings_a_key_is_made_once_outside_of_the_data_directory(configured: Path) -> None:
    kept = sealed(make_key("ECDSA", 256), context="a")
    path = default_place()
    assert path.is_relative_to(configured)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.is_relative_to(settings.DATA_DIR)
    first = path.read_bytes()
    key_encryption_key.cache_clear()
    assert opened(kept, context="a")
    assert path.read_bytes() == first


def test_each_data_directory_has_a_key_of_its_own(configured: Path, tmp_path: Path) -> None:
    first = default_place()
    settings.DATA_DIR = tmp_path / "other"
    assert default_place() != first


def test_a_key_beside_what_it_protects_is_refused(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(settings.DATA_DIR / "config"))
    with pytest.raises(Unavailable, match="GOV_KEY_ENCRYPTION_KEY_FILE"):
        key_encryption_key()


def test_an_unusable_key_file_is_named_and_not_shown(configured: Path) -> None:
    path = default_place()
    path.parent.mkdir(parents=True)
    path.write_text("no key at all, but somebody's secret")
    path.chmod(0o600)
    with pytest.raises(Unavailable, match="key-encryption-key") as refusal:
        key_encryption_key()
    assert "somebody" not in str(refusal.value)


def test_an_unusable_key_in_the_settings_is_refused_without_showing_it(configured: Path) -> None:
    given(key_encryption_key="c2hvcnQ=")
    with pytest.raises(Invalid) as refusal:
        key_encryption_key()
    assert "c2hvcnQ" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"GOV_KEY_ENCRYPTION_KEY": KEY, "GOV_KEY_PASSPHRASE": "correct horse battery"}, "use one"),
        ({"GOV_KEY_PASSPHRASE": "short"}, "GOV_KEY_PASSPHRASE"),
        ({"GOV_TRUST_DOMAIN": "Has Space"}, "GOV_TRUST_DOMAIN"),
        ({"GOV_PKI_URL": "https://pki.example.com"}, "GOV_PKI_URL"),
    ],
)
def test_settings_that_would_fail_later_are_refused_at_the_start(variables: dict[str, str], named: str) -> None:
    with pytest.raises(BadEnvironment, match=named) as refusal:
        read_environment(variables)
    assert KEY not in str(refusal.value)


def test_secrets_of_the_settings_are_not_shown(house: House) -> None:
    given(key_encryption_key=KEY)
    assert KEY not in repr(settings.GOV)
    assert repr(bytes(range(32))) not in repr(keyring.key_encryption_key())


def test_an_old_key_opens_what_it_sealed_and_seals_nothing(configured: Path) -> None:
    given(key_encryption_key=KEY)
    kept = sealed(make_key("ECDSA", 256), context="a")
    given(key_encryption_key=OTHER, key_encryption_key_old=KEY)
    fresh = sealed(make_key("ECDSA", 256), context="a")
    assert opened(kept, context="a") != opened(fresh, context="a")
    given(key_encryption_key_old="")
    assert opened(fresh, context="a")
    with pytest.raises(Unavailable):
        opened(kept, context="a")
    given(key_encryption_key_old="no key, but somebody's secret")
    with pytest.raises(Unavailable, match="GOV_KEY_ENCRYPTION_KEY_OLD") as refusal:
        opened(fresh, context="a")
    assert "somebody" not in str(refusal.value)
    assert OTHER not in repr(settings.GOV)


def test_an_old_key_may_be_given_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_text(KEY + "\n")
    environment = read_environment({"GOV_KEY_ENCRYPTION_KEY_OLD_FILE": str(tmp_path / "old")})
    assert environment.key_encryption_key_old == KEY
