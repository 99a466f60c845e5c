"""Real people with roles of their own, as the commands make them."""

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import make_password

from governance.access import tokens
from governance.access.commands import CreatePerson, CreateToken, GrantRole
from governance.access.queries import actor_of_user
from governance.access.values import RoleGrant, TokenSpec
from governance.kernel.actor import EVERYWHERE, SYSTEM, Actor
from governance.ledger.execute import execute
from tests.fixtures.house import House

Join = Callable[..., Actor]
Issue = Callable[..., str]


@pytest.fixture
def join(ledger: House) -> Join:
    """Add a person with roles (in all namespaces unless told), and return who they are."""

    def add(username: str, *roles: str, namespace: str = EVERYWHERE, password: str = "") -> Actor:
        hashed = make_password(password) if password else ""
        execute(CreatePerson(username=username, password_hash=hashed, must_change_password=False), by=SYSTEM)
        for role in roles:
            execute(GrantRole(username=username, role=role, namespace=namespace), by=SYSTEM)
        return actor_of_user(username)

    return add


@pytest.fixture
def issue(ledger: House) -> Issue:
    """Make a token for someone and return its secret."""

    def make(owner: str, role: str, *, namespace: str = EVERYWHERE, name: str = "ci", lifetime_s: int = 3600) -> str:
        secret = tokens.make()
        spec = TokenSpec(name=name, grants=(RoleGrant(role=role, namespace=namespace),), lifetime_s=lifetime_s)
        execute(CreateToken(owner=owner, spec=spec, digest=tokens.digest(secret)), by=SYSTEM)
        return secret

    return make
