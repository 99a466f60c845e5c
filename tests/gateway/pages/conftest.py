"""Browsers of people with roles in some namespaces, signed in to a house full of certificates."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from gateway import sessions
from governance.access.commands import CreatePerson, GrantRole
from governance.compliance.stream import stop_calls
from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from tests.fixtures.house import House
from tests.gateway.pages import issued, transparent
from tests.gateway.pages.outside import Outside, forged_port, outside

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SignIn = Callable[..., Client]


@pytest.fixture
def full(ledger: House) -> House:
    """A house with certificates in every state."""
    issued.fill()
    return ledger


@pytest.fixture
def world(ledger: House, tmp_path: Path) -> Iterator[Outside]:
    """A house whose certificates stand in every way towards the logs, and the world that it is in."""
    transparent.before()
    with outside(tmp_path / "lists") as world, forged_port(Path(settings.DATA_DIR)) as port:
        lists = {name.removeprefix("GOV_").lower(): value for name, value in world.environ.items()}
        settings.GOV = settings.GOV.model_copy(update=lists)
        transparent.beginning()
        world.go_wrong()
        transparent.trouble(port.address)
        yield world


@pytest.fixture
def signed_in(ledger: House) -> Iterator[SignIn]:
    """Makes a person with one role and returns their browser."""

    def sign_in(name: str, role: str, namespace: str = "*") -> Client:
        execute(CreatePerson(username=name, must_change_password=False), by=SYSTEM)
        execute(GrantRole(username=name, role=role, namespace=namespace), by=SYSTEM)
        browser = Client(headers={"host": "127.0.0.1"})
        browser.force_login(User.objects.get(username=name), backend=BACKEND)
        session = browser.session
        sessions.begin(session)
        session.save()
        return browser

    yield sign_in
    stop_calls()


def text_of(browser: Client, address: str) -> str:
    """A page that is there."""
    answer = browser.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return answer.content.decode()
