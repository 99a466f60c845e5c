"""The first admin, and the commands for whoever sits at the machine."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.test import RequestFactory

from governance.access.queries import actor_of_token, actor_of_user, must_change_password, person
from governance.access.setup import ensure_admin
from governance.kernel.errors import Invalid
from governance.ledger import queries as ledger
from tests.fixtures.house import House

ROOT = Path(__file__).resolve().parents[2]


def _manage(house: House, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=dict(house.environ), capture_output=True, text=True, check=False)


def _signs_in(username: str, password: str) -> bool:
    request = RequestFactory().post("/accounts/login/")
    return authenticate(request, username=username, password=password) is not None


def test_the_first_start_makes_one_admin_with_a_password_shown_once(ledger: House) -> None:
    password = ensure_admin()
    assert password is not None
    assert len(password) == 24
    assert _signs_in("admin", password)
    assert must_change_password("admin")
    assert ensure_admin() is None


def test_two_installations_differ(ledger: House) -> None:
    from governance.access.setup import one_time_password

    assert one_time_password() != one_time_password()


def test_a_given_password_is_not_shown_and_stays(ledger: House, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings.GOV.model_copy(update={"admin_password": "given by the operator"})
    monkeypatch.setattr(settings, "GOV", given)
    assert ensure_admin() is None
    assert _signs_in("admin", "given by the operator")
    assert actor_of_user("admin").may("access.write")


def test_a_short_password_is_refused_and_makes_nobody(ledger: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "GOV", settings.GOV.model_copy(update={"admin_password": "admin"}))
    with pytest.raises(Invalid):
        ensure_admin()
    assert person("admin") is None


def test_manage_token_prints_the_token_and_nothing_else(house: House) -> None:
    ensure_admin()
    done = _manage(house, "token", "--role", "operator", "--expires", "1h", "--namespace", "shop")
    assert done.returncode == 0, done.stderr
    secret = done.stdout.removesuffix("\n")
    assert "\n" not in secret
    actor = actor_of_token(secret)
    assert actor.may("traffic.write", "shop")
    assert not actor.may("traffic.write")
    made = ledger.history(f"token/{_token_id()}")[0]
    assert (made.actor, made.door) == ("system", "cli")


def _token_id() -> str:
    from governance.access.queries import owned_tokens

    return owned_tokens("admin")[-1].id


def test_manage_token_refuses_in_a_sentence(house: House) -> None:
    ensure_admin()
    for arguments in (["--expires", "forever"], ["--user", "nobody"], ["--namespace", "Not A Name"]):
        done = _manage(house, "token", "--role", "viewer", *arguments)
        assert done.returncode != 0
        assert done.stdout == ""
        assert "Traceback" not in done.stderr


def test_manage_password_lets_a_locked_out_admin_in_again(house: House) -> None:
    ensure_admin()
    password = _manage(house, "password").stdout.strip()
    assert _signs_in("admin", password)
    assert must_change_password("admin")
