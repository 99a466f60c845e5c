"""Programs with tokens of each role, and a service to ask about."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.http import HttpResponse
from django.test import Client

from governance.access import tokens
from governance.access.commands import CreatePerson, CreateToken, GrantRole
from governance.access.values import RoleGrant, TokenSpec
from governance.compliance import queries as compliance
from governance.compliance.queries import Call
from governance.compliance.stream import calls, stop_calls
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.ledger.execute import execute
from governance.registry.commands import CreateService, RegisterEndpoint
from governance.registry.values import EndpointSpec, ServiceSpec
from tests.fixtures.house import House

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Program:
    """Speaks JSON with one token."""

    token: str = ""

    def ask(self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **headers: str) -> "Answer":
        """Send `body` as JSON, or `raw` as it is; underscores in the names of headers stand for hyphens."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("authorization", f"Bearer {self.token}")
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        kind = sent.pop("content-type", "application/json")
        client = Client(headers={"host": "127.0.0.1"})
        response: Any = client.generic(method, path, content, content_type=kind, headers=sent)
        return Answer(response)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    response: HttpResponse

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def body(self) -> Any:
        return json.loads(self.response.content)

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        assert self.headers["content-type"] == "application/problem+json"
        return [error["field"] for error in self.body["errors"]]


Enrol = Callable[..., Program]
Recorded = Callable[[], list[Call]]


@pytest.fixture
def enrol(ledger: House) -> Iterator[Enrol]:
    """Add a person called like their role, and return a program with a token of theirs."""
    stop_calls()

    def add(role: str, *, namespace: str = EVERYWHERE, password: str = "") -> Program:
        name, secret = f"{role}-{namespace.replace('*', 'all')}", tokens.make()
        hashed = make_password(password) if password else ""
        execute(CreatePerson(username=name, password_hash=hashed, must_change_password=False), by=SYSTEM)
        execute(GrantRole(username=name, role=role, namespace=namespace), by=SYSTEM)
        spec = TokenSpec(name="ci", grants=(RoleGrant(role=role, namespace=namespace),), lifetime_s=3600)
        execute(CreateToken(owner=name, spec=spec, digest=tokens.digest(secret)), by=SYSTEM)
        return Program(secret)

    yield add
    stop_calls()


@pytest.fixture
def operator(enrol: Enrol) -> Program:
    """A program that may switch balancing everywhere."""
    return enrol("operator")


@pytest.fixture
def shop(ledger: House) -> str:
    """The address of the service shop/checkout with instances c0..c3."""
    execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="checkout")), by=SYSTEM)
    for n in range(4):
        spec = EndpointSpec(name=f"c{n}", host="127.0.0.1", port=7000 + n, zone="z1")
        execute(RegisterEndpoint(namespace="shop", service="checkout", spec=spec), by=SYSTEM)
    return "/api/v1/services/shop/checkout"


@pytest.fixture
def recorded(enrol: Enrol) -> Recorded:
    """The calls recorded so far, oldest first."""

    def read() -> list[Call]:
        assert calls().flush(20)
        return compliance.after(0, limit=10_000)

    return read
